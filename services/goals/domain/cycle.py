"""Cycles: planned, active, scoring, closed; back only with a reason."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from contracts.goals import Cadence, CheckInRhythm, CycleState
from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain.errors import (
    CycleDatesError,
    CycleLockedError,
    CycleStateError,
    NothingChangesError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleReopened,
    CycleRevised,
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


def close(cycle: Cycle) -> CycleClosed:
    """Lock the cycle. Raises CycleStateError."""
    _require(cycle, "scoring")
    return CycleClosed()


def reopen(cycle: Cycle, *, reason: str | None) -> CycleReopened:
    """Take the cycle one step back: from closed to scoring, from scoring to active.

    Raises CycleStateError, ReasonRequiredError.
    """
    if cycle.state not in ("closed", "scoring"):
        raise CycleStateError(cycle.state)
    if not reason:
        raise ReasonRequiredError("Reopening a cycle")
    return CycleReopened(state="scoring" if cycle.state == "closed" else "active")


def revise(cycle: Cycle, *, name: str, check_in_rhythm: CheckInRhythm) -> CycleRevised:
    """Give it another name or rhythm. Its dates are fixed, since alignments were judged by them.

    Raises CycleStateError, NothingChangesError.
    """
    if cycle.state == "closed":
        raise CycleStateError(cycle.state)
    if (name, check_in_rhythm) == (cycle.name, cycle.check_in_rhythm):
        raise NothingChangesError
    return CycleRevised(name=name, check_in_rhythm=check_in_rhythm)


def require_reason_if_closed(cycle: Cycle, reason: str | None) -> None:
    """Raise CycleLockedError when the cycle is closed and nothing is said for changing it."""
    if cycle.state == "closed" and not reason:
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
    if isinstance(event, CycleReopened):
        return replace(moved, state=event.state)
    if isinstance(event, CycleRevised):
        return replace(moved, name=event.name, check_in_rhythm=event.check_in_rhythm)
    assert isinstance(event, CycleClosed)
    return replace(moved, state="closed")


def _require(cycle: Cycle, state: CycleState) -> None:
    if cycle.state != state:
        raise CycleStateError(cycle.state)
