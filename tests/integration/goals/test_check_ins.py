"""Check-ins over HTTP: what they change, and what is no check-in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.goals.api.schemas import CheckedInShape
from tests.integration.goals.conftest import (
    COVERAGE,
    Service,
    check_ins,
    cycle_body,
    problem,
)


async def test_a_check_in_moves_the_key_result(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    said = {
        "value": 80,
        "confidence": 0.6,
        "status": "on_track",
        "comment": "The new suite is in.",
        "reason": "Weekly round.",
    }
    response = await service.lead.post(check_ins(objective), said, version=3)
    assert response.status_code == 201
    assert response.headers["etag"] == '"4"'
    answer = response.json()
    assert CheckedInShape.model_validate(answer).model_dump(mode="json") == answer
    key_result = answer["key_result"]
    assert (key_result["value"], key_result["source"]) == (80, "manual")
    assert (key_result["attainment"], key_result["progress"]) == (0.5, 0.5)
    assert f"goals:{key_result['position']}" == response.headers["cairn-position"]
    assert key_result["pace"] == 0.5 - key_result["expected"]
    assert key_result["last_check_in"]["id"] == answer["check_in_id"]
    assert key_result["last_check_in"]["by"] == {"id": "lea", "kind": "human"}
    assert answer["warnings"] == []
    shown = (await service.reader.get(f"/objectives/{objective['id']}")).json()
    assert shown["key_results"][0]["value"] == 80
    assert shown["progress"] == 0.5
    location = response.headers["location"].removeprefix("/v1")
    assert (await service.reader.get(location)).json()["version"] == 4


async def test_progress_is_clamped_and_attainment_is_not(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    for version, value, attainment, progress in ((3, 95, 1.25, 1.0), (4, 65, -0.25, 0.0)):
        answer = await service.lead.done(check_ins(objective), {"value": value}, version=version)
        assert answer["key_result"]["attainment"] == attainment
        assert answer["key_result"]["progress"] == progress


async def test_a_check_in_about_an_earlier_time_joins_the_history_only(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    await service.lead.done(check_ins(objective), {"value": 80}, version=3)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    late = await service.lead.done(
        check_ins(objective), {"value": 75, "effective_at": yesterday}, version=4
    )
    assert late["key_result"]["value"] == 80
    assert [each["code"] for each in late["warnings"]] == ["not_current"]
    history = (await service.reader.get(f"/objectives/{objective['id']}/history")).json()
    entry = history["items"][-1]
    assert datetime.fromisoformat(entry["effective_at"]) == datetime.fromisoformat(yesterday)
    assert entry["recorded_at"] > entry["effective_at"]
    assert entry["changes"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"value": "80"},
        {"value": True},
        {"value": None},
        {"confidence": 1.1},
        {"confidence": "high"},
        {"status": "fine"},
        {"comment": "x" * 10_001},
        {"comment": "\u0000"},
        {"effective_at": "yesterday"},
        {"effective_at": "2026-01-01T00:00:00"},
        {"effective_at": "0001-01-01T00:00:00+14:00"},
        {"valeu": 1},
    ],
)
async def test_a_body_that_is_no_check_in_is_refused(
    service: Service, change: dict[str, Any]
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    response = await service.lead.post(check_ins(objective), {"value": 80, **change}, version=3)
    assert problem(response) == (422, "invalid-request")
    assert response.json()["errors"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
async def test_a_value_that_is_no_number_is_refused(service: Service, value: str) -> None:
    objective = await service.active_objective(await service.active_cycle())
    response = await service.lead.send_text(
        check_ins(objective), f'{{"value": {value}}}', version=3
    )
    assert problem(response) == (422, "invalid-request")


async def test_a_check_in_is_about_the_time_from_the_cycle_s_beginning_to_now(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for moment in (tomorrow, "2023-12-31T23:59:59Z"):
        response = await service.lead.post(
            check_ins(objective), {"value": 80, "effective_at": moment}, version=3
        )
        assert problem(response) == (422, "effective-at")
        assert response.json()["earliest"] == "2024-01-01T00:00:00Z"


async def test_a_moment_told_in_another_zone_is_answered_in_utc(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    body = {"value": 80, "effective_at": "2024-01-02T09:00:00+02:00"}
    answer = await service.lead.done(check_ins(objective), body, version=3)
    said = "2024-01-02T07:00:00Z"
    assert answer["key_result"]["as_of"] == said
    assert answer["key_result"]["last_check_in"]["effective_at"] == said
    history = (await service.reader.get(f"/objectives/{objective['id']}/history")).json()
    assert history["items"][-1]["effective_at"] == said


async def test_a_cycle_activated_early_takes_check_ins_at_once(service: Service) -> None:
    cycle = await service.active_cycle(starts_on="2030-01-01", ends_on="2030-03-31")
    objective = await service.active_objective(cycle)
    answer = await service.lead.done(check_ins(objective), {"value": 80}, version=3)
    assert answer["key_result"]["expected"] == 0.0


async def test_only_a_key_result_at_work_is_checked_in_on(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    response = await service.lead.post(check_ins(drafted), {"value": 80}, version=2)
    assert problem(response) == (409, "objective-state")
    assert "activate it" in response.json()["detail"]
    objective = await service.active_objective(cycle)
    stranger = f"/objectives/{objective['id']}/key-results/{uuid4()}/check-ins"
    response = await service.lead.post(stranger, {"value": 80}, version=3)
    assert problem(response) == (404, "key-result-not-found")


async def test_a_last_check_in_is_taken_while_scoring(service: Service) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    await service.admin.done(f"/cycles/{planned['id']}/activate", version=1)
    objective = await service.active_objective(planned)
    await service.admin.done(f"/cycles/{planned['id']}/start-scoring", version=2)
    await service.lead.done(check_ins(objective), {"value": 90}, version=3)
