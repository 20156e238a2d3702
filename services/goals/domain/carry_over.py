"""Carry-over: an objective goes on as a new one in a later cycle, from where it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from contracts.progress import clamp
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    AlreadyCarriedOverError,
    CarryOverCycleError,
    KeyResultTargetError,
    NothingToCarryOverError,
)
from services.goals.domain.events import ObjectiveCarriedOver, Owner
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Draft, Objective, Wording, require_step


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOver:
    """Into which cycle, and which key results with which targets.

    `targets` names key results of the predecessor, each with the target it has from now on (None:
    the one it had); None instead of a mapping takes all that have not reached theirs. `title` and
    `owner` are the predecessor's where they are None.
    """

    cycle_id: UUID
    targets: Mapping[UUID, float | None] | None = None
    title: str | None = None
    owner: Owner | None = None


def carry_over(
    objective: Objective, cycle: Cycle, into: Cycle, wanted: CarryOver, *, successor_id: UUID
) -> ObjectiveCarriedOver:
    """Say what it goes on as.

    Raises ObjectiveStateError, AlreadyCarriedOverError, CarryOverCycleError.
    """
    require_step(objective, "carry_over")
    if objective.successor is not None:
        raise AlreadyCarriedOverError(objective.successor.objective_id)
    if into.state not in ("planned", "active") or into.starts_on <= cycle.starts_on:
        raise CarryOverCycleError
    return ObjectiveCarriedOver(successor_id=successor_id, successor_cycle_id=wanted.cycle_id)


def successor(
    objective: Objective, into: Cycle, wanted: CarryOver, *, key_result_ids: Iterator[UUID]
) -> tuple[Draft, Mapping[UUID, KeyResult]]:
    """The successor as it is to be drafted, and which key result each of its own goes on from.

    Raises KeyResultNotFoundError, KeyResultTargetError, NothingToCarryOverError.
    """
    chosen = {next(key_result_ids): each for each in _chosen(objective, wanted)}
    if not chosen:
        raise NothingToCarryOverError
    draft = Draft(
        cycle_id=wanted.cycle_id,
        wording=Wording(
            title=wanted.title or objective.title,
            description=objective.description,
            ambition=objective.ambition,
            labels=objective.labels,
        ),
        owner=wanted.owner or objective.owner,
        delegates=objective.delegates if wanted.owner in (None, objective.owner) else (),
        key_results={
            new_id: _goes_on(key_result, into, target)
            for new_id, (key_result, target) in chosen.items()
        },
        predecessor_id=objective.id,
    )
    return draft, {new_id: key_result for new_id, (key_result, _) in chosen.items()}


def _chosen(objective: Objective, wanted: CarryOver) -> list[tuple[KeyResult, float | None]]:
    if wanted.targets is not None:
        return [(objective.key_result(each), target) for each, target in wanted.targets.items()]
    return [(each, None) for each in objective.key_results if not _is_reached(each)]


def _is_reached(key_result: KeyResult) -> bool:
    """Whether there is nothing left to do; a band is maintained for as long as somebody wants."""
    attained = key_result.attained
    if attained is None or key_result.definition.type == "maintain":
        return False
    return clamp(attained) == 1.0


def _goes_on(key_result: KeyResult, into: Cycle, target: float | None) -> Definition:
    """What it is to reach from where it stands; the phases were those of the old way."""
    before = key_result.definition
    due_on = before.due_on if before.due_on and before.due_on >= into.starts_on else None
    definition = replace(before, phased_targets=(), due_on=due_on)
    if definition.moves:
        return _moved(key_result, definition, target)
    if target is not None:
        raise KeyResultTargetError(
            f"A key result of type {definition.type} has no target.", field="target"
        )
    return _left(key_result, definition)


def _moved(key_result: KeyResult, definition: Definition, wanted: float | None) -> Definition:
    """From the last value to the target; a stretch that is no longer beyond it is dropped."""
    if wanted is None and _is_reached(key_result):
        # Led back to its old target it would have to undo what was achieved.
        raise KeyResultTargetError(
            f"The key result “{definition.title}” has reached its target. To go on, give it "
            "another one.",
            field="target",
        )
    current = key_result.current
    baseline = definition.baseline if current is None else current.value
    target = definition.target if wanted is None else wanted
    assert baseline is not None
    assert target is not None
    increases = target > baseline
    stretch = definition.stretch
    if stretch is not None and (stretch < target if increases else stretch > target):
        stretch = None
    return replace(
        definition,
        type="increase" if increases else "decrease",
        baseline=baseline,
        target=target,
        stretch=stretch,
    )


def _left(key_result: KeyResult, definition: Definition) -> Definition:
    """With the milestones that are not done; with all of them where none that counts is left."""
    done = key_result.current.milestones_done if key_result.current else ()
    left = tuple(each for each in definition.milestones if each.id not in done)
    if not any(each.weight > 0 for each in left):
        return definition
    return replace(definition, milestones=left)
