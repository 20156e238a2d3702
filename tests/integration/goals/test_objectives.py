"""Objectives over HTTP: drafted, activated, closed, listed, and shown as of any time."""

from typing import Any

import pytest

from services.goals.api.schemas import ObjectivePage, ObjectiveShape
from tests.integration.goals.conftest import (
    COVERAGE,
    Json,
    Service,
    check_ins,
    cycle_body,
    objective_body,
    problem,
)

BUGS: Json = {
    "title": "Bugs found in production",
    "type": "decrease",
    "baseline": 40,
    "target": 20,
    "stretch": 10,
    "weight": 3,
    "due_on": "2030-06-30",
}


def as_documented(objective: Json) -> Json:
    return ObjectiveShape.model_validate(objective).model_dump(mode="json")


async def test_an_objective_is_drafted_with_its_key_results(service: Service) -> None:
    cycle = await service.active_cycle()
    response = await service.lead.post("/objectives", objective_body(cycle["id"], COVERAGE, BUGS))
    assert response.status_code == 201
    drafted = response.json()
    assert response.headers["location"] == f"/v1/objectives/{drafted['id']}"
    assert response.headers["etag"] == '"3"'
    assert drafted["state"] == "draft"
    assert [each["title"] for each in drafted["key_results"]] == [COVERAGE["title"], BUGS["title"]]
    assert drafted["key_results"][1]["due_on"] == "2030-06-30"
    assert drafted["warnings"] == []
    assert as_documented(drafted) == drafted
    shown = await service.reader.get(f"/objectives/{drafted['id']}")
    assert shown.headers["etag"] == '"3"'
    assert shown.headers["cairn-position"] == response.headers["cairn-position"] == "goals:5"
    assert shown.json() | {"expected": 0, "pace": 0, "key_results": 0} == drafted | {
        "expected": 0,
        "pace": 0,
        "key_results": 0,
    }


