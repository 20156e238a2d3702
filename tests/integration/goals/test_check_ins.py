"""Check-ins over HTTP: said, put right, listed, due; and what is no check-in."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import uuid4

import pytest

from services.goals import queries
from services.goals.api.check_in_schemas import CheckedInShape, CheckInPage
from services.goals.api.objective_schemas import ObjectiveShape
from tests.integration.goals.conftest import (
    BUGS,
    COVERAGE,
    LANGUAGES,
    REASON,
    RESPONSIVE,
    UPTIME,
    Json,
    Service,
    check_ins,
    cycle_body,
    of,
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
    (change,) = entry["changes"]
    assert change == {
        "path": f"/check_ins/{late['check_in_id']}/value",
        "before": None,
        "after": 75,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"value": "80"},
        {"value": True},
        {"done": "yes"},
        {"milestones_done": ["French"]},
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
    assert "activate" in response.json()["allowed"]
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


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def correct(check_in_id: str) -> str:
    """The step that puts a check-in right, for `of`."""
    return f"check-ins/{check_in_id}/correct"


async def said(service: Service, objective: Json, body: Json, index: int = 0) -> Json:
    return await service.changed(objective, of(objective, "check-ins", index), body)


async def test_each_type_is_measured_in_its_way_and_no_other(service: Service) -> None:
    types = (COVERAGE, BUGS, UPTIME, LANGUAGES, RESPONSIVE)
    objective = await service.active_objective(await service.active_cycle(), *types)
    listed = [each["id"] for each in objective["key_results"][3]["milestones"]]
    number, step, done = {"value": 80.5}, {"milestones_done": listed[:1]}, {"done": True}
    ways: list[tuple[Json, float]] = [
        (number, 80.5),
        (number, 80.5),
        (number, 80.5),
        (step, 0.25),
        (done, 1.0),
    ]
    for index, (way, value) in enumerate(ways):
        wrong = [{}, {"comment": "Fine."}, {"value": None}, {**number, **done}, {**step, **done}]
        wrong += [each for each in (number, step, done) if each != way]
        for body in wrong:
            response = await service.change(objective, of(objective, "check-ins", index), body)
            assert problem(response) == (422, "check-in-value"), (types[index], body)
            assert response.json()["key_result_type"] == types[index]["type"]
        answer = await said(service, objective, way, index)
        assert CheckedInShape.model_validate(answer).model_dump(mode="json") == answer
        assert answer["key_result"]["value"] == value


async def test_what_is_maintained_stands_at_the_share_in_its_band(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), {**UPTIME, "upper": 100}
    )
    for value, in_band, tally in (
        (99.99, True, (1, 1)),
        (99.5, False, (2, 1)),
        (100.1, False, (3, 1)),
        (100, True, (4, 2)),
    ):
        shown = (await said(service, objective, {"value": value}))["key_result"]
        assert shown["in_band"] is in_band
        assert (shown["tally"]["measured"], shown["tally"]["in_band"]) == tally
        assert shown["progress"] == shown["attainment"] == tally[1] / tally[0]


async def test_milestones_count_with_their_weights_once_each(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), LANGUAGES)
    french, german, japanese = (each["id"] for each in objective["key_results"][0]["milestones"])
    for done, share in (
        ([japanese, french, french], 0.75),
        ([french, german], 0.5),
        ([], 0.0),
        ([french, german, japanese], 1.0),
    ):
        shown = (await said(service, objective, {"milestones_done": done}))["key_result"]
        assert shown["progress"] == share
        assert {each["id"] for each in shown["milestones"] if each["done"]} == set(done)
    stranger = {"milestones_done": [french, str(uuid4())]}
    response = await service.change(objective, of(objective, "check-ins"), stranger)
    assert problem(response) == (422, "milestone-not-found")


async def test_what_was_done_can_be_undone(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), RESPONSIVE)
    for done, progress in ((True, 1.0), (False, 0.0)):
        shown = (await said(service, objective, {"done": done}))["key_result"]
        assert (shown["value"], shown["progress"]) == (progress, progress)


async def test_confidence_is_a_share(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    for confidence in (0, 0.5, 1, None):
        answer = await said(service, objective, {"value": 80, "confidence": confidence})
        assert answer["key_result"]["last_check_in"]["confidence"] == confidence
    for wrong in (-0.01, 1.01):
        response = await service.change(
            objective, of(objective, "check-ins"), {"value": 80, "confidence": wrong}
        )
        assert problem(response) == (422, "invalid-request")


async def test_check_ins_are_listed_in_the_order_in_which_they_were_true(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle(), COVERAGE, BUGS)
    for value, days in ((80, 1.0), (75, 9.0), (78, 5.0), (85, 0.5)):
        await said(service, objective, {"value": value, "effective_at": days_ago(days)})
    await said(service, objective, {"value": 30, "effective_at": days_ago(7)}, 1)
    assert (await service.shown(objective))["key_results"][0]["value"] == 85
    page = (await service.reader.get(f"/objectives/{objective['id']}/check-ins")).json()
    assert CheckInPage.model_validate(page).model_dump(mode="json") == page
    assert [each["stands"]["value"] for each in page["items"]] == [75, 30, 78, 80, 85]
    first = page["items"][0]
    assert first["corrected"] == []
    assert first["stands"]["by"] == {"id": "lea", "kind": "human"}
    assert first["effective_at"] < first["stands"]["recorded_at"]
    (of_bugs,) = await service.check_ins(objective, key_result_id=objective["key_results"][1]["id"])
    assert (of_bugs["stands"]["value"], of_bugs["key_result_id"]) == (
        30,
        objective["key_results"][1]["id"],
    )
    assert await service.check_ins(objective, key_result_id=str(uuid4())) == []


async def test_check_ins_are_listed_in_pages_although_many_are_of_one_time(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    moment = days_ago(3)
    made = {
        (await said(service, objective, {"value": value, "effective_at": moment}))["check_in_id"]
        for value in range(5)
    }
    path = f"/objectives/{objective['id']}/check-ins"
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await service.reader.get(path, limit=2, **cursor)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert set(seen) == made
    assert len(seen) == len(made)
    history = f"/objectives/{objective['id']}/history"
    other = (await service.reader.get(history, limit=1)).json()["next"]
    for wrong in (other, "x", ""):
        response = await service.reader.get(path, cursor=wrong)
        assert problem(response) == (422, "malformed-cursor")
    assert problem(await service.reader.get(path, limit=0)) == (422, "invalid-request")
    nothing = await service.reader.get(f"/objectives/{objective['cycle_id']}/check-ins")
    assert problem(nothing) == (404, "not-found")


async def test_a_correction_replaces_what_was_said_and_keeps_it(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    wrong = {
        "value": 58,
        "confidence": 0.5,
        "status": "at_risk",
        "comment": "Hm.",
        "effective_at": days_ago(2),
    }
    original = await said(service, objective, wrong)
    body = {"value": 85, "confidence": 0.9, **REASON}
    step = of(objective, correct(original["check_in_id"]))
    corrected = await service.changed(objective, step, body, by=service.admin)
    assert ObjectiveShape.model_validate(corrected).model_dump(mode="json") == corrected
    (key_result,) = corrected["key_results"]
    assert (key_result["value"], key_result["attainment"]) == (85, 0.75)
    last = key_result["last_check_in"]
    assert (last["id"], last["corrected"]) == (original["check_in_id"], True)
    assert (last["value"], last["comment"], last["status"]) == (85, "Hm.", "at_risk")
    assert last["effective_at"] == original["key_result"]["last_check_in"]["effective_at"]
    (listed,) = await service.check_ins(objective)
    assert listed["id"] == original["check_in_id"]
    (before,) = listed["corrected"]
    told = {name: before[name] for name in ("value", "confidence", "status", "comment")}
    assert told == {name: wrong[name] for name in told}
    assert (before["by"]["id"], before["reason"]) == ("lea", None)
    assert (listed["stands"]["value"], listed["stands"]["by"]["id"]) == (85, "root")
    assert listed["stands"]["reason"] == REASON["reason"]
    entry = (await service.history(objective))[-1]
    assert entry["effective_at"] == last["effective_at"]
    assert "corrected a check-in on “Test coverage” from 58 % to 85 %" in entry["sentence"]
    # What was known before is still known as it was.
    then = await service.shown(objective, version=original["version"])
    assert then["key_results"][0]["value"] == 58


async def test_a_correction_of_what_is_past_changes_nothing_current(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    early = await said(service, objective, {"value": 75, "effective_at": days_ago(8)})
    await said(service, objective, {"value": 80})
    step = of(objective, correct(early["check_in_id"]))
    corrected = await service.changed(objective, step, {"value": 72, **REASON})
    assert corrected["key_results"][0]["value"] == 80
    assert corrected["key_results"][0]["last_check_in"]["corrected"] is False
    twice = await service.changed(objective, step, {"value": 73, **REASON})
    assert twice["version"] == corrected["version"] + 1
    values = [
        ([before["value"] for before in each["corrected"]], each["stands"]["value"])
        for each in await service.check_ins(objective)
    ]
    assert values == [([75, 72], 73), ([], 80)]


async def test_a_correction_moves_the_share_in_the_band(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), UPTIME)
    await said(service, objective, {"value": 100})
    wrong = await said(service, objective, {"value": 9.99})
    assert wrong["key_result"]["progress"] == 0.5
    step = of(objective, correct(wrong["check_in_id"]))
    corrected = await service.changed(objective, step, {"value": 99.99, **REASON})
    assert corrected["key_results"][0]["tally"] == {"measured": 2, "in_band": 2}


async def test_a_correction_that_corrects_nothing_is_refused(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), COVERAGE, BUGS)
    first = await said(service, objective, {"value": 80, "comment": "Fine."})
    good = {"value": 81, **REASON}
    step = of(objective, correct(first["check_in_id"]))
    for path, body, refusal in (
        (step, {"value": 80, "comment": "Fine.", **REASON}, (409, "nothing-changes")),
        (step, {"value": 81}, (422, "invalid-request")),
        (step, {**good, "effective_at": days_ago(1)}, (422, "invalid-request")),
        (step, {**good, "confidence": 2}, (422, "invalid-request")),
        (step, REASON, (409, "nothing-changes")),
        (step, {"done": True, **REASON}, (422, "check-in-value")),
        (of(objective, correct(str(uuid4()))), good, (404, "check-in-not-found")),
        (of(objective, correct(first["check_in_id"]), 1), good, (404, "check-in-not-found")),
        (of(objective, correct("seven")), good, (422, "invalid-request")),
    ):
        assert problem(await service.change(objective, path, body)) == refusal
    other = await service.active_objective(await service.active_cycle())
    strange = f"key-results/{objective['key_results'][0]['id']}/{correct(first['check_in_id'])}"
    response = await service.change(other, strange, good)
    assert problem(response) == (404, "check-in-not-found")
    stale = await service.lead.post(f"/objectives/{objective['id']}/{step}", good, version=4)
    assert problem(stale) == (412, "precondition-failed")


async def test_a_check_in_is_put_right_after_the_end_and_its_score_stays(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    first = await said(service, objective, {"value": 80})
    await service.changed(objective, "close")
    await service.moved(cycle, "start-scoring", "close")
    step = of(objective, correct(first["check_in_id"]))
    corrected = await service.changed(objective, step, {"value": 90, **REASON})
    assert corrected["key_results"][0]["value"] == 90
    assert corrected["outcome"]["score"] == 0.5
    (listed,) = await service.check_ins(objective)
    assert listed["stands"]["after_closing"] is True
    assert listed["corrected"][0]["after_closing"] is False


async def test_the_last_check_in_of_a_closed_cycle_needs_a_reason(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.moved(cycle, "start-scoring", "close")
    refused = await service.change(objective, of(objective, "check-ins"), {"value": 80})
    assert problem(refused) == (409, "cycle-locked")
    await said(service, objective, {"value": 80, **REASON})
    (listed,) = await service.check_ins(objective)
    assert listed["stands"]["after_closing"] is True


def after(days: float) -> type[datetime]:
    """A calendar whose clock is ahead by so many days."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp(super().now(tz).timestamp() + days * 86_400, tz)

    return Ahead


