from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from deploy.local.sample import last_quarter, this_quarter
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.quarters import Quarter
from deploy.local.sample.steps import Placed, Step, draft, steps_left

QUARTER = Quarter(2026, 1)
NOW = datetime(2026, 2, 20, 15, 30, tzinfo=UTC)
IDS = UUID("6f1d6f3e-7f1c-4d7a-9d5f-0a3b1c2d4e5f")


def drafted(plan: ObjectivePlan) -> dict[str, Any]:
    """The objective as the goals service shows it directly after it was drafted."""
    return {
        "id": str(uuid5(IDS, plan.slug)),
        "state": "draft",
        "alignments": [],
        "key_results": [
            {
                "id": str(uuid5(IDS, f"{plan.slug}/{each.slug}")),
                "title": each.title,
                "link": None,
                "last_check_in": None,
            }
            for each in plan.key_results
        ],
    }


PLACED = {
    plan.slug: Placed.find(plan, drafted(plan))
    for plan in (*this_quarter.OBJECTIVES, *last_quarter.OBJECTIVES)
}


def left(plan: ObjectivePlan, objective: Mapping[str, Any]) -> list[Step]:
    return steps_left(plan, objective, PLACED, QUARTER, NOW)


def take(objective: dict[str, Any], step: Step) -> None:
    """Change the objective as the goals service would."""
    *_, verb = step.path.split("/")
    if verb == "activate":
        objective["state"] = "active"
    elif verb == "align":
        objective["alignments"].append(step.body)
    else:
        key_result_id = step.path.split("/")[1]
        found = next(each for each in objective["key_results"] if each["id"] == key_result_id)
        found["link" if verb == "link" else "last_check_in"] = step.body


def test_a_new_objective_is_aligned_then_begun_then_checked_in_on_then_linked() -> None:
    plan = this_quarter.ENGAGEMENT
    verbs = [each.path.rsplit("/", 1)[-1] for each in left(plan, drafted(plan))]
    in_order = list(dict.fromkeys(verbs))
    assert in_order == ["align", "activate", "check-ins", "link"]
    said = [check_ins(each, QUARTER, NOW) for each in plan.key_results]
    assert verbs.count("check-ins") == sum(map(len, said)) > 0


def test_check_ins_are_said_in_order_of_time() -> None:
    plan = this_quarter.HOMEPAGE
    moments = [
        each.body["effective_at"]
        for each in left(plan, drafted(plan))
        if each.path.endswith("check-ins")
    ]
    assert moments == sorted(moments, key=lambda each: datetime.fromisoformat(str(each)))


@pytest.mark.parametrize(
    "plan", [*this_quarter.OBJECTIVES, *last_quarter.OBJECTIVES], ids=lambda plan: plan.slug
)
def test_a_load_goes_on_from_wherever_it_was_cut_off(plan: ObjectivePlan) -> None:
    objective = drafted(plan)
    steps = left(plan, objective)
    for taken, step in enumerate(steps):
        assert left(plan, objective) == steps[taken:]
        take(objective, step)
    assert left(plan, objective) == []


def test_an_alignment_to_a_key_result_names_both() -> None:
    plan = this_quarter.TRANSLATION
    (align, *_) = left(plan, drafted(plan))
    homepage = PLACED["homepage"]
    assert align.body["objective_id"] == homepage.id
    assert align.body["key_result_id"] == homepage.key_results["languages"]


def test_what_is_not_started_stays_a_draft() -> None:
    plan = this_quarter.LODGE_GUESTS
    assert [each.path for each in left(plan, drafted(plan))] == ["align"]


def test_nothing_is_left_to_do_for_a_closed_objective() -> None:
    plan = this_quarter.ENGAGEMENT
    assert left(plan, drafted(plan) | {"state": "closed"}) == []


def test_only_links_need_the_kpi() -> None:
    plan = this_quarter.REVENUE
    steps = left(plan, drafted(plan))
    assert [each.path.endswith("/link") for each in steps] == [each.needs_kpi for each in steps]
    assert sum(each.needs_kpi for each in steps) == 2


def test_later_check_ins_are_added_to_those_that_are_there() -> None:
    plan = this_quarter.BUG_RATE
    objective = drafted(plan)
    for step in left(plan, objective):
        take(objective, step)
    a_week_on = steps_left(plan, objective, PLACED, QUARTER, NOW + timedelta(weeks=1))
    assert len(a_week_on) == len([each for each in plan.key_results if each.reached is not None])


def test_a_draft_names_its_cycle_and_its_key_results() -> None:
    document = draft(this_quarter.CARBON, "c-1", QUARTER)
    assert document["cycle_id"] == "c-1"
    assert document["owner"] == {"kind": "company", "id": "company"}
    key_results = document["key_results"]
    assert isinstance(key_results, list)
    assert [each["type"] for each in key_results] == ["increase"] * 4
    assert key_results[-1]["due_on"] == "2028-12-31"
