"""What each published event changes in the rows: pure, and without any roll-up."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from msgspec.structs import replace

from contracts import goals
from contracts.events import PublishedEvent
from contracts.progress import OwnSource, key_result_progress
from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Change,
    Cycle,
    KeyResult,
    Objective,
    Unaligned,
)
from services.projections.read_model import CannotApplyError

_MEASURABLE_TYPES: Final = frozenset({"increase", "decrease"})


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


def _cycle_activated(rows: Rows, event: goals.CycleActivated, _: int) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="active"),)


def _cycle_scoring_started(
    rows: Rows, event: goals.CycleScoringStarted, _: int
) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="scoring"),)


def _cycle_closed(rows: Rows, event: goals.CycleClosed, _: int) -> tuple[Change, ...]:
    return (replace(_known_cycle(rows, event.cycle_id), state="closed"),)


def _drafted(_: Rows, event: goals.ObjectiveDrafted, __: int) -> tuple[Change, ...]:
    return (
        Objective(
            objective_id=event.objective_id,
            cycle_id=event.cycle_id,
            title=event.title,
            owner_kind=event.owner.kind,
            owner_id=event.owner.id,
            ambition=event.ambition,
        ),
    )


def _key_result_added(rows: Rows, event: goals.KeyResultAdded, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    if event.type not in _MEASURABLE_TYPES:
        raise CannotApplyError(f"key results of type {event.type} are not understood here")
    if event.baseline is None or event.target is None or event.baseline == event.target:
        raise CannotApplyError("the key result has no way from its baseline to its target")
    key_result = KeyResult(
        key_result_id=event.key_result_id,
        objective_id=event.objective_id,
        title=event.title,
        type=event.type,
        baseline=event.baseline,
        target=event.target,
        stretch=event.stretch,
        unit=event.unit,
        weight=event.weight,
        due_on=event.due_on,
    )
    key_results = (*objective.key_result_ids, event.key_result_id)
    return replace(objective, key_result_ids=key_results), key_result


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


def _activated(rows: Rows, event: goals.ObjectiveActivated, _: int) -> tuple[Change, ...]:
    return (replace(_known_objective(rows, event.objective_id), state="active"),)


def _checked_in(rows: Rows, event: goals.KeyResultCheckedIn, position: int) -> tuple[Change, ...]:
    # What is said of an earlier time than was spoken of before only joins the history.
    key_result = _known_key_result(rows, event.key_result_id)
    true_at = event.context.effective_at
    if key_result.checked_in_at is None or true_at >= key_result.checked_in_at:
        key_result = replace(
            key_result,
            checked_in_at=true_at,
            confidence=event.confidence,
            status=event.status,
        )
    if key_result.value_at is None or true_at >= key_result.value_at:
        key_result = _with_value(key_result, event.value, "manual", true_at, position)
    return (key_result,)


def _linked(rows: Rows, event: goals.KeyResultLinked, _: int) -> tuple[Change, ...]:
    key_result = _known_key_result(rows, event.key_result_id)
    return (replace(key_result, kpi=event.kpi, kpi_reading=event.reading),)


def _unlinked(rows: Rows, event: goals.KeyResultUnlinked, _: int) -> tuple[Change, ...]:
    key_result = _known_key_result(rows, event.key_result_id)
    return (replace(key_result, kpi=None, kpi_reading=None),)


def _measured(rows: Rows, event: goals.KeyResultMeasured, position: int) -> tuple[Change, ...]:
    key_result = _known_key_result(rows, event.key_result_id)
    true_at = min(event.period_end, event.context.effective_at)
    return (_with_value(key_result, event.value, "kpi", true_at, position),)


def _closed(rows: Rows, event: goals.ObjectiveClosed, _: int) -> tuple[Change, ...]:
    objective = _known_objective(rows, event.objective_id)
    scored = tuple(
        replace(_known_key_result(rows, each.key_result_id), score=each.score)
        for each in event.key_results
    )
    closed = replace(objective, state="closed", score=event.score, verdict=event.verdict)
    return closed, *scored


def _with_value(
    key_result: KeyResult, value: float, source: OwnSource, true_at: datetime, position: int
) -> KeyResult:
    assert key_result.baseline is not None
    assert key_result.target is not None
    reached = key_result_progress(
        baseline=key_result.baseline, target=key_result.target, value=value, source=source
    )
    return replace(
        key_result,
        value=value,
        value_at=true_at,
        position=position,
        attainment=reached.attainment,
        progress=reached.progress,
        source=reached.source,
    )


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
    goals.CycleActivated: _cycle_activated,
    goals.CycleScoringStarted: _cycle_scoring_started,
    goals.CycleClosed: _cycle_closed,
    goals.ObjectiveDrafted: _drafted,
    goals.KeyResultAdded: _key_result_added,
    goals.ObjectiveAligned: _aligned,
    goals.ObjectiveUnaligned: _unaligned,
    goals.ObjectiveActivated: _activated,
    goals.KeyResultCheckedIn: _checked_in,
    goals.KeyResultLinked: _linked,
    goals.KeyResultUnlinked: _unlinked,
    goals.KeyResultMeasured: _measured,
    goals.ObjectiveClosed: _closed,
}

# By CloudEvents type: what the group understands. Any other type is newer than this version.
UNDERSTOOD: Final[Mapping[str, type[PublishedEvent]]] = {step.TYPE: step for step in _STEPS}