@pytest.mark.parametrize(("rhythm", "days"), [("weekly", 7), ("biweekly", 14), ("monthly", 31)])
async def test_the_next_check_in_is_due_by_the_cycle_s_rhythm(
    service: Service, monkeypatch: pytest.MonkeyPatch, rhythm: str, days: int
) -> None:
    cycle = await service.active_cycle(check_in_rhythm=rhythm)
    drafted = await service.draft(cycle, COVERAGE, BUGS)
    assert drafted["key_results"][0]["check_in_due_at"] is None
    active = await service.changed(drafted, "activate")
    begun = datetime.fromisoformat(active["activated_at"])
    late = await said(service, active, {"value": 80, "effective_at": days_ago(days + 1)})
    due_at = datetime.fromisoformat(late["key_result"]["check_in_due_at"])
    assert due_at == begun + timedelta(days=days)  # nobody could have known before
    assert late["key_result"]["overdue"] is False
    answer = await said(service, active, {"value": 81})
    due_at = datetime.fromisoformat(answer["key_result"]["check_in_due_at"])
    assert due_at == datetime.fromisoformat(answer["key_result"]["as_of"]) + timedelta(days=days)
    assert (await service.shown(active))["overdue"] is False
    monkeypatch.setattr(queries, "datetime", after(days + 1))
    shown = await service.shown(active)
    assert shown["overdue"] is True
    assert [each["overdue"] for each in shown["key_results"]] == [True, True]


