"""Readings over HTTP: good rows are kept, each bad one says why not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.metrics.reading_format import MAX_READINGS
from tests.integration.goals.conftest import Json, problem
from tests.integration.metrics.conftest import REVENUE, Database, Service

AT = "2026-03-04T09:00:00Z"
LATER = "2026-03-04T10:00:00Z"
BOUND_SECONDS = 20
READINGS = f"/kpis/{REVENUE}/readings"
PERIODS = f"/kpis/{REVENUE}/periods"


def row(value: Any = 5.0, **changes: Any) -> Json:
    return {"kpi": REVENUE, "at": AT, "value": value, "source": "pos-1", **changes}


def outcome(accepted: int = 0, duplicates: int = 0, corrections: int = 0) -> Json:
    return {
        "accepted": accepted,
        "duplicates": duplicates,
        "corrections": corrections,
        "rejected": [],
    }


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not await true():
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
async def revenue(service: Service) -> None:
    await service.define()


@pytest.mark.parametrize("form", [lambda it: it, lambda it: [it], lambda it: {"readings": [it]}])
async def test_one_reading_an_array_and_an_envelope_are_taken(
    service: Service, form: Callable[[Json], Any]
) -> None:
    response = await service.producer.post("/readings", form(row()))
    assert (response.status_code, response.json()) == (200, outcome(accepted=1))


async def test_an_empty_batch_is_nothing_to_complain_about(service: Service) -> None:
    assert await service.producer.done("/readings", []) == outcome()  # type: ignore[arg-type]


async def test_each_row_has_its_own_fate(service: Service, database: Database) -> None:
    await service.define("sales.gone")
    await service.analyst.done("/kpis/sales.gone/retire", version=1)
    await service.producer.done("/readings", row())
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    rows = [
        row(at=LATER),  # 0: new
        row(),  # 1: a duplicate
        row(6.0),  # 2
        row(kpi="sales.unheard"),  # 3
        row(kpi="sales.gone"),  # 4
        row(kpi="people.salaries"),  # 5
        row(at="2026-03-04T09:00:00"),  # 6
        row(at=ahead),  # 7
        row(at="1899-12-31T23:59:59Z"),  # 8
        row(float("nan")),  # 9
        row(1e300),  # 10
        row("5"),  # 11
        row(source="a b"),  # 12
        {name: value for name, value in row().items() if name != "source"},  # 13
        row(7.0, correction=True),  # 14
        row(note="x" * 2_001),  # 15
        row(corection=True),  # 16
        5,  # 17
        row(7.0, correction=True, reason="typo"),  # 18: a correction
    ]
    response = await service.producer.send_text("/readings", json.dumps(rows))
    assert response.status_code == 200
    told = response.json()
    assert (told["accepted"], told["duplicates"], told["corrections"]) == (1, 1, 1)
    assert {each["index"]: each["code"] for each in told["rejected"]} == {
        2: "conflict",
        3: "unknown-kpi",
        4: "retired-kpi",
        5: "forbidden-kpi",
        6: "no-time-zone",
        7: "too-far-ahead",
        8: "too-long-ago",
        9: "not-finite",
        10: "not-finite",
        11: "malformed",
        12: "bad-source",
        13: "bad-source",
        14: "correction-without-reason",
        15: "bad-text",
        16: "malformed",
        17: "malformed",
    }
    assert [each["index"] for each in told["rejected"]] == sorted(range(2, 18))
    assert all(each["detail"] for each in told["rejected"])
    assert database.values("SELECT count(*) FROM readings") == [3]


async def test_where_every_row_is_refused_the_answer_is_a_problem(
    service: Service, database: Database
) -> None:
    response = await service.producer.post("/readings", [row(kpi="sales.no"), row("5")])  # type: ignore[arg-type]
    assert problem(response) == (422, "nothing-recorded")
    refused = [(each["index"], each["code"]) for each in response.json()["rejected"]]
    assert refused == [(0, "unknown-kpi"), (1, "malformed")]
    assert database.values("SELECT count(*) FROM readings") == [0]


async def test_a_batch_can_be_sent_again(service: Service) -> None:
    batch: Any = [row(), row(at=LATER)]
    assert await service.producer.done("/readings", batch, key="b-1") == outcome(accepted=2)
    assert await service.producer.done("/readings", batch, key="b-1") == outcome(duplicates=2)
    assert await service.producer.done("/readings", batch) == outcome(duplicates=2)


async def test_what_becomes_of_readings_is_measured(service: Service) -> None:
    rows: Any = [row(), row(), row("x"), row(6.0, correction=True, reason="typo")]
    await service.producer.done("/readings", rows)
    exposed = (await service.client.get("/metrics")).text
    for outcome, count in (("accepted", 1), ("duplicate", 1), ("rejected", 1), ("correction", 1)):
        assert f'cairn_readings_total{{outcome="{outcome}"}} {count}.0' in exposed
    assert "cairn_readings_group_rows_sum 2.0" in exposed


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("", (400, "malformed-readings")),
        ("[", (400, "malformed-readings")),
        ("5", (400, "malformed-readings")),
        ('{"readings": 5}', (400, "malformed-readings")),
        ("[" * 100_000, (400, "malformed-readings")),
        ("[" + "5," * MAX_READINGS + "5]", (413, "too-many-readings")),
    ],
    ids=["empty", "broken", "a number", "no array", "deep", "too many"],
)
async def test_a_body_that_holds_no_batch_is_refused(
    service: Service, text: str, answered: tuple[int, str]
) -> None:
    assert problem(await service.producer.send_text("/readings", text)) == answered


async def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    text = " " * (8 * 1024 * 1024 + 1)
    assert problem(await service.producer.send_text("/readings", text)) == (413, "body-too-large")


@pytest.mark.parametrize("content_type", ["text/csv", "application/xml", "application/jsonp"])
async def test_another_format_is_refused(service: Service, content_type: str) -> None:
    response = await service.producer.post(
        "/readings", row(), headers={"Content-Type": content_type}
    )
    assert problem(response) == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_may_be_called_json(service: Service, content_type: str) -> None:
    response = await service.producer.post(
        "/readings", row(), headers={"Content-Type": content_type}
    )
    assert response.status_code == 200


async def test_a_malformed_key_is_refused(service: Service) -> None:
    response = await service.producer.post("/readings", row(), key="a b")
    assert problem(response) == (400, "invalid-header")


async def test_a_token_reaches_the_kpis_that_its_patterns_match(service: Service) -> None:
    await service.define("web.visits")
    await service.define("web.sessions")
    rows: Any = [row(), row(kpi="web.visits"), row(kpi="web.sessions"), row(kpi="web.unheard")]
    told = await service.producer.done("/readings", rows)
    assert told["accepted"] == 2
    assert [each["code"] for each in told["rejected"]] == ["forbidden-kpi", "forbidden-kpi"]
    nobody = service.caller("n", "readings:write")
    assert problem(await nobody.post("/readings", row())) == (422, "nothing-recorded")


async def test_readings_are_shown_as_they_are_kept(service: Service) -> None:
    full = row(id="r-1", note="größer", at="2026-03-04T10:00:00.123456+01:00")
    await service.producer.done("/readings", full)
    page = (await service.reader.get(READINGS)).json()
    [shown] = page["items"]
    assert shown == {
        "at": "2026-03-04T09:00:00.123456Z",
        "value": 5.0,
        "source": "pos-1",
        "revision": 1,
        "recorded_at": shown["recorded_at"],
        "recorded_by": {"id": "till", "kind": "service"},
        "id": "r-1",
        "note": "größer",
        "reason": None,
    }
    assert page["next"] is None


async def test_superseded_revisions_are_shown_to_those_who_ask(service: Service) -> None:
    await service.producer.done("/readings", row(1.0))
    await service.producer.done("/readings", row(2.0, correction=True, reason="typo"))
    await service.producer.done("/readings", row(3.0, at=LATER))

    async def shown(**query: Any) -> list[tuple[int, float, str | None]]:
        items = (await service.reader.get(READINGS, **query)).json()["items"]
        return [(each["revision"], each["value"], each["reason"]) for each in items]

    assert await shown() == [(2, 2.0, "typo"), (1, 3.0, None)]
    assert await shown(revisions="all") == [(1, 1.0, None), (2, 2.0, "typo"), (1, 3.0, None)]


@pytest.mark.parametrize("revisions", ["current", "all"])
async def test_readings_are_listed_a_page_at_a_time(service: Service, revisions: str) -> None:
    start = datetime(2026, 3, 4, tzinfo=UTC)
    rows: Any = [
        row(float(minute), at=(start + timedelta(minutes=minute)).isoformat(), source=source)
        for minute in range(5)
        for source in ("a", "b")
    ]
    corrected: Any = [each | {"value": -1.0, "correction": True, "reason": "r"} for each in rows]
    await service.producer.done("/readings", rows)
    await service.producer.done("/readings", corrected[:7])
    seen: list[tuple[str, str, int]] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"limit": 3, "revisions": revisions, **cursor}
        page = (await service.reader.get(READINGS, **query)).json()
        seen += [(each["at"], each["source"], each["revision"]) for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == (17 if revisions == "all" else 10)
    assert seen == sorted(seen)


async def test_readings_are_listed_from_a_moment_to_another(service: Service) -> None:
    rows: Any = [row(at=f"2026-03-04T{hour:02}:00:00Z") for hour in (8, 9, 10)]
    await service.producer.done("/readings", rows)
    query = {"from": "2026-03-04T09:00:00Z", "to": "2026-03-04T10:00:00Z"}
    items = (await service.reader.get(READINGS, **query)).json()["items"]
    assert [each["at"] for each in items] == ["2026-03-04T09:00:00Z"]


@pytest.mark.parametrize("path", [READINGS, PERIODS])
@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"to": "2026-03-04T09:00:00"},
        {"from": "0001-01-01T00:00:00Z"},
        {"limit": 1_001},
        {"cursor": "WzVd"},
    ],
)
async def test_a_range_in_another_form_is_refused(
    service: Service, path: str, query: dict[str, Any]
) -> None:
    status, _ = problem(await service.reader.get(path, **query))
    assert status == 422


async def test_periods_show_what_readings_came_to(service: Service) -> None:
    rows: Any = [row(1.5), row(2.0, at=LATER), row(8.0, at="2026-03-05T10:00:00Z")]
    await service.producer.done("/readings", rows)

    async def items(**query: Any) -> list[Json]:
        found: list[Json] = (await service.reader.get(PERIODS, **query)).json()["items"]
        return found

    async def both_are_there() -> bool:
        return len(await items()) == 2

    await until(both_are_there)
    first, second = await items()
    assert first == {
        "definition": 1,
        "period_start": "2026-03-03T23:00:00Z",
        "period_end": "2026-03-04T23:00:00Z",
        "value": 3.5,
        "readings": 2,
        "latest_value": 2.0,
        "latest_at": LATER,
        "position": first["position"],
    }
    assert await items(**{"from": "2026-03-04T23:00:00Z"}) == [second]
    assert await items(to="2026-03-04T23:00:00Z") == [first]
    page = (await service.reader.get(PERIODS, limit=1)).json()
    assert page["items"] == [first]
    assert await items(limit=1, cursor=page["next"]) == [second]


async def test_periods_are_those_of_the_definition_that_is_asked_for(service: Service) -> None:
    await service.producer.done("/readings", row())

    async def values(**query: Any) -> list[float]:
        items = (await service.reader.get(PERIODS, **query)).json()["items"]
        return [each["value"] for each in items]

    async def measured() -> bool:
        return await values() == [5.0]

    await until(measured)
    await service.analyst.done(
        f"/kpis/{REVENUE}/redefine", {"aggregation": "mean", "reason": "why"}, version=1
    )
    assert await values() == []
    assert await values(definition=1) == [5.0]
    unknown = await service.reader.get(PERIODS, definition=3)
    assert problem(unknown) == (404, "definition-not-found")
