"""Carrying over: an objective goes on in a later cycle as a new one, from where it stands."""

from typing import Any
from uuid import uuid4

import pytest

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
    of,
    problem,
)
from tests.integration.goals.metrics_log import KPI, Following, defined, followed_by, measured

FIRST = {"starts_on": "2026-01-01", "ends_on": "2026-06-30"}
SECOND = {"starts_on": "2026-07-01", "ends_on": "2027-06-30"}


@pytest.fixture
def followed(service: Service) -> Following:
    return followed_by(service)


async def two_cycles(service: Service) -> tuple[Json, Json]:
    """One that is worked in, and the next one."""
    return await service.active_cycle(**FIRST), await service.active_cycle(**SECOND)


async def carried(service: Service, objective: Json, into: Json, **body: Any) -> Json:
    return await service.changed(objective, "carry-over", {"cycle_id": into["id"], **body})


async def test_what_is_carried_over_begins_where_it_stands(service: Service) -> None:
    cycle, following = await two_cycles(service)
    objective = await service.active_objective(
        cycle,
        {**COVERAGE, "stretch": 95, "due_on": "2026-06-01", "weight": 2},
        BUGS,
        UPTIME,
        LANGUAGES,
        {**COVERAGE, "title": "Reached"},
        RESPONSIVE,
        labels=["quality"],
        ambition="aspirational",
        description="Half of them.",
        delegates=[{"kind": "person", "id": "ann"}],
    )
    french = objective["key_results"][3]["milestones"][0]["id"]
    said: list[tuple[int, Json]] = [
        (0, {"value": 80}),
        (1, {"value": 30}),
        (2, {"value": 100}),
        (3, {"milestones_done": [french]}),
        (4, {"value": 90}),
        (5, {"done": True}),
    ]
    for index, each in said:
        await service.changed(objective, of(objective, "check-ins", index), each)
    await service.changed(objective, "close")
    response = await service.change(
        objective, "carry-over", {"cycle_id": following["id"], **REASON}
    )
    assert response.status_code == 201
    successor = response.json()
    assert response.headers["location"] == f"/v1/objectives/{successor['id']}"
    assert ObjectiveShape.model_validate(successor).model_dump(mode="json") == successor
    kept = ("title", "description", "ambition", "labels", "owner", "delegates")
    assert {name: successor[name] for name in kept} == {name: objective[name] for name in kept}
    assert (successor["state"], successor["cycle_id"]) == ("draft", following["id"])
    coverage, bugs, uptime, languages = successor["key_results"]
    assert (coverage["baseline"], coverage["target"], coverage["stretch"]) == (80, 90, 95)
    assert (coverage["due_on"], coverage["weight"]) == (None, 2)  # that day has passed
    assert (bugs["baseline"], bugs["target"], bugs["due_on"]) == (30, 20, "2030-06-30")
    assert uptime["lower"] == 99.99
    assert [each["title"] for each in languages["milestones"]] == ["German", "Japanese"]
    assert {each["value"] for each in successor["key_results"]} == {None}
    ids = {each["id"] for each in (*objective["key_results"], *successor["key_results"])}
    assert len(ids) == 10


async def test_the_chain_is_told_at_both_of_its_ends(service: Service) -> None:
    cycle, following = await two_cycles(service)
    objective = await service.active_objective(cycle)
    successor = await carried(service, objective, following, **REASON)
    assert successor["predecessor_id"] == objective["id"]
    before = await service.shown(objective)
    assert before["successor"] == {
        "objective_id": successor["id"],
        "cycle_id": following["id"],
    }
    assert (before["state"], before["predecessor_id"]) == ("active", None)
    told = (await service.history(objective))[-1]
    assert f"carried it over as {successor['id']}" in told["sentence"]
    assert told["reason"] == REASON["reason"]
    drafted = (await service.history(successor))[0]
    assert f"going on from {objective['id']}" in drafted["sentence"]
    assert drafted["command_id"] == told["command_id"]
    again = await service.change(objective, "carry-over", {"cycle_id": following["id"]})
    assert problem(again) == (409, "already-carried-over")
    assert again.json()["successor_id"] == successor["id"]


