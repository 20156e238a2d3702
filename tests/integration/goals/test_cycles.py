"""Cycles over HTTP: planned, revised, moved on and back, listed."""

from uuid import uuid4

import pytest

from services.goals.api.cycle_schemas import ClosedCycleShape, CyclePage, CycleShape
from services.goals.api.history_schemas import HistoryPage
from tests.integration.goals.conftest import REASON, Service, cycle_body, problem


async def test_a_cycle_is_planned_and_shown(service: Service) -> None:
    response = await service.admin.post("/cycles", cycle_body(reason="The board asked for it."))
    assert response.status_code == 201
    planned = response.json()
    assert response.headers["location"] == f"/v1/cycles/{planned['id']}"
    assert response.headers["etag"] == '"1"'
    assert response.headers["cairn-position"] == "goals:1"
    shown = await service.reader.get(f"/cycles/{planned['id']}")
    assert shown.json() == planned
    assert shown.headers["etag"] == '"1"'
    assert shown.headers["cairn-position"] == "goals:1"


async def test_a_cycle_is_rendered_in_its_documented_shape(service: Service) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    assert CycleShape.model_validate(planned).model_dump(mode="json") == planned
    page = (await service.reader.get("/cycles")).json()
    assert CyclePage.model_validate(page).model_dump(mode="json") == page


async def test_a_cycle_moves_from_planned_to_closed(service: Service) -> None:
    path = f"/cycles/{(await service.admin.done('/cycles', cycle_body()))['id']}"
    states = [
        (await service.admin.done(f"{path}/{step}", version=version))["state"]
        for version, step in enumerate(("activate", "start-scoring", "close"), 1)
    ]
    assert states == ["active", "scoring", "closed"]
    assert (await service.reader.get(path)).json()["version"] == 4
    response = await service.admin.post(f"{path}/activate", version=4)
    assert problem(response) == (409, "cycle-state")
    assert response.json()["allowed"] == ["reopen"]


async def test_closing_a_cycle_names_what_it_leaves_open(service: Service) -> None:
    cycle, other = await service.active_cycle(), await service.active_cycle()
    active = await service.active_objective(cycle)
    draft = await service.draft(cycle, title="Improve the homepage")
    ended = await service.active_objective(cycle)
    await service.changed(ended, "abandon", REASON)
    await service.draft(other)
    scoring = await service.moved(cycle, "start-scoring")
    response = await service.admin.post(f"/cycles/{cycle['id']}/close", version=scoring["version"])
    closed = response.json()
    assert ClosedCycleShape.model_validate(closed).model_dump(mode="json") == closed
    assert closed["state"] == "closed"
    assert closed["left_open"] == {
        "count": 2,
        "first": [
            {"id": active["id"], "title": active["title"], "state": "active"},
            {"id": draft["id"], "title": "Improve the homepage", "state": "draft"},
        ],
    }


