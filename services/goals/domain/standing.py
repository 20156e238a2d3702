"""Where objectives stand: their state in the terms of the arithmetic of progress."""

from collections.abc import Iterable

from contracts.progress import (
    Contribution,
    KeyResultStanding,
    ObjectiveProgress,
    ObjectiveStanding,
    roll_up,
)
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective


def progress_of(objective: Objective, contributors: Iterable[Objective]) -> ObjectiveProgress:
    """The objective's progress, rolled up from it and all that contribute to it at any depth."""
    family = [objective, *contributors]
    edges = [edge for each in family for edge in _contributions(each)]
    return roll_up({each.id: _standing(each) for each in family}, edges)[objective.id]


def needs_contributors(objective: Objective) -> bool:
    """Whether any key result has no value of its own, and so may take its children's."""
    return any(each.current is None for each in objective.key_results)


def _standing(objective: Objective) -> ObjectiveStanding:
    return ObjectiveStanding(
        id=objective.id,
        counts=objective.state != "draft",
        key_results=tuple(_key_result_standing(each) for each in objective.key_results),
    )


def _key_result_standing(key_result: KeyResult) -> KeyResultStanding:
    current = key_result.current
    return KeyResultStanding(
        id=key_result.id,
        baseline=key_result.definition.baseline,
        target=key_result.definition.target,
        weight=key_result.definition.weight,
        value=current.value if current else None,
        source=current.source if current else "manual",
    )


def _contributions(objective: Objective) -> list[Contribution]:
    return [
        Contribution(
            child=objective.id,
            parent=each.parent_objective_id,
            parent_key_result=each.parent_key_result_id,
            weight=each.weight,
        )
        for each in objective.alignments
        if each.kind == "contributes"
    ]
