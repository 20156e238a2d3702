"""Key results: how they are defined, and which value of theirs is the current one."""

import math
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from contracts.goals import KeyResultType, KpiReading, Status
from contracts.progress import OwnSource
from services.chassis.eventstore.context import Actor, LoggedEvent
from services.goals.domain.errors import (
    KeyResultTargetError,
    KeyResultTypeUnsupportedError,
    NumberRefusedError,
)
from services.goals.domain.events import KeyResultAdded, KeyResultCheckedIn, KeyResultMeasured

MAX_WEIGHT: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a key result is to reach: from `baseline` to `target`, in `unit`."""

    title: str
    type: KeyResultType
    baseline: float
    target: float
    stretch: float | None = None
    unit: str = ""
    weight: float = 1.0
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentValue:
    """Where a key result stands: what said so, since when it is true, and its place in the log."""

    value: float
    source: OwnSource
    as_of: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """What somebody said of a key result."""

    id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    effective_at: datetime
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The KPI a key result follows, and what it takes of it."""

    kpi: str
    reading: KpiReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The last thing the followed KPI said: which period, and where in the metrics log."""

    period_start: datetime
    period_end: datetime
    metrics_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResult:
    """One measure of an objective's success, as it stands."""

    id: UUID
    definition: Definition
    current: CurrentValue | None = None
    last_check_in: CheckIn | None = None
    link: Link | None = None
    measurement: Measurement | None = None

    def checked_in(self, event: KeyResultCheckedIn, logged: LoggedEvent) -> "KeyResult":
        """The key result after a check-in; one about an earlier time only joins the history."""
        assert logged.recorded_at is not None
        assert logged.position is not None
        # A caller's clock ahead of ours must not outdate what is said right afterwards.
        effective_at = min(logged.context.effective_at, logged.recorded_at)
        last, current = self.last_check_in, self.current
        if last is None or effective_at >= last.effective_at:
            last = CheckIn(
                id=event.check_in_id,
                value=event.value,
                confidence=event.confidence,
                status=event.status,
                comment=event.comment,
                effective_at=effective_at,
                by=logged.context.actor,
            )
        if current is None or effective_at >= current.as_of:
            current = CurrentValue(
                value=event.value, source="manual", as_of=effective_at, position=logged.position
            )
        return replace(self, last_check_in=last, current=current)

    def measured(self, event: KeyResultMeasured, logged: LoggedEvent) -> "KeyResult":
        """The key result after a measurement, which is true until its period's end or now."""
        assert logged.position is not None
        return replace(
            self,
            current=CurrentValue(
                value=event.value,
                source="kpi",
                as_of=min(event.period_end, logged.context.effective_at),
                position=logged.position,
            ),
            measurement=Measurement(
                period_start=event.period_start,
                period_end=event.period_end,
                metrics_position=event.metrics_position,
            ),
        )


def define(definition: Definition, *, key_result_id: UUID) -> KeyResultAdded:
    """A new key result.

    Raises KeyResultTypeUnsupportedError, NumberRefusedError, KeyResultTargetError.
    """
    if definition.type not in ("increase", "decrease"):
        raise KeyResultTypeUnsupportedError(definition.type)
    _require_numbers(definition)
    _require_direction(definition)
    return KeyResultAdded(
        key_result_id=key_result_id,
        title=definition.title,
        type=definition.type,
        baseline=definition.baseline,
        target=definition.target,
        stretch=definition.stretch,
        unit=definition.unit,
        weight=definition.weight,
        due_on=definition.due_on,
    )


def added(event: KeyResultAdded) -> KeyResult:
    """The key result as it begins."""
    return KeyResult(
        id=event.key_result_id,
        definition=Definition(
            title=event.title,
            type=event.type,
            baseline=event.baseline,
            target=event.target,
            stretch=event.stretch,
            unit=event.unit,
            weight=event.weight,
            due_on=event.due_on,
        ),
    )


def require_weight(weight: float) -> None:
    """Raise NumberRefusedError unless the weight is one that can be counted with."""
    if not 0 <= weight <= MAX_WEIGHT:  # false for NaN as well
        raise NumberRefusedError("weight", f"a number from 0 (not counted) to {MAX_WEIGHT}")


def _require_numbers(definition: Definition) -> None:
    for field in ("baseline", "target", "stretch"):
        number = getattr(definition, field)
        if number is not None and not math.isfinite(number):
            raise NumberRefusedError(field, "a finite number")
    require_weight(definition.weight)


def _require_direction(definition: Definition) -> None:
    baseline, target, stretch = definition.baseline, definition.target, definition.stretch
    if baseline == target:
        raise KeyResultTargetError("Baseline and target are equal: choose a target to move to.")
    increases = target > baseline
    if increases != (definition.type == "increase"):
        raise KeyResultTargetError(
            "The target of an increase lies above its baseline, that of a decrease below."
        )
    if stretch is not None and (stretch < target if increases else stretch > target):
        raise KeyResultTargetError("A stretch lies beyond the target, seen from the baseline.")
