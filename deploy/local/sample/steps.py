"""What is left to do until an objective is as planned: nothing, once it is.

The steps follow from the plan and from how the objective stands, so that a load that was cut off,
or that met other people at work, goes on from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from deploy.local.sample.check_ins import CheckInPlan, check_ins
from deploy.local.sample.plans import ObjectivePlan, ParentPlan
from deploy.local.sample.quarters import Quarter

# An objective as the goals service shows it.
Document = Mapping[str, Any]

_OPEN: Final = ("draft", "active")


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an objective: the end of its path, the body, and whether it names a KPI."""

    path: str
    body: Mapping[str, object]
    needs_kpi: bool = False


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


def draft(plan: ObjectivePlan, cycle_id: str, quarter: Quarter) -> dict[str, object]:
    """The objective as it is first written down."""
    return {
        "cycle_id": cycle_id,
        "title": plan.title,
        "description": plan.description,
        "owner": plan.owner.model_dump(),
        "ambition": plan.ambition,
        "key_results": [each.definition(quarter) for each in plan.key_results],
    }


def steps_left(
    plan: ObjectivePlan,
    objective: Document,
    placed: Mapping[str, Placed],
    quarter: Quarter,
    until: datetime,
) -> list[Step]:
    """The changes that are missing, in their order.

    `placed` has every objective of the cycle by its slug. Check-ins are said up to `until`.
    """
    if objective["state"] not in _OPEN:
        return []
    steps = [*_alignments(plan, objective, placed)]
    if not plan.started:
        return steps
    if objective["state"] == "draft":
        steps.append(Step("activate", {}))
    own = placed[plan.slug].key_results
    return [
        *steps,
        *_check_ins(plan, objective, own, quarter, until),
        *_links(plan, objective, own),
    ]


def _alignments(
    plan: ObjectivePlan, objective: Document, placed: Mapping[str, Placed]
) -> Iterator[Step]:
    there = {(each["objective_id"], each["key_result_id"]) for each in objective["alignments"]}
    for parent in plan.parents:
        objective_id, key_result_id = _ids(parent, placed)
        if (objective_id, key_result_id) not in there:
            yield Step(
                "align",
                {
                    "objective_id": objective_id,
                    "key_result_id": key_result_id,
                    "kind": parent.kind,
                    "weight": parent.weight,
                },
            )


def _ids(parent: ParentPlan, placed: Mapping[str, Placed]) -> tuple[str, str | None]:
    found = placed[parent.objective]
    return found.id, None if parent.key_result is None else found.key_results[parent.key_result]


def _check_ins(
    plan: ObjectivePlan,
    objective: Document,
    own: Mapping[str, str],
    quarter: Quarter,
    until: datetime,
) -> list[Step]:
    """Every check-in that is not said yet, in order of time over all key results."""
    said_until = {each["id"]: _last_said(each) for each in objective["key_results"]}
    unsaid: list[tuple[CheckInPlan, str]] = []
    for key_result in plan.key_results:
        key_result_id = own[key_result.slug]
        last = said_until[key_result_id]
        unsaid.extend(
            (each, key_result_id)
            for each in check_ins(key_result, quarter, until)
            if last is None or each.effective_at > last
        )
    unsaid.sort(key=lambda each: each[0].effective_at)
    return [Step(f"key-results/{id_}/check-ins", said.body()) for said, id_ in unsaid]


def _last_said(key_result: Document) -> datetime | None:
    last = key_result["last_check_in"]
    return None if last is None else datetime.fromisoformat(last["effective_at"])


def _links(plan: ObjectivePlan, objective: Document, own: Mapping[str, str]) -> Iterator[Step]:
    linked = {each["id"] for each in objective["key_results"] if each["link"] is not None}
    for key_result in plan.key_results:
        key_result_id = own[key_result.slug]
        if key_result.follow is not None and key_result_id not in linked:
            body = key_result.follow.body()
            yield Step(f"key-results/{key_result_id}/link", body, needs_kpi=True)