async def test_a_cycle_that_leaves_nothing_open_says_so(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.changed(objective, "close")
    closed = await service.moved(cycle, "start-scoring", "close")
    assert closed["left_open"] == {"count": 0, "first": []}


async def test_of_many_left_open_the_first_hundred_are_named(service: Service) -> None:
    cycle = await service.active_cycle()
    ids = [(await service.draft(cycle))["id"] for _ in range(101)]
    closed = await service.moved(cycle, "start-scoring", "close")
    assert closed["left_open"]["count"] == 101
    assert [each["id"] for each in closed["left_open"]["first"]] == ids[:100]


async def test_a_cycle_goes_back_one_step_at_a_time_and_with_a_reason(service: Service) -> None:
    cycle = await service.active_cycle()
    path = f"/cycles/{cycle['id']}/reopen"
    early = await service.admin.post(path, REASON, version=2)
    assert problem(early) == (409, "cycle-state")
    assert early.json()["allowed"] == ["revise", "start_scoring"]
    await service.moved(cycle, "start-scoring", "close")
    for body in (None, {}, {"reason": ""}):
        response = await service.admin.post(path, body, version=4)
        assert problem(response) == (422, "invalid-request")
    assert (await service.admin.done(path, REASON, version=4))["state"] == "scoring"
    assert (await service.admin.done(path, REASON, version=5))["state"] == "active"
    listed = (await service.reader.get("/cycles", state="active")).json()["items"]
    assert [(each["id"], each["version"]) for each in listed] == [(cycle["id"], 6)]
    await service.draft(cycle)  # it takes objectives again


async def test_a_cycle_gets_another_name_and_rhythm_and_keeps_its_days(service: Service) -> None:
    cycle = await service.active_cycle()
    path = f"/cycles/{cycle['id']}/revise"
    revised = await service.admin.done(path, {"check_in_rhythm": "monthly"}, version=2)
    assert (revised["name"], revised["check_in_rhythm"]) == (cycle["name"], "monthly")
    revised = await service.admin.done(path, {"name": "2026", **REASON}, version=3)
    assert (revised["name"], revised["check_in_rhythm"]) == ("2026", "monthly")
    (listed,) = (await service.reader.get("/cycles")).json()["items"]
    assert (listed["name"], listed["check_in_rhythm"], listed["version"]) == ("2026", "monthly", 4)
    for body, refusal in (
        ({}, (409, "nothing-changes")),
        ({"name": "2026", "check_in_rhythm": "monthly"}, (409, "nothing-changes")),
        ({"name": None}, (409, "nothing-changes")),
        ({"name": ""}, (422, "invalid-request")),
        ({"ends_on": "2026-12-31"}, (422, "invalid-request")),
        ({"check_in_rhythm": "daily"}, (422, "invalid-request")),
    ):
        assert problem(await service.admin.post(path, body, version=4)) == refusal
    await service.moved(cycle, "start-scoring", "close")
    late = await service.admin.post(path, {"name": "Late"}, version=6)
    assert problem(late) == (409, "cycle-state")
    assert late.json()["allowed"] == ["reopen"]


async def test_cycles_are_found_by_cadence_and_by_a_day_in_them(service: Service) -> None:
    year = await service.active_cycle(starts_on="2026-01-01", ends_on="2026-12-31", cadence="year")
    quarter = await service.active_cycle(
        starts_on="2026-01-01", ends_on="2026-03-31", cadence="quarter"
    )
    await service.moved(quarter, "start-scoring")

    async def found(**wanted: str) -> list[str]:
        page = (await service.reader.get("/cycles", **wanted)).json()
        return [each["id"] for each in page["items"]]

    assert await found(cadence="year") == [year["id"]]
    assert await found(cadence="custom") == []
    both = [year["id"], quarter["id"]]
    assert await found(on="2026-01-01") == both
    assert await found(on="2026-03-31") == both
    assert await found(on="2026-04-01") == [year["id"]]
    assert await found(on="2027-01-01") == []
    assert await found(on="2026-02-02", state="scoring", cadence="quarter") == [quarter["id"]]
    assert await found(on="2026-02-02", state="scoring", cadence="year") == []
    for wanted in ({"on": "soon"}, {"cadence": "decade"}, {"state": "open"}, {"onn": "2026-01-01"}):
        response = await service.reader.get("/cycles", **wanted)
        assert problem(response) == (422, "invalid-request")


@pytest.mark.parametrize(
    "on", ["0", "-1", "86400", "20260101", "2026-1-1", "2026-01-01T00:00:00Z", "2026-02-30", ""]
)
async def test_a_day_that_is_not_written_as_one_finds_no_cycles(service: Service, on: str) -> None:
    response = await service.reader.get("/cycles", on=on)
    assert problem(response) == (422, "invalid-request")


async def test_cycles_are_listed_in_pages_and_by_state(service: Service) -> None:
    ids = [(await service.admin.done("/cycles", cycle_body()))["id"] for _ in range(3)]
    await service.admin.done(f"/cycles/{ids[1]}/activate", version=1)
    first = (await service.reader.get("/cycles", limit=2)).json()
    second = (await service.reader.get("/cycles", limit=2, cursor=first["next"])).json()
    assert [each["id"] for each in (*first["items"], *second["items"])] == ids
    assert second["next"] is None
    active = (await service.reader.get("/cycles", state="active")).json()
    assert [(each["id"], each["version"]) for each in active["items"]] == [(ids[1], 2)]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ends_on": "2023-12-31"}, (422, "cycle-dates")),
        ({"ends_on": "2099-12-31"}, (422, "cycle-dates")),
        ({"starts_on": "0001-01-01"}, (422, "invalid-request")),
        ({"name": ""}, (422, "invalid-request")),
        ({"name": "a\u0000b"}, (422, "invalid-request")),
        ({"name": "\u200b"}, (422, "invalid-request")),
        ({"name": "a\nb"}, (422, "invalid-request")),
        ({"starts_on": 0, "ends_on": "86400"}, (422, "invalid-request")),
        ({"cadence": "fortnight"}, (422, "invalid-request")),
        ({"nmae": "misspelt"}, (422, "invalid-request")),
        ({"reason": ""}, (422, "invalid-request")),
    ],
)
async def test_a_cycle_that_makes_no_sense_is_refused(
    service: Service, changes: dict[str, str], refusal: tuple[int, str]
) -> None:
    assert problem(await service.admin.post("/cycles", cycle_body(**changes))) == refusal
    assert (await service.reader.get("/cycles")).json()["items"] == []


