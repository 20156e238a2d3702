from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from deploy.local.sample import last_quarter, this_quarter, this_year
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.measures import Checklist
from deploy.local.sample.periods import Period, Quarter, Year
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.steps import (
    Placed,
    Step,
    alignments_left,
    draft,
    scoring,
    steps_left,
)
from deploy.local.sample.this_quarter import growth, offices, quality, sales, shop

QUARTER = Quarter(2026, 1)
NOW = datetime(2026, 2, 20, 15, 30, tzinfo=UTC)
IDS = UUID("6f1d6f3e-7f1c-4d7a-9d5f-0a3b1c2d4e5f")
PERIODS: Sequence[tuple[Period, Sequence[ObjectivePlan]]] = (
    (Year(2026), this_year.OBJECTIVES),
    (QUARTER, this_quarter.OBJECTIVES),
    (QUARTER.previous(), last_quarter.OBJECTIVES),
)
EVERY_PLAN = pytest.mark.parametrize(
    ("period", "plan"),
    [
        pytest.param(period, plan, id=f"{period.name}/{plan.slug}")
        for period, plans in PERIODS
        for plan in plans
    ],
)
ENDS = {"propose": "proposed", "postpone": "postponed", "abandon": "abandoned"}


def identity(*parts: str) -> str:
    return str(uuid5(IDS, "/".join(parts)))


def drafted(plan: ObjectivePlan) -> dict[str, Any]:
    """The objective as the goals service shows it directly after it was drafted."""
    return {
        "id": identity(plan.slug),
        "version": 3,
        "state": "draft",
        "allowed": ["align", "activate"],
        "alignments": [],
        "comments": 0,
        "acknowledgements": 0,
        "key_results": [
            {
                "id": identity(plan.slug, each.slug),
                "title": each.title,
                "link": None,
                "last_check_in": None,
                "milestones": [
                    {"id": identity(plan.slug, each.slug, title), "title": title}
                    for title in (
                        each.measure.milestones if isinstance(each.measure, Checklist) else ()
                    )
                ],
            }
            for each in plan.key_results
        ],
    }


PLACED = {plan.slug: Placed.find(plan, drafted(plan)) for _, plans in PERIODS for plan in plans}


def left(plan: ObjectivePlan, objective: Mapping[str, Any], period: Period = QUARTER) -> list[Step]:
    return steps_left(plan, objective, period, NOW)


def take(objective: dict[str, Any], step: Step) -> None:
    """Change the objective as the goals service would."""
    *_, verb = step.path.split("/")
    if verb == "activate":
        objective["state"] = "active"
    elif verb in ENDS:
        objective["state"] = ENDS[verb]
    elif verb == "comments":
        objective["comments"] += 1
    elif verb == "acknowledge":
        objective["acknowledgements"] += 1
    else:
        key_result_id = step.path.split("/")[1]
        found = next(each for each in objective["key_results"] if each["id"] == key_result_id)
        if verb == "correct":
            found["last_check_in"]["corrected"] = True
        elif verb == "link":
            found["link"] = step.body
        else:
            number = identity(key_result_id, str(step.body["effective_at"]))
            found["last_check_in"] = {**step.body, "id": number, "corrected": False}


def take_all(plan: ObjectivePlan, objective: dict[str, Any], period: Period) -> list[Step]:
    """Every step, in rounds, until none is left."""
    taken: list[Step] = []
    while steps := left(plan, objective, period):
        for step in steps:
            take(objective, step)
        taken += steps
    return taken


def verbs(steps: Sequence[Step]) -> list[str]:
    return [each.path.rsplit("/", 1)[-1] for each in steps]


def test_a_new_objective_is_begun_then_checked_in_on_then_linked() -> None:
    plan = growth.ENGAGEMENT
    steps = verbs(left(plan, drafted(plan)))
    assert list(dict.fromkeys(steps)) == ["activate", "check-ins", "link"]
    said = [check_ins(each, QUARTER, NOW) for each in plan.key_results]
    assert steps.count("check-ins") == sum(map(len, said)) > 0


def test_check_ins_are_said_in_order_of_time() -> None:
    plan = shop.HOMEPAGE
    moments = [
        each.body["effective_at"]
        for each in left(plan, drafted(plan))
        if each.path.endswith("check-ins")
    ]
    assert moments == sorted(moments, key=lambda each: datetime.fromisoformat(str(each)))


def test_milestones_are_named_by_their_ids() -> None:
    plan = shop.HOMEPAGE
    languages = f"key-results/{identity(plan.slug, 'languages')}/check-ins"
    *_, last = [each for each in left(plan, drafted(plan)) if each.path == languages]
    assert last.body["milestones_done"] == [
        identity(plan.slug, "languages", title) for title in ("English", "French")
    ]


@EVERY_PLAN
def test_a_load_goes_on_from_wherever_it_was_cut_off(period: Period, plan: ObjectivePlan) -> None:
    objective = drafted(plan)
    while steps := left(plan, objective, period):
        for taken, step in enumerate(steps):
            assert left(plan, objective, period) == steps[taken:]
            take(objective, step)
    assert objective["state"] == plan.stage
    assert objective["comments"] == len(plan.comments)


@pytest.mark.parametrize(
    ("plan", "ending"),
    [
        (offices.REPAIRS, Step("propose", {})),
        (sales.CURRENCIES, Step("postpone", {"reason": sales.CURRENCIES.reason})),
        (sales.CATALOGUE, Step("abandon", {"reason": sales.CATALOGUE.reason})),
    ],
)
def test_what_does_not_stay_active_ends_last_with_its_reason(
    plan: ObjectivePlan, ending: Step
) -> None:
    assert left(plan, drafted(plan))[-1] == ending
    assert ("activate" in verbs(left(plan, drafted(plan)))) == (plan.stage != "proposed")