async def test_a_key_result_that_nobody_spoke_of_has_not_moved(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    key_result = objective["key_results"][0]
    shown = {name: key_result[name] for name in ("value", "attainment", "progress", "source")}
    assert shown == {"value": None, "attainment": None, "progress": 0.0, "source": "computed"}
    assert 0 < key_result["expected"] < 1
    assert key_result["pace"] == -key_result["expected"]


async def test_good_practice_is_a_warning_and_no_refusal(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle)
    assert [each["code"] for each in drafted["warnings"]] == ["few_key_results"]
    drafted = await service.draft(cycle, *[COVERAGE] * 6)
    assert [each["code"] for each in drafted["warnings"]] == ["many_key_results"]


async def test_a_key_result_is_added(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle(), COVERAGE)
    path = f"/objectives/{drafted['id']}/key-results"
    response = await service.lead.post(path, BUGS, version=2)
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/objectives/{drafted['id']}?version=3"
    assert [each["title"] for each in response.json()["key_results"]] == [
        COVERAGE["title"],
        BUGS["title"],
    ]


async def test_closing_scores_the_objective(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle, COVERAGE, BUGS, ambition="aspirational")
    await service.lead.done(check_ins(objective, 0), {"value": 80}, version=4)
    await service.lead.done(check_ins(objective, 1), {"value": 24}, version=5)
    closed = await service.lead.done(f"/objectives/{objective['id']}/close", version=6)
    assert closed["state"] == "closed"
    assert [each["score"] for each in closed["key_results"]] == [0.5, 0.8]
    assert closed["outcome"] == {"score": pytest.approx((0.5 + 3 * 0.8) / 4), "verdict": "achieved"}
    assert as_documented(closed) == closed
    assert (await service.reader.get(f"/objectives/{objective['id']}")).json() == closed


async def test_an_objective_is_shown_as_a_version_left_it(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    for version, value in ((3, 75), (4, 80)):
        await service.lead.done(check_ins(objective), {"value": value}, version=version)
    then = await service.reader.get(path, version=4)
    assert then.headers["etag"] == '"4"'
    assert then.json()["key_results"][0]["value"] == 75
    assert (await service.reader.get(path)).json()["key_results"][0]["value"] == 80
    assert problem(await service.reader.get(path, version=6)) == (404, "not-found")


async def test_an_objective_is_shown_as_it_was_known_at_a_moment(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    checked_in = await service.lead.done(check_ins(objective), {"value": 75}, version=3)
    await service.lead.done(check_ins(objective), {"value": 80}, version=4)
    moment = (await service.reader.get(path, version=checked_in["version"])).json()["changed_at"]
    then = await service.reader.get(path, as_of=moment)
    assert then.json()["version"] == 4
    assert then.json()["key_results"][0]["value"] == 75
    assert then.json()["expected"] <= (await service.reader.get(path)).json()["expected"]
    before = await service.reader.get(path, as_of="2020-01-01T00:00:00Z")
    assert problem(before) == (404, "not-found")


async def test_the_present_can_be_asked_for_as_of_one_way_only(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    both = await service.reader.get(path, version=1, as_of=objective["changed_at"])
    assert problem(both) == (422, "conflicting-parameters")
    future = await service.reader.get(path, as_of="2999-01-01T00:00:00Z")
    assert problem(future) == (422, "as-of-in-future")
    assert problem(await service.reader.get(path, as_of="2020-01-01T00:00:00"))[0] == 422


async def test_objectives_are_listed_by_cycle_owner_and_state(service: Service) -> None:
    one, other = await service.active_cycle(), await service.active_cycle()
    active = await service.active_objective(one)
    draft = await service.draft(one)
    mine = await service.draft(other, owner={"kind": "person", "id": "lea"})

    async def listed(**wanted: Any) -> list[str]:
        page = (await service.reader.get("/objectives", **wanted)).json()
        assert ObjectivePage.model_validate(page).model_dump(mode="json") == page
        return [each["id"] for each in page["items"]]

    assert await listed() == [active["id"], draft["id"], mine["id"]]
    assert await listed(cycle=one["id"]) == [active["id"], draft["id"]]
    assert await listed(owner="person:lea") == [mine["id"]]
    assert await listed(owner="team:lea") == []
    assert await listed(state="active") == [active["id"]]
    assert await listed(cycle=one["id"], owner="team:quality", state="draft") == [draft["id"]]


async def test_a_list_shows_the_state_and_version_an_objective_has_reached(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    await service.lead.done(check_ins(objective), {"value": 80}, version=3)
    await service.lead.done(f"/objectives/{objective['id']}/close", version=4)
    (item,) = (await service.reader.get("/objectives")).json()["items"]
    shown = (await service.reader.get(f"/objectives/{objective['id']}")).json()
    assert (item["state"], item["version"], item["updated_at"]) == (
        "closed",
        5,
        shown["changed_at"],
    )


async def test_objectives_are_listed_in_bounded_pages(service: Service) -> None:
    cycle = await service.active_cycle()
    ids = [(await service.draft(cycle))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await service.reader.get("/objectives", limit=2, **cursor)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == ids
    assert problem(await service.reader.get("/objectives", limit=201)) == (422, "invalid-request")
    assert problem(await service.reader.get("/objectives", cursor="x")) == (
        422,
        "malformed-cursor",
    )
    assert problem(await service.reader.get("/objectives", owner="lea"))[0] == 422


@pytest.mark.parametrize(
    ("key_result", "refusal"),
    [
        ({**COVERAGE, "target": 70}, (422, "key-result-target")),
        ({**COVERAGE, "target": 60}, (422, "key-result-target")),
        ({**BUGS, "stretch": 30}, (422, "key-result-target")),
        ({**COVERAGE, "type": "maintain"}, (422, "key-result-type-unsupported")),
        ({**COVERAGE, "type": "guess"}, (422, "invalid-request")),
        ({**COVERAGE, "target": "90"}, (422, "invalid-request")),
        ({**COVERAGE, "weight": -1}, (422, "invalid-request")),
        ({**COVERAGE, "due_on": "soon"}, (422, "invalid-request")),
        ({**COVERAGE, "wieght": 1}, (422, "invalid-request")),
    ],
)
async def test_a_key_result_that_makes_no_sense_is_refused(
    service: Service, key_result: Json, refusal: tuple[int, str]
) -> None:
    cycle = await service.active_cycle()
    body = objective_body(cycle["id"], COVERAGE, key_result)
    assert problem(await service.lead.post("/objectives", body)) == refusal
    assert (await service.reader.get("/objectives")).json()["items"] == []
    drafted = await service.draft(cycle)
    path = f"/objectives/{drafted['id']}/key-results"
    assert problem(await service.lead.post(path, key_result, version=1)) == refusal


async def test_the_number_of_key_results_is_bounded(service: Service) -> None:
    cycle = await service.active_cycle()
    body = objective_body(cycle["id"], *[COVERAGE] * 21)
    assert problem(await service.lead.post("/objectives", body)) == (422, "invalid-request")
    full = await service.draft(cycle, *[COVERAGE] * 20)
    response = await service.lead.post(
        f"/objectives/{full['id']}/key-results", COVERAGE, version=21
    )
    assert problem(response) == (409, "too-many-key-results")


async def test_an_objective_needs_a_cycle_that_takes_it(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle())
    unknown = await service.lead.post("/objectives", objective_body(drafted["id"]))
    assert problem(unknown) == (422, "unknown-cycle")  # the id of something else
    cycle = await service.active_cycle()
    await service.admin.done(f"/cycles/{cycle['id']}/start-scoring", version=2)
    late = await service.lead.post("/objectives", objective_body(cycle["id"]))
    assert problem(late) == (409, "cycle-not-open")


async def test_an_objective_is_activated_with_key_results_in_an_active_cycle(
    service: Service,
) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    drafted = await service.draft(planned, COVERAGE)
    path = f"/objectives/{drafted['id']}"
    early = await service.lead.post(f"{path}/activate", version=2)
    assert problem(early) == (409, "cycle-not-active")
    await service.admin.done(f"/cycles/{planned['id']}/activate", version=1)
    await service.lead.done(f"{path}/activate", version=2)
    again = await service.lead.post(f"{path}/activate", version=3)
    assert problem(again) == (409, "objective-state")
    empty = await service.draft(planned)
    response = await service.lead.post(f"/objectives/{empty['id']}/activate", version=1)
    assert problem(response) == (409, "no-key-results")


async def test_what_counts_for_nothing_is_not_scored(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), {**COVERAGE, "weight": 0}
    )
    response = await service.lead.post(f"/objectives/{objective['id']}/close", version=3)
    assert problem(response) == (409, "nothing-to-score")


async def test_nothing_in_a_closed_cycle_changes(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    await service.admin.done(f"/cycles/{cycle['id']}/start-scoring", version=2)
    await service.admin.done(f"/cycles/{cycle['id']}/close", version=3)
    response = await service.lead.post(f"/objectives/{drafted['id']}/key-results", BUGS, version=2)
    assert problem(response) == (409, "cycle-locked")