async def test_only_administrators_move_cycles(service: Service) -> None:
    response = await service.lead.post("/cycles", cycle_body())
    assert problem(response) == (403, "admin-required")
    assert response.json()["missing"] == ["scope goals:admin"]
    cycle = await service.admin.done("/cycles", cycle_body())
    response = await service.lead.post(f"/cycles/{cycle['id']}/activate", version=1)
    assert problem(response) == (403, "admin-required")


async def test_a_cycle_is_told_and_shown_as_it_was(service: Service) -> None:
    cycle = await service.active_cycle()
    path = f"/cycles/{cycle['id']}"
    revised = {"name": "Spring", "check_in_rhythm": "monthly"}
    await service.admin.done(f"{path}/revise", revised, version=2)
    await service.moved(cycle, "start-scoring", "close")
    await service.admin.done(f"{path}/reopen", {"reason": "A score is missing."}, version=5)
    history = (await service.reader.get(f"{path}/history")).json()
    assert HistoryPage.model_validate(history).model_dump(mode="json") == history
    assert [each["sentence"] for each in history["items"]][1:] == [
        "root activated it.",
        f"root renamed it from “{cycle['name']}” to “Spring” and asked for monthly check-ins.",
        f"root began to score it. Reason: {REASON['reason']}",
        f"root closed it. Reason: {REASON['reason']}",
        "root reopened it: it is scoring again. Reason: A score is missing.",
    ]
    assert history["items"][0]["sentence"].startswith(f"root planned “{cycle['name']}”, ")
    assert {"path": "/state", "before": "closed", "after": "scoring"} in (
        history["items"][-1]["changes"]
    )
    page = (await service.reader.get(f"{path}/history", limit=2)).json()
    rest = (await service.reader.get(f"{path}/history", cursor=page["next"])).json()
    assert [*page["items"], *rest["items"]] == history["items"]
    second = (await service.reader.get(path, version=2)).json()
    assert (second["name"], second["state"]) == (cycle["name"], "active")
    moment = history["items"][4]["recorded_at"]
    assert (await service.reader.get(path, as_of=moment)).json()["state"] == "closed"
    both = await service.reader.get(path, as_of=moment, version=2)
    assert problem(both) == (422, "conflicting-parameters")
    nothing = await service.reader.get(f"/cycles/{uuid4()}/history")
    assert problem(nothing) == (404, "not-found")
