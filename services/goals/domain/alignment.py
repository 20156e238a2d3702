"""Alignment: an objective below another, never in a circle, whatever runs at the same time."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import require_weight
from services.goals.domain.errors import (
    AlignmentCircleError,
    AlreadyAlignedError,
    CyclesApartError,
    KeyResultNotFoundError,
    NotAlignedError,
    ParentClosedError,
    TooManyAlignmentsError,
    UnknownParentError,
)
from services.goals.domain.events import ObjectiveAligned, ObjectiveUnaligned
from services.goals.domain.objective import Alignment, Objective, require_step

MAX_ALIGNMENTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What an objective is to be aligned to.

    `ancestors` are all objectives that it stands below itself, directly or through others, by
    alignments of either kind.
    """

    objective: Objective
    cycle: Cycle
    ancestors: AbstractSet[UUID]


def align(
    objective: Objective, cycle: Cycle, alignment: Alignment, *, parent: Parent
) -> list[ObjectiveAligned | ObjectiveUnaligned]:
    """Put the objective below the parent that the alignment names, or align it there otherwise.

    Raises ObjectiveStateError, NumberRefusedError, AlignmentCircleError, AlreadyAlignedError,
    TooManyAlignmentsError, UnknownParentError, ParentClosedError, CyclesApartError.
    """
    require_step(objective, "align")
    require_weight(alignment.weight)
    if parent.objective.id == objective.id or objective.id in parent.ancestors:
        raise AlignmentCircleError
    stands = objective.alignment(alignment.parent)
    if stands == alignment:
        raise AlreadyAlignedError
    if stands is None and len(objective.alignments) >= MAX_ALIGNMENTS:
        raise TooManyAlignmentsError(MAX_ALIGNMENTS)
    _require_parent(parent, alignment.parent_key_result_id)
    if not cycle.overlaps(parent.cycle):
        raise CyclesApartError
    aligned = ObjectiveAligned(
        parent_objective_id=alignment.parent_objective_id,
        parent_key_result_id=alignment.parent_key_result_id,
        kind=alignment.kind,
        weight=alignment.weight,
    )
    return [aligned] if stands is None else [_ended(alignment.parent), aligned]


def unalign(objective: Objective, parent: tuple[UUID, UUID | None]) -> ObjectiveUnaligned:
    """End an alignment. Raises ObjectiveStateError, NotAlignedError."""
    require_step(objective, "unalign")
    if objective.alignment(parent) is None:
        raise NotAlignedError
    return _ended(parent)


def _ended(parent: tuple[UUID, UUID | None]) -> ObjectiveUnaligned:
    objective_id, key_result_id = parent
    return ObjectiveUnaligned(parent_objective_id=objective_id, parent_key_result_id=key_result_id)


def _require_parent(parent: Parent, key_result_id: UUID | None) -> None:
    if parent.objective.state in ("closed", "abandoned") or parent.cycle.state == "closed":
        raise ParentClosedError
    if key_result_id is None:
        return
    try:
        parent.objective.key_result(key_result_id)
    except KeyResultNotFoundError:
        raise UnknownParentError("key result", key_result_id) from None