def test_a_slip_is_put_right_after_it_was_said() -> None:
    plan = last_quarter.OBJECTIVES[1]
    objective = drafted(plan)
    steps = take_all(plan, objective, QUARTER.previous())
    (correction,) = [each for each in steps if each.path.endswith("/correct")]
    key_result_id = identity(plan.slug, "on-time")
    last = next(each for each in objective["key_results"] if each["id"] == key_result_id)
    said = last["last_check_in"]
    assert correction.path == f"key-results/{key_result_id}/check-ins/{said['id']}/correct"
    assert correction.body["reason"]
    assert correction.body["value"] != said["value"]


def test_comments_are_on_the_last_check_in_and_questions_are_others() -> None:
    plan = growth.MARKET_SHARE
    objective = drafted(plan)
    steps = take_all(plan, objective, QUARTER)
    question, answer = [each for each in steps if each.path == "comments"]
    markets = next(each for each in objective["key_results"] if each["title"].startswith("Two new"))
    assert question.body["check_in_id"] == markets["last_check_in"]["id"]
    assert answer.body["check_in_id"] is None
    assert (question.by_others, answer.by_others) == (True, False)
    assert verbs(steps)[-1] == "acknowledge"


def test_on_the_first_day_a_comment_is_on_the_objective() -> None:
    plan = growth.MARKET_SHARE
    objective = drafted(plan) | {"state": "active"}
    for each in plan.key_results:
        if each.follow is not None:
            take(objective, Step(f"key-results/{identity(plan.slug, each.slug)}/link", {}))
    (question, *_) = steps_left(plan, objective, QUARTER, QUARTER.begins_at)
    assert question.body["check_in_id"] is None


def test_what_is_no_plan_to_begin_stays_a_draft() -> None:
    plan = growth.LODGE_GUESTS
    assert left(plan, drafted(plan)) == []


@pytest.mark.parametrize("state", ["closed", "abandoned", "postponed"])
def test_nothing_is_left_to_do_where_others_ended_it(state: str) -> None:
    plan = growth.ENGAGEMENT
    assert left(plan, drafted(plan) | {"state": state}) == []


def test_only_links_need_the_kpi() -> None:
    plan = sales.REVENUE
    steps = left(plan, drafted(plan))
    assert [each.path.endswith("/link") for each in steps] == [each.needs_kpi for each in steps]
    assert sum(each.needs_kpi for each in steps) == 2


def test_later_check_ins_are_added_to_those_that_are_there() -> None:
    plan = quality.BUG_RATE
    objective = drafted(plan)
    take_all(plan, objective, QUARTER)
    a_week_on = steps_left(plan, objective, QUARTER, NOW + timedelta(weeks=1))
    assert len(a_week_on) == len([each for each in plan.key_results if each.reached is not None])


# Alignments


def test_an_alignment_names_the_child_at_its_version_and_the_parent() -> None:
    plan = shop.TRANSLATION
    homepage = PLACED["homepage"]
    assert alignments_left(plan, drafted(plan), PLACED) == [
        {
            "child_id": identity("translation"),
            "version": 3,
            "objective_id": homepage.id,
            "key_result_id": homepage.key_results["languages"],
            "kind": "supports",
            "weight": 1.0,
        }
    ]


def test_what_is_aligned_is_not_aligned_again() -> None:
    plan = shop.SEARCH_SPEED
    objective = drafted(plan)
    first, second = alignments_left(plan, objective, PLACED)
    objective["alignments"].append(first)
    assert alignments_left(plan, objective, PLACED) == [second]
    objective["alignments"].append(second)
    assert alignments_left(plan, objective, PLACED) == []


def test_what_can_no_longer_be_aligned_is_left_as_it_is() -> None:
    plan = sales.CATALOGUE
    ended = drafted(plan) | {"state": "abandoned", "allowed": ["reopen"]}
    assert alignments_left(plan, ended, PLACED) == []


# Drafts and scores


def test_a_draft_names_its_cycle_and_its_key_results() -> None:
    document = draft(this_year.CARBON, "c-1", Year(2026))
    assert document["cycle_id"] == "c-1"
    assert document["owner"] == {"kind": "company", "id": "company"}
    assert document["delegates"] == [{"kind": "team", "id": "team-facilities"}]
    assert document["labels"] == ("sustainability",)
    key_results = document["key_results"]
    assert isinstance(key_results, list)
    assert [each["type"] for each in key_results] == ["increase"] * 4
    assert key_results[-1]["due_on"] == "2028-12-31"


def test_a_score_is_set_with_its_reason_and_with_what_was_learned() -> None:
    plan = last_quarter.OBJECTIVES[1]
    said = scoring(plan, drafted(plan))
    (override,) = [each.override for each in plan.key_results if each.override is not None]
    assert said["overrides"] == [
        {
            "key_result_id": identity(plan.slug, "claims"),
            "score": override.score,
            "reason": override.reason,
        }
    ]
    retrospective = said["retrospective"]
    assert isinstance(retrospective, dict)
    assert set(retrospective) == {"worked", "did_not_work", "carry_on"}
    assert all(retrospective.values())


def test_where_nothing_was_learned_nothing_is_said() -> None:
    plan = last_quarter.OBJECTIVES[4]
    assert scoring(plan, drafted(plan)) == {"overrides": [], "retrospective": None}
