"""Alignments: objectives put below others, moved, and taken away again."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from services.chassis.eventstore.errors import AggregateNotFoundError, EventLogError
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.loading import mark_corrections, objective_to_change
from services.goals.commands import AlignMany, AlignObjective, RealignObjective, UnalignObjective
from services.goals.domain import alignment
from services.goals.domain.alignment import Parent
from services.goals.domain.errors import GoalsError, UnknownParentError
from services.goals.domain.objective import Alignment, Objective
from services.goals.persistence.alignments import ancestors, standing_above, walk_up
from services.goals.persistence.log import CYCLE, OBJECTIVE


def align_objective(unit: Unit, command: AlignObjective) -> Loaded[Objective]:
    """ObjectiveAligned; ObjectiveUnaligned before it where kind or weight change.

    Raises UnknownParentError, and what `alignment.align` raises.
    """
    objective_to_change(unit, command)
    above = ancestors(unit.index(), command.alignment.parent_objective_id)
    return align_below(unit, command.id, command.alignment, above)


def realign_objective(unit: Unit, command: RealignObjective) -> Loaded[Objective]:
    """ObjectiveUnaligned and ObjectiveAligned. Raises what the two steps raise."""
    loaded, _ = objective_to_change(unit, command)
    stands = loaded.state.alignment(command.from_parent)
    ended = alignment.unalign(loaded.state, command.from_parent)
    assert stands is not None, "what is not there was refused"
    objective_id, key_result_id = command.to_parent
    wanted = replace(
        stands,
        parent_objective_id=objective_id,
        parent_key_result_id=key_result_id,
        **command.changes,
    )
    above = ancestors(unit.index(), objective_id)
    # From a parent to the same one is no move, but maybe another kind or weight.
    if command.to_parent != command.from_parent:
        unit.record(OBJECTIVE, loaded.id, ended)
    return align_below(unit, command.id, wanted, above)


def unalign_objective(unit: Unit, command: UnalignObjective) -> Loaded[Objective]:
    """ObjectiveUnaligned, by its owner or by who answers for the parent.

    Raises what `alignment.unalign` raises.
    """
    parent = unit.find(OBJECTIVE, command.parent[0])
    loaded, _ = objective_to_change(
        unit, command, as_well=() if parent is None else (parent.state.owner,)
    )
    return unit.record(OBJECTIVE, loaded.id, alignment.unalign(loaded.state, command.parent))


def align_many(unit: Unit, command: AlignMany) -> list[Loaded[Objective]]:
    """ObjectiveAligned for each, all of them or none; the objectives, each once.

    Raises what `align_objective` raises.
    """
    # Before anything moves, so that an objective named twice stands at one version for both.
    for place, each in enumerate(command.alignments):
        with _named(place, each):
            objective_to_change(unit, each)
    parents = {each.alignment.parent_objective_id for each in command.alignments}
    above = standing_above(unit.index(), parents)
    aligned: dict[UUID, Loaded[Objective]] = {}
    for place, each in enumerate(command.alignments):
        parent_id = each.alignment.parent_objective_id
        with _named(place, each):
            aligned[each.id] = align_below(unit, each.id, each.alignment, walk_up(above, parent_id))
        # What was just aligned may have to be walked through by those that follow.
        above.setdefault(each.id, set()).add(parent_id)
    return list(aligned.values())


def align_below(
    unit: Unit, objective_id: UUID, wanted: Alignment, above: AbstractSet[UUID]
) -> Loaded[Objective]:
    """ObjectiveAligned; `above` are all that the parent stands below.

    Raises UnknownParentError, and what `alignment.align` raises.
    """
    child = unit.load(OBJECTIVE, objective_id)
    try:
        found = unit.load(OBJECTIVE, wanted.parent_objective_id)
    except AggregateNotFoundError:
        raise UnknownParentError("objective", wanted.parent_objective_id) from None
    parent = Parent(
        objective=found.state,
        cycle=unit.load(CYCLE, found.state.cycle_id).state,
        ancestors=above,
    )
    its_cycle = unit.load(CYCLE, child.state.cycle_id).state
    mark_corrections(unit, its_cycle)
    events = alignment.align(child.state, its_cycle, wanted, parent=parent)
    return unit.record(OBJECTIVE, objective_id, *events)


@contextmanager
def _named(place: int, wanted: AlignObjective) -> Iterator[None]:
    """Have a refusal say which of many alignments it is about."""
    try:
        yield
    except (GoalsError, EventLogError) as refusal:
        about = {"index": place, "child_id": wanted.id}
        refusal.extensions = {**refusal.extensions, **about}
        raise