async def test_nobody_has_to_check_in_on_what_rests(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    monkeypatch.setattr(queries, "datetime", after(30))
    assert (await service.shown(objective))["overdue"] is True
    await service.moved(cycle, "start-scoring")
    shown = await service.shown(objective)
    assert (shown["overdue"], shown["key_results"][0]["check_in_due_at"]) == (False, None)


async def test_a_clock_that_runs_a_little_ahead_says_nothing_of_the_future(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    ahead = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    answer = await said(service, objective, {"value": 80, "effective_at": ahead})
    assert answer["key_result"]["as_of"] < ahead
    answer = await said(service, objective, {"value": 85})
    assert (answer["key_result"]["value"], answer["warnings"]) == (85, [])
    listed = await service.check_ins(objective)
    assert [each["stands"]["value"] for each in listed] == [80, 85]


async def test_a_correction_of_an_earlier_check_in_is_told_with_what_it_changed(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    first = await said(service, objective, {"value": 80, "effective_at": days_ago(2)})
    await said(service, objective, {"value": 85})
    step = of(objective, correct(first["check_in_id"]))
    await service.changed(objective, step, {"value": 82, **REASON})
    (change,) = (await service.history(objective))[-1]["changes"]
    path = f"/check_ins/{first['check_in_id']}/value"
    assert change == {"path": path, "before": 80, "after": 82}


async def test_a_comment_is_put_right_although_the_checklist_is_another_by_now(
    service: Service,
) -> None:
    steps = [{"title": "German"}, {"title": "French"}]
    checklist = {"title": "Languages", "type": "milestones", "milestones": steps}
    objective = await service.active_objective(await service.active_cycle(), checklist)
    done = [objective["key_results"][0]["milestones"][0]["id"]]
    first = await said(service, objective, {"milestones_done": done, "comment": "Girman"})
    other = {"milestones": [{"title": "Polish"}], **REASON}
    await service.changed(objective, of(objective, "retarget"), other)
    step = of(objective, correct(first["check_in_id"]))
    await service.changed(objective, step, {"comment": "German", **REASON})
    (listed,) = await service.check_ins(objective)
    assert (listed["stands"]["comment"], listed["stands"]["milestones_done"]) == ("German", done)
