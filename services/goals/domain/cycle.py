"""Cycles: planned, active, scoring, closed, and never back."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from contracts.goals import Cadence, CheckInRhythm
from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain.errors import (
    ActiveObjectivesLeftError,
    CycleDatesError,
    CycleLockedError,
    CycleState,
    CycleStateError,
)
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleScoringStarted,
)

MAX_CYCLE_DAYS: Final = 1_830  # five years


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A stretch of days in which objectives are pursued. `ends_on` is its last day.

    `position` is the place of its last event in the log.
    """

    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    planned_at: datetime
    changed_at: datetime
    position: int
    activated_at: datetime | None = None

    @property
    def work_began_at(self) -> datetime:
        """Its first day's midnight in UTC, or its activation where that came earlier."""
        first_midnight = datetime.combine(self.starts_on, time.min, UTC)
        return min(first_midnight, self.activated_at or first_midnight)

    def overlaps(self, other: "Cycle") -> bool:
        """Whether the two have a day in common."""
        return self.starts_on <= other.ends_on and other.starts_on <= self.ends_on


def plan(
    *,
    name: str,
    starts_on: date,
    ends_on: date,
    cadence: Cadence,
    check_in_rhythm: CheckInRhythm,
) -> CyclePlanned:
    """A new cycle. Raises CycleDatesError."""
    # A cycle that ended on the calendar's last day would have no day after it.
    if not 0 <= (ends_on - starts_on).days < MAX_CYCLE_DAYS or ends_on == date.max:
        raise CycleDatesError(max_days=MAX_CYCLE_DAYS)
    return CyclePlanned(
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        cadence=cadence,
        check_in_rhythm=check_in_rhythm,
    )


def activate(cycle: Cycle) -> CycleActivated:
    """Begin the work. Raises CycleStateError."""
    _require(cycle, "planned")
    return CycleActivated()


def start_scoring(cycle: Cycle) -> CycleScoringStarted:
    """End the work, begin to score. Raises CycleStateError."""
    _require(cycle, "active")
    return CycleScoringStarted()


def close(cycle: Cycle, *, active_objectives: int) -> CycleClosed:
    """Lock the cycle. Raises CycleStateError, ActiveObjectivesLeftError."""
    _require(cycle, "scoring")
    if active_objectives:
        raise ActiveObjectivesLeftError(active_objectives)
    return CycleClosed()


def require_unlocked(cycle: Cycle) -> None:
    """Raise CycleLockedError when nothing in the cycle may change any more."""
    if cycle.state == "closed":
        raise CycleLockedError


def evolve(cycle: Cycle | None, logged: LoggedEvent) -> Cycle:
    """The cycle after one more event."""
    assert logged.recorded_at is not None
    assert logged.position is not None
    event = logged.event
    if isinstance(event, CyclePlanned):
        return Cycle(
            name=event.name,
            starts_on=event.starts_on,
            ends_on=event.ends_on,
            cadence=event.cadence,
            check_in_rhythm=event.check_in_rhythm,
            state="planned",
            planned_at=logged.recorded_at,
            changed_at=logged.recorded_at,
            position=logged.position,
        )
    assert cycle is not None
    moved = replace(cycle, changed_at=logged.recorded_at, position=logged.position)
    if isinstance(event, CycleActivated):
        return replace(moved, state="active", activated_at=logged.recorded_at)
    if isinstance(event, CycleScoringStarted):
        return replace(moved, state="scoring")
    assert isinstance(event, CycleClosed)
    return replace(moved, state="closed")


def _require(cycle: Cycle, state: CycleState) -> None:
    if cycle.state != state:
        raise CycleStateError(cycle.state)
