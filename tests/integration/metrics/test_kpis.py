"""KPIs over HTTP: defined once, redefined with a reason, retired for good."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from services.chassis.eventstore.reading import EventLog
from tests.integration.goals.conftest import Json, problem
from tests.integration.metrics.conftest import REVENUE, Database, Service, kpi_body

PATH = f"/kpis/{REVENUE}"
MEAN: Json = {"aggregation": "mean", "reason": "a sum misleads"}


async def test_a_kpi_is_defined_and_shown(service: Service) -> None:
    response = await service.analyst.post("/kpis", kpi_body())
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1{PATH}"
    assert response.headers["etag"] == '"1"'
    assert response.headers["cairn-position"] == "metrics:1"
    defined = response.json()
    moment = defined["defined_at"]
    assert defined == kpi_body() | {
        "definition": 1,
        "defined_at": moment,
        "changed_at": moment,
        "retired_at": None,
        "version": 1,
    }
    shown = await service.reader.get(PATH)
    assert shown.json() == defined
    assert (shown.headers["etag"], shown.headers["cairn-position"]) == ('"1"', "metrics:1")


async def test_time_is_utc_and_a_unit_none_where_nothing_is_said(service: Service) -> None:
    body = {name: value for name, value in kpi_body().items() if name not in {"unit", "time_zone"}}
    defined = await service.analyst.done("/kpis", body)
    assert (defined["unit"], defined["time_zone"]) == ("", "UTC")


async def test_a_redefinition_changes_what_it_names_and_keeps_the_rest(service: Service) -> None:
    defined = await service.define()
    response = await service.analyst.post(f"{PATH}/redefine", MEAN, version=1)
    assert response.status_code == 200
    redefined = response.json()
    assert redefined == defined | {
        "aggregation": "mean",
        "definition": 2,
        "version": 2,
        "changed_at": redefined["changed_at"],
    }
    assert redefined["changed_at"] > defined["changed_at"]
    assert response.headers["etag"] == '"2"'
    owner = {"owner": {"kind": "person", "id": "p-1"}, "reason": "new hands"}
    again = await service.analyst.done(f"{PATH}/redefine", owner, version=2)
    assert (again["aggregation"], again["owner"]) == ("mean", owner["owner"])


async def test_a_kpi_is_shown_as_it_was(service: Service) -> None:
    defined = await service.define()
    redefined = await service.analyst.done(f"{PATH}/redefine", MEAN, version=1)
    await service.analyst.done(f"{PATH}/retire", version=2)
    assert (await service.reader.get(PATH, version=1)).json() == defined
    assert (await service.reader.get(PATH, as_of=redefined["changed_at"])).json() == redefined
    before = datetime.fromisoformat(defined["defined_at"]) - timedelta(microseconds=1)
    was_none = await service.reader.get(PATH, as_of=before.isoformat())
    assert problem(was_none) == (404, "kpi-not-found")
    assert problem(await service.reader.get(PATH, version=4)) == (404, "version-not-found")


async def test_why_a_kpi_was_redefined_is_kept(
    service: Service, log: EventLog, database: Database
) -> None:
    await service.define()
    await service.analyst.done(f"{PATH}/redefine", MEAN, version=1)
    event = (await log.after(1))[0]
    assert event.context.reason == MEAN["reason"]
    assert (event.context.actor.id, event.context.actor.kind) == ("ana", "human")
    definitions = database.rows(
        "SELECT definition, aggregation FROM kpi_definitions ORDER BY definition"
    )
    assert [tuple(row.values()) for row in definitions] == [(1, "sum"), (2, "mean")]


async def test_a_retired_kpi_only_stays_readable(service: Service) -> None:
    await service.define()
    retired = await service.analyst.done(f"{PATH}/retire", {"reason": "replaced"}, version=1)
    assert retired["retired_at"] == retired["changed_at"]
    assert (await service.reader.get(PATH)).json() == retired
    again = await service.analyst.post(f"{PATH}/retire", version=2)
    assert problem(again) == (409, "kpi-retired")
    too_late = await service.analyst.post(f"{PATH}/redefine", MEAN, version=2)
    assert problem(too_late) == (409, "kpi-retired")


async def test_kpis_are_listed_by_key_a_page_at_a_time(service: Service) -> None:
    for key in ("web.visits", "sales.orders", "sales.revenue", "ops.uptime"):
        await service.define(key)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await service.reader.get("/kpis", limit=3, **cursor)).json()
        seen += [item["key"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == ["ops.uptime", "sales.orders", "sales.revenue", "web.visits"]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({}, ["a.hourly", "b.daily", "b.retired"]),
        ({"prefix": "b."}, ["b.daily", "b.retired"]),
        ({"cadence": "hour"}, ["a.hourly"]),
        ({"retired": "true"}, ["b.retired"]),
        ({"retired": "false"}, ["a.hourly", "b.daily"]),
        ({"owner": "person:p-1"}, ["a.hourly"]),
        ({"owner": "team:p-1"}, []),
        ({"owner": "team:sales", "cadence": "day", "prefix": "b", "retired": "false"}, ["b.daily"]),
    ],
)
async def test_kpis_are_filtered(service: Service, wanted: Json, keys: list[str]) -> None:
    await service.define("a.hourly", cadence="hour", owner={"kind": "person", "id": "p-1"})
    await service.define("b.daily")
    await service.define("b.retired")
    await service.analyst.done("/kpis/b.retired/retire", version=1)
    page = (await service.reader.get("/kpis", **wanted)).json()
    assert [item["key"] for item in page["items"]] == keys


async def test_a_list_shows_a_kpi_as_it_is_shown_alone(service: Service) -> None:
    await service.define()
    redefined = await service.analyst.done(f"{PATH}/redefine", MEAN, version=1)
    assert (await service.reader.get("/kpis")).json() == {"items": [redefined], "next": None}


async def test_the_same_request_again_is_answered_as_before(service: Service) -> None:
    first = await service.analyst.post("/kpis", kpi_body(), key="k-1")
    again = await service.analyst.post("/kpis", kpi_body(), key="k-1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await service.analyst.post("/kpis", kpi_body("sales.orders"), key="k-1")
    assert problem(other) == (422, "idempotency-key-reused")
    redefined = await service.analyst.post(f"{PATH}/redefine", MEAN, version=1, key="k-2")
    repeated = await service.analyst.post(f"{PATH}/redefine", MEAN, version=1, key="k-2")
    assert repeated.json() == redefined.json()


async def test_a_key_is_taken_once(service: Service) -> None:
    await service.define()
    assert problem(await service.analyst.post("/kpis", kpi_body())) == (409, "kpi-exists")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "Sales"}, "/body/key"),
        ({"key": ""}, "/body/key"),
        ({"name": ""}, "/body/name"),
        ({"name": "a\0b"}, "/body/name"),
        ({"direction": "up"}, "/body/direction"),
        ({"owner": {"kind": "team", "id": ""}}, "/body/owner/id"),
        ({"owner": "sales"}, "/body/owner"),
        ({"cadence": "year"}, "/body/cadence"),
        ({"aggregation": "median"}, "/body/aggregation"),
        ({"time_zone": ""}, "/body/time_zone"),
        ({"agregation": "sum"}, "/body/agregation"),
    ],
)
async def test_a_definition_in_another_form_is_refused_by_its_field(
    service: Service, changes: Json, pointer: str
) -> None:
    response = await service.analyst.post("/kpis", kpi_body(**changes))
    assert problem(response) == (422, "invalid-request")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../../etc/passwd"])
async def test_a_time_zone_that_is_none_is_refused(service: Service, zone: str) -> None:
    response = await service.analyst.post("/kpis", kpi_body(time_zone=zone))
    assert problem(response) == (422, "time-zone-unknown")


@pytest.mark.parametrize(
    ("body", "version", "answered"),
    [
        (MEAN, None, (428, "precondition-required")),
        (MEAN, 2, (412, "precondition-failed")),
        (MEAN, '1" "2', (400, "invalid-header")),
        ({"aggregation": "mean"}, 1, (422, "invalid-request")),
        ({"aggregation": "mean", "reason": ""}, 1, (422, "invalid-request")),
        ({"aggregation": "mean", "reason": "  "}, 1, (422, "invalid-request")),
        ({"aggregation": "sum", "reason": "why not"}, 1, (409, "definition-unchanged")),
        ({"reason": "why not"}, 1, (409, "definition-unchanged")),
        ({"time_zone": "Mars/Olympus", "reason": "moved"}, 1, (422, "time-zone-unknown")),
        ({"key": "other", "reason": "renamed"}, 1, (422, "invalid-request")),
    ],
)
async def test_a_redefinition_is_refused(
    service: Service, body: Json, version: int | str | None, answered: tuple[int, str]
) -> None:
    await service.define()
    response = await service.analyst.post(f"{PATH}/redefine", body, version=version)
    assert problem(response) == answered
    assert (await service.reader.get(PATH)).json()["version"] == 1


@pytest.mark.parametrize("path", ["", "/readings", "/periods"])
async def test_nothing_is_shown_of_a_kpi_that_is_none(service: Service, path: str) -> None:
    assert problem(await service.reader.get(f"/kpis/un.known{path}")) == (404, "kpi-not-found")


@pytest.mark.parametrize(("verb", "body"), [("redefine", MEAN), ("retire", None)])
async def test_nothing_is_changed_of_a_kpi_that_is_none(
    service: Service, verb: str, body: Json | None
) -> None:
    response = await service.analyst.post(f"/kpis/un.known/{verb}", body, version=1)
    assert problem(response) == (404, "kpi-not-found")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1_001},
        {"cadence": "year"},
        {"prefix": "A"},
        {"prefix": "a\0"},
        {"owner": "sales"},
        {"retired": "perhaps"},
        {"cursor": "!"},
        {"cursor": "AAAA"},
        {"cursor": "WyJhXHUwMDAwIl0"},
        {"cursor": "W" * 1_001},
    ],
)
async def test_a_list_in_another_form_is_refused(service: Service, query: dict[str, Any]) -> None:
    status, kind = problem(await service.reader.get("/kpis", **query))
    assert (status, kind) in {(422, "invalid-request"), (422, "malformed-cursor")}


@pytest.mark.parametrize("key", ["Sales", "a..b", "a b", "x" * 400, "a\0"])
async def test_a_key_that_is_none_is_refused(service: Service, key: str) -> None:
    assert problem(await service.reader.get(f"/kpis/{quote(key)}")) == (422, "invalid-request")


async def test_each_route_asks_for_its_scope(service: Service) -> None:
    await service.define()
    stranger = service.stranger()
    assert problem(await stranger.get("/kpis")) == (401, "unauthenticated")
    for path in ("/kpis", PATH, f"{PATH}/readings", f"{PATH}/periods", "/rejected-readings"):
        assert problem(await service.producer.get(path)) == (403, "missing-scope")
    for path, body in (
        ("/kpis", kpi_body("a")),
        (f"{PATH}/redefine", MEAN),
        (f"{PATH}/retire", None),
        ("/readings", {}),
    ):
        response = await service.reader.post(path, body, version=1)
        assert problem(response) == (403, "missing-scope")


async def test_a_kpi_that_was_defined_in_one_process_is_known_in_another(starting: Any) -> None:
    async with starting() as one, starting() as other:
        await one.define()
        redefined = await other.analyst.done(f"{PATH}/redefine", MEAN, version=1)
        assert (await one.reader.get(PATH)).json() == redefined
        assert datetime.fromisoformat(redefined["changed_at"]) <= datetime.now(UTC)
