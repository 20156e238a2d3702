"""Cycles over HTTP: planned, moved on one way, listed."""

import pytest

from services.goals.api.schemas import CyclePage, CycleShape
from tests.integration.goals.conftest import COVERAGE, Service, cycle_body, problem


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
    assert "read it" in response.json()["detail"]


async def test_a_cycle_is_not_closed_over_active_objectives(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.draft(cycle, COVERAGE)
    path = f"/cycles/{cycle['id']}"
    await service.admin.done(f"{path}/start-scoring", version=2)
    response = await service.admin.post(f"{path}/close", version=3)
    assert problem(response) == (409, "active-objectives-left")
    assert response.json()["active"] == 1
    await service.lead.done(f"/objectives/{objective['id']}/close", version=3)
    await service.admin.done(f"{path}/close", version=3)


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
