"""What each published event changes in the rows: pure, and without any roll-up."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from uuid import UUID

from msgspec.structs import replace

from contracts import goals, reviews
from contracts.events import PublishedEvent
from services.projections.okrs import key_results
from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Change,
    Cycle,
    Delegate,
    KeyResult,
    Objective,
    Removed,
    Unaligned,
)
from services.projections.read_model import CannotApplyError


class Rows(Protocol):
    """What holds now; None where nothing does."""

    def cycle(self, key: UUID) -> Cycle | None:
        """The cycle of this id."""

    def objective(self, key: UUID) -> Objective | None:
        """The objective of this id."""

    def key_result(self, key: UUID) -> KeyResult | None:
        """The key result of this id."""

    def alignment(self, key: AlignmentKey) -> Alignment | None:
        """The alignment of this child below this parent."""


def evolve(rows: Rows, event: PublishedEvent, position: int) -> tuple[Change, ...]:
    """The rows that `event`, at `position` of the goals log, replaces or ends.

    Raises CannotApplyError; nothing is changed then.
    """
    return _STEPS[type(event)](rows, event, position)


def _cycle_planned(_: Rows, event: goals.CyclePlanned, __: int) -> tuple[Change, ...]:
    return (
        Cycle(
            cycle_id=event.cycle_id,
            name=event.name,
            starts_on=event.starts_on,
            ends_on=event.ends_on,
            cadence=event.cadence,
            check_in_rhythm=event.check_in_rhythm,
        ),
    )


def _cycle_revised(rows: Rows, event: goals.CycleRevised, _: int) -> tuple[Change, ...]:
    cycle = _known_cycle(rows, event.cycle_id)
    return (replace(cycle, name=event.name, check_in_rhythm=event.check_in_rhythm),)


def _cycle_activated(rows: Rows, event: goals.CycleActivated, _: int) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="active"),)


def _cycle_scoring_started(
    rows: Rows, event: goals.CycleScoringStarted, _: int
) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="scoring"),)


def _cycle_closed(rows: Rows, event: goals.CycleClosed, _: int) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="closed"),)


def _cycle_reopened(rows: Rows, event: goals.CycleReopened, _: int) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state=event.state),)


def _drafted(_: Rows, event: goals.ObjectiveDrafted, __: int) -> tuple[Change, ...]:
    return (
        Objective(
            objective_id=event.objective_id,
            cycle_id=event.cycle_id,
            title=event.title,
            owner_kind=event.owner.kind,
            owner_id=event.owner.id,
            ambition=event.ambition,
            labels=event.labels,
            delegates=_delegates(event.delegates),
            predecessor_id=event.predecessor_id,
        ),
    )


def _revised(rows: Rows, event: goals.ObjectiveRevised, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, title=event.title, ambition=event.ambition, labels=event.labels),)


def _reassigned(rows: Rows, event: goals.ObjectiveReassigned, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, owner_kind=event.owner.kind, owner_id=event.owner.id),)


def _delegated(rows: Rows, event: goals.ObjectiveDelegated, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, delegates=_delegates(event.delegates)),)


def _delegates(owners: tuple[goals.Owner, ...]) -> tuple[Delegate, ...]:
    return tuple(Delegate(each.kind, each.id) for each in owners)


def _key_result_added(rows: Rows, event: goals.KeyResultAdded, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    owned = (*objective.key_result_ids, event.key_result_id)
    return replace(objective, key_result_ids=owned), key_results.added(event)


def _key_result_removed(rows: Rows, event: goals.KeyResultRemoved, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    key_result = _known_key_result(rows, event.key_result_id)
    left = tuple(each for each in objective.key_result_ids if each != key_result.key_result_id)
    return replace(objective, key_result_ids=left), Removed(key_result.key_result_id)


def _aligned(_: Rows, event: goals.ObjectiveAligned, __: int) -> tuple[Change, ...]:
    # The parent need not be known: its own aggregate may be parked, and comes later then.
    return (
        Alignment(
            child_id=event.objective_id,
            parent_id=event.parent_objective_id,
            parent_key_result_id=event.parent_key_result_id,
            kind=event.kind,
            weight=event.weight,
        ),
    )


def _unaligned(rows: Rows, event: goals.ObjectiveUnaligned, _: int) -> tuple[Change, ...]:
    key = AlignmentKey(event.objective_id, event.parent_objective_id, event.parent_key_result_id)
    if rows.alignment(key) is None:
        raise CannotApplyError("the alignment that ended is not known")
    return (Unaligned(key),)


def _proposed(rows: Rows, event: goals.ObjectiveProposed, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, state="proposed", approved_at=None),)


def _approved(rows: Rows, event: goals.ObjectiveApproved, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, approved_at=event.context.recorded_at),)


def _returned(rows: Rows, event: goals.ObjectiveReturned, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, state="draft", approved_at=None),)


def _activated(rows: Rows, event: goals.ObjectiveActivated, _: int) -> tuple[Change, ...]:
    return (replace(_known_objective(rows, event.objective_id), state="active"),)


def _postponed(rows: Rows, event: goals.ObjectivePostponed, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    ended_at = event.context.recorded_at
    return (replace(objective, state="postponed", approved_at=None, ended_at=ended_at),)


def _abandoned(rows: Rows, event: goals.ObjectiveAbandoned, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    ended_at = event.context.recorded_at
    return (replace(objective, state="abandoned", approved_at=None, ended_at=ended_at),)


def _reopened(rows: Rows, event: goals.ObjectiveReopened, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    unscored = (
        key_results.unscored(_known_key_result(rows, each)) for each in objective.key_result_ids
    )
    reopened = replace(objective, state=event.state, ended_at=None, score=None, verdict=None)
    return reopened, *unscored


def _carried_over(rows: Rows, event: goals.ObjectiveCarriedOver, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    return (replace(objective, successor_id=event.successor_id),)


def _closed(rows: Rows, event: goals.ObjectiveClosed, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    ended = replace(objective, state="closed", ended_at=event.context.recorded_at)
    return _scored(rows, ended, event)


def _rescored(rows: Rows, event: goals.ObjectiveRescored, _: int) -> tuple[Change, ...]:
    return _scored(rows, _known_objective(rows, event.objective_id), event)


def _scored(
    rows: Rows, objective: Objective, event: goals.ObjectiveClosed | goals.ObjectiveRescored
) -> tuple[Change, ...]:
    scored = (
        key_results.scored(_known_key_result(rows, each.key_result_id), each)
        for each in event.key_results
    )
    return replace(objective, score=event.score, verdict=event.verdict), *scored


def _retargeted(rows: Rows, event: goals.KeyResultRetargeted, _: int) -> tuple[Change, ...]:
    return (key_results.retargeted(_known_key_result(rows, event.key_result_id), event),)


def _key_result_revised(rows: Rows, event: goals.KeyResultRevised, _: int) -> tuple[Change, ...]:
    return (key_results.revised(_known_key_result(rows, event.key_result_id), event),)


def _checked_in(rows: Rows, event: goals.KeyResultCheckedIn, position: int) -> tuple[Change, ...]:
    before = _known_key_result(rows, event.key_result_id)
    return (key_results.checked_in(before, event, position),)


def _corrected(rows: Rows, event: goals.CheckInCorrected, position: int) -> tuple[Change, ...]:
    before = _known_key_result(rows, event.key_result_id)
    return (key_results.corrected(before, event, position),)


def _linked(rows: Rows, event: goals.KeyResultLinked, _: int) -> tuple[Change, ...]:
    return (key_results.linked(_known_key_result(rows, event.key_result_id), event),)


def _unlinked(rows: Rows, event: goals.KeyResultUnlinked, _: int) -> tuple[Change, ...]:
    return (key_results.unlinked(_known_key_result(rows, event.key_result_id), event),)


def _measured(rows: Rows, event: goals.KeyResultMeasured, position: int) -> tuple[Change, ...]:
    before = _known_key_result(rows, event.key_result_id)
    return (key_results.measured(before, event, position),)


def _nothing(_: Rows, __: PublishedEvent, ___: int) -> tuple[Change, ...]:
    """What was said about an objective, or in a review, changes no row: goals keeps it."""
    return ()


def _known_cycle(rows: Rows, key: UUID) -> Cycle:
    cycle = rows.cycle(key)
    if cycle is None:
        raise CannotApplyError(f"cycle {key} is not known")
    return cycle


def _known_objective(rows: Rows, key: UUID) -> Objective:
    objective = rows.objective(key)
    if objective is None:
        raise CannotApplyError(f"objective {key} is not known")
    return objective


def _known_key_result(rows: Rows, key: UUID) -> KeyResult:
    key_result = rows.key_result(key)
    if key_result is None:
        raise CannotApplyError(f"key result {key} is not known")
    return key_result


_Step = Callable[[Rows, Any, int], tuple[Change, ...]]

_STEPS: Final[Mapping[type[PublishedEvent], _Step]] = {
    goals.CyclePlanned: _cycle_planned,
    goals.CycleRevised: _cycle_revised,
    goals.CycleActivated: _cycle_activated,
    goals.CycleScoringStarted: _cycle_scoring_started,
    goals.CycleClosed: _cycle_closed,
    goals.CycleReopened: _cycle_reopened,
    goals.ObjectiveDrafted: _drafted,
    goals.ObjectiveRevised: _revised,
    goals.ObjectiveReassigned: _reassigned,
    goals.ObjectiveDelegated: _delegated,
    goals.KeyResultAdded: _key_result_added,
    goals.KeyResultRevised: _key_result_revised,
    goals.KeyResultRetargeted: _retargeted,
    goals.KeyResultRemoved: _key_result_removed,
    goals.ObjectiveAligned: _aligned,
    goals.ObjectiveUnaligned: _unaligned,
    goals.ObjectiveProposed: _proposed,
    goals.ObjectiveApproved: _approved,
    goals.ObjectiveReturned: _returned,
    goals.ObjectiveActivated: _activated,
    goals.KeyResultCheckedIn: _checked_in,
    goals.CheckInCorrected: _corrected,
    goals.KeyResultLinked: _linked,
    goals.KeyResultUnlinked: _unlinked,
    goals.KeyResultMeasured: _measured,
    goals.ObjectiveClosed: _closed,
    goals.ObjectiveRescored: _rescored,
    goals.RetrospectiveWritten: _nothing,
    goals.ObjectivePostponed: _postponed,
    goals.ObjectiveAbandoned: _abandoned,
    goals.ObjectiveReopened: _reopened,
    goals.ObjectiveCarriedOver: _carried_over,
    goals.ObjectiveCommented: _nothing,
    goals.ObjectiveAcknowledged: _nothing,
    **dict.fromkeys(reviews.PUBLISHED, _nothing),
}

# By CloudEvents type: what the group understands. Any other type is newer than this version.
UNDERSTOOD: Final[Mapping[str, type[PublishedEvent]]] = {step.TYPE: step for step in _STEPS}

# What no row is made of, so that it does not matter what PostgreSQL could not store of it.
LEAVES_NO_TRACE: Final = frozenset(fact for fact, step in _STEPS.items() if step is _nothing)