async def test_key_results_are_chosen_with_new_targets(service: Service) -> None:
    cycle, following = await two_cycles(service)
    objective = await service.active_objective(cycle, COVERAGE, BUGS)
    await service.changed(objective, of(objective, "check-ins"), {"value": 92})
    reached, other = (each["id"] for each in objective["key_results"])
    wrong: list[tuple[Any, tuple[int, str]]] = [
        ([{"key_result_id": str(uuid4())}], (404, "key-result-not-found")),
        ([{"key_result_id": reached, "target": 92}], (422, "key-result-target")),
        ([{"key_result_id": reached, "target": "95"}], (422, "invalid-request")),
        ([{"key_result_id": reached, "goal": 95}], (422, "invalid-request")),
        ([], (409, "nothing-to-carry-over")),
        ([{"key_result_id": other}] * 21, (422, "invalid-request")),
    ]
    for chosen, refusal in wrong:
        body = {"cycle_id": following["id"], "key_results": chosen}
        assert problem(await service.change(objective, "carry-over", body)) == refusal, chosen
    assert (await service.shown(objective))["successor"] is None
    successor = await carried(
        service,
        objective,
        following,
        key_results=[{"key_result_id": reached, "target": 97}],
        title="Even fewer bugs",
    )
    assert successor["title"] == "Even fewer bugs"
    (key_result,) = successor["key_results"]
    assert (key_result["baseline"], key_result["target"]) == (92, 97)


async def test_what_reached_everything_is_carried_over_only_on_purpose(service: Service) -> None:
    cycle, following = await two_cycles(service)
    objective = await service.active_objective(cycle)
    await service.changed(objective, of(objective, "check-ins"), {"value": 90})
    refused = await service.change(objective, "carry-over", {"cycle_id": following["id"]})
    assert problem(refused) == (409, "nothing-to-carry-over")


async def test_it_goes_on_in_a_later_cycle_that_takes_objectives(service: Service) -> None:
    earlier, cycle = await two_cycles(service)
    scoring = await service.active_cycle(starts_on="2027-07-01", ends_on="2027-12-31")
    await service.moved(scoring, "start-scoring")
    objective = await service.active_objective(cycle)
    for into, refusal in (
        (earlier["id"], (409, "carry-over-cycle")),
        (cycle["id"], (409, "carry-over-cycle")),
        (scoring["id"], (409, "carry-over-cycle")),
        (objective["id"], (422, "unknown-cycle")),
        (str(uuid4()), (422, "unknown-cycle")),
        ("next", (422, "invalid-request")),
    ):
        response = await service.change(objective, "carry-over", {"cycle_id": into})
        assert problem(response) == refusal
    draft = await service.draft(earlier, COVERAGE)
    response = await service.change(draft, "carry-over", {"cycle_id": cycle["id"]})
    assert problem(response) == (409, "objective-state")


async def test_out_of_a_closed_cycle_it_goes_with_a_reason(service: Service) -> None:
    cycle, following = await two_cycles(service)
    objective = await service.active_objective(cycle)
    await service.moved(cycle, "start-scoring", "close")
    refused = await service.change(objective, "carry-over", {"cycle_id": following["id"]})
    assert problem(refused) == (409, "cycle-locked")
    successor = await carried(service, objective, following, **REASON)
    assert (await service.history(objective))[-1]["after_closing"] is True
    # Nothing in the cycle that it goes on in was closed.
    assert {each["after_closing"] for each in await service.history(successor)} == {False}


async def test_a_successor_is_drafted_in_another_s_name_by_nobody_else(service: Service) -> None:
    cycle, following = await two_cycles(service)
    ann = {"kind": "person", "id": "ann"}
    objective = await service.active_objective(cycle, delegates=[ann])
    delegate = service.caller("ann", "goals:read goals:write")
    body = {"cycle_id": following["id"], "owner": {"kind": "team", "id": "shop"}}
    for who in (delegate, service.lead):
        refused = await service.change(objective, "carry-over", body, by=who)
        assert problem(refused) == (403, "not-owner")
        assert refused.json()["missing"] == ["team shop", "scope goals:admin"]
    successor = await service.changed(
        objective, "carry-over", {"cycle_id": following["id"]}, by=delegate
    )
    assert successor["owner"] == {"kind": "team", "id": "quality"}


async def test_links_to_kpis_are_carried_along_unless_nobody_wants_them(
    followed: Following,
) -> None:
    service = followed.service
    cycle, following = await two_cycles(service)
    await followed.hear(defined(), measured(80))
    objective, other = await followed.linked(cycle), await followed.linked(cycle)
    successor = await carried(service, objective, following)
    (key_result,) = successor["key_results"]
    assert key_result["link"] == {"kpi": KPI, "reading": "period"}
    assert (key_result["baseline"], key_result["value"]) == (80, None)
    await followed.hear(measured(85, day=1))
    active = await service.changed(successor, "activate")
    assert (active["key_results"][0]["value"], active["progress"]) == (85, 0.5)
    successor = await carried(service, other, following, follow_kpis=False)
    assert successor["key_results"][0]["link"] is None
