"""What is left to do until an objective is as planned: nothing, once it is.

The steps follow from the plan and from how the objective stands, so that a load that was cut off,
or that met other people at work, goes on from there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from deploy.local.sample.check_ins import CheckInPlan, check_ins
from deploy.local.sample.periods import Period
from deploy.local.sample.plans import Comment, KeyResultPlan, ObjectivePlan, ParentPlan

# An objective as the goals service shows it.
Document = Mapping[str, Any]

# How an objective is brought to its stage. Where people work on it first, they do until now.
_VERBS: Final = {"proposed": "propose", "postponed": "postpone", "abandoned": "abandon"}


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an objective: the end of its path, the body, and what is special about it.

    It may name a KPI that the service must have heard of; or be what others say to the objective.
    """

    path: str
    body: Mapping[str, object]
    needs_kpi: bool = False
    by_others: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """The ids that an objective and, by slug, its key results were given."""

    id: str
    key_results: Mapping[str, str]

    @classmethod
    def find(cls, plan: ObjectivePlan, objective: Document) -> Self:
        """Recognise the plan's key results in the objective, by their titles."""
        by_title = {each["title"]: each["id"] for each in objective["key_results"]}
        return cls(objective["id"], {each.slug: by_title[each.title] for each in plan.key_results})


def draft(plan: ObjectivePlan, cycle_id: str, period: Period) -> dict[str, object]:
    """The objective as it is first written down."""
    return {
        "cycle_id": cycle_id,
        "title": plan.title,
        "description": plan.description,
        "owner": plan.owner.model_dump(),
        "delegates": [each.model_dump() for each in plan.delegates],
        "ambition": plan.ambition,
        "labels": plan.labels,
        "key_results": [each.definition(period) for each in plan.key_results],
    }


def alignments_left(
    plan: ObjectivePlan, objective: Document, placed: Mapping[str, Placed]
) -> list[dict[str, object]]:
    """The alignments that are missing, as a bulk of them names each.

    `placed` has every objective that it stands below, by its slug.
    """
    if "align" not in objective["allowed"]:
        return []
    there = {(each["objective_id"], each["key_result_id"]) for each in objective["alignments"]}
    wanted = [(parent, _ids(parent, placed)) for parent in plan.parents]
    return [
        {
            "child_id": objective["id"],
            "version": objective["version"],
            "objective_id": ids[0],
            "key_result_id": ids[1],
            "kind": parent.kind,
            "weight": parent.weight,
        }
        for parent, ids in wanted
        if ids not in there
    ]


def steps_left(
    plan: ObjectivePlan, objective: Document, period: Period, until: datetime
) -> list[Step]:
    """The next changes that are missing, in their order: none when it is as planned.

    Check-ins are said up to `until`. What answers a check-in is left for when that is said.
    """
    own = _pairs(plan, objective)
    return _work_left(plan, objective, own, period, until) or [
        *_corrections_left(own, period, until),
        *_feedback_left(plan, objective, own),
    ]


def scoring(plan: ObjectivePlan, objective: Document) -> dict[str, object]:
    """What is said when the objective is closed."""
    learned = plan.retrospective
    return {
        "overrides": [
            {
                "key_result_id": found["id"],
                "score": each.override.score,
                "reason": each.override.reason,
            }
            for each, found in _pairs(plan, objective)
            if each.override is not None
        ],
        "retrospective": learned
        and {
            "worked": learned.worked,
            "did_not_work": learned.did_not_work,
            "carry_on": learned.carry_on,
        },
    }


_Pairs = Sequence[tuple[KeyResultPlan, Document]]


def _pairs(plan: ObjectivePlan, objective: Document) -> _Pairs:
    """Each planned key result with how it stands."""
    by_title = {each["title"]: each for each in objective["key_results"]}
    return [(each, by_title[each.title]) for each in plan.key_results]


def _ids(parent: ParentPlan, placed: Mapping[str, Placed]) -> tuple[str, str | None]:
    found = placed[parent.objective]
    return found.id, None if parent.key_result is None else found.key_results[parent.key_result]


def _work_left(
    plan: ObjectivePlan, objective: Document, own: _Pairs, period: Period, until: datetime
) -> list[Step]:
    """What its owner does with it: begin, check in, follow KPIs, give up."""
    state = objective["state"]
    if state not in ("draft", "active") or state == plan.stage == "draft":
        return []
    ending = [] if state == plan.stage else _ending(plan)
    if plan.stage == "proposed":
        return ending
    begun = [Step("activate", {})] if state == "draft" else []
    return [*begun, *_check_ins_left(own, period, until), *_links_left(own), *ending]


def _ending(plan: ObjectivePlan) -> list[Step]:
    if plan.stage not in _VERBS:
        return []
    return [Step(_VERBS[plan.stage], {"reason": plan.reason} if plan.reason else {})]


def _check_ins_left(own: _Pairs, period: Period, until: datetime) -> list[Step]:
    """Every check-in that is not said yet, in order of time over all key results."""
    unsaid: list[tuple[CheckInPlan, Document]] = []
    for plan, key_result in own:
        last = _last_said_at(key_result)
        unsaid.extend(
            (each, key_result)
            for each in check_ins(plan, period, until)
            if last is None or each.effective_at > last
        )
    unsaid.sort(key=lambda each: each[0].effective_at)
    return [
        Step(f"key-results/{found['id']}/check-ins", said.body(_milestone_ids(found)))
        for said, found in unsaid
    ]


def _links_left(own: _Pairs) -> Iterator[Step]:
    for plan, key_result in own:
        if plan.follow is not None and key_result["link"] is None:
            path = f"key-results/{key_result['id']}/link"
            yield Step(path, plan.follow.body(), needs_kpi=True)


def _corrections_left(own: _Pairs, period: Period, until: datetime) -> Iterator[Step]:
    """Slips are made in the last check-in only, which the objective shows."""
    for plan, key_result in own:
        last = key_result["last_check_in"]
        if plan.slip is None or last is None or last["corrected"]:
            continue
        *_, said = check_ins(plan, period, until)
        right = said.correction(_milestone_ids(key_result))
        if right is not None:
            path = f"key-results/{key_result['id']}/check-ins/{last['id']}/correct"
            yield Step(path, right)


def _feedback_left(plan: ObjectivePlan, objective: Document, own: _Pairs) -> Iterator[Step]:
    """What others say to it; comments are said one after another, so their number tells which."""
    for comment in plan.comments[objective["comments"] :]:
        body = {"text": comment.text, "check_in_id": _answered(comment, own)}
        yield Step("comments", body, by_others=not comment.answers)
    if plan.acknowledged and not objective["acknowledgements"]:
        yield Step("acknowledge", {}, by_others=True)


def _answered(comment: Comment, own: _Pairs) -> str | None:
    """The last check-in on the key result that the comment is on, if there is one by now."""
    for plan, key_result in own:
        if plan.slug == comment.on and key_result["last_check_in"] is not None:
            return str(key_result["last_check_in"]["id"])
    return None


def _last_said_at(key_result: Document) -> datetime | None:
    last = key_result["last_check_in"]
    return None if last is None else datetime.fromisoformat(last["effective_at"])


def _milestone_ids(key_result: Document) -> Mapping[str, str]:
    return {each["title"]: each["id"] for each in key_result["milestones"]}
