"""Cycles move on one way, and dates make sense."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain import cycle as cycles
from services.goals.domain.cycle import MAX_CYCLE_DAYS, Cycle
from services.goals.domain.errors import (
    ActiveObjectivesLeftError,
    CycleDatesError,
    CycleLockedError,
    CycleStateError,
)
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleScoringStarted,
)
from tests.unit.goals.given import NOW, PLANNED, a_cycle

ACTIVE = (PLANNED, CycleActivated())
SCORING = (*ACTIVE, CycleScoringStarted())
CLOSED = (*SCORING, CycleClosed())


def plan(**changes: object) -> CyclePlanned:
    return cycles.plan(**(asdict(PLANNED) | changes))


def close(cycle: Cycle) -> CycleClosed:
    return cycles.close(cycle, active_objectives=0)


def test_a_cycle_is_planned_as_asked() -> None:
    assert plan() == PLANNED


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [
        (date(2026, 1, 2), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=MAX_CYCLE_DAYS)),
        (date.max, date.max),
    ],
)
def test_a_cycle_that_ends_too_early_or_too_late_is_refused(starts_on: date, ends_on: date) -> None:
    with pytest.raises(CycleDatesError, match="1830 days at most"):
        plan(starts_on=starts_on, ends_on=ends_on)


@pytest.mark.parametrize("days", [0, MAX_CYCLE_DAYS - 1])
def test_a_cycle_may_last_a_day_or_five_years(days: int) -> None:
    assert plan(ends_on=PLANNED.starts_on + timedelta(days=days))


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        ((PLANNED,), cycles.activate, CycleActivated()),
        (ACTIVE, cycles.start_scoring, CycleScoringStarted()),
        (SCORING, close, CycleClosed()),
    ],
)
def test_a_cycle_moves_on(given: tuple[Event, ...], when: object, then: Event) -> None:
    assert when(a_cycle(*given)) == then  # type: ignore[operator]


@pytest.mark.parametrize(
    ("given", "when", "allowed"),
    [
        (ACTIVE, cycles.activate, "start scoring"),
        (SCORING, cycles.activate, "close it"),
        (CLOSED, cycles.activate, "read it"),
        ((PLANNED,), cycles.start_scoring, "activate it"),
        (SCORING, cycles.start_scoring, "close it"),
        (CLOSED, cycles.start_scoring, "read it"),
        ((PLANNED,), close, "activate it"),
        (ACTIVE, close, "start scoring"),
        (CLOSED, close, "read it"),
    ],
)
def test_any_other_step_is_refused_and_the_possible_one_named(
    given: tuple[Event, ...], when: object, allowed: str
) -> None:
    with pytest.raises(CycleStateError, match=allowed):
        when(a_cycle(*given))  # type: ignore[operator]


def test_a_cycle_with_active_objectives_is_not_closed() -> None:
    with pytest.raises(ActiveObjectivesLeftError, match="3 objective") as refusal:
        cycles.close(a_cycle(*SCORING), active_objectives=3)
    assert refusal.value.extensions == {"active": 3}


def test_only_a_closed_cycle_is_locked() -> None:
    cycles.require_unlocked(a_cycle(*SCORING))
    with pytest.raises(CycleLockedError):
        cycles.require_unlocked(a_cycle(*CLOSED))


def test_the_state_follows_the_events() -> None:
    histories = ((PLANNED,), ACTIVE, SCORING, CLOSED)
    states = [a_cycle(*events).state for events in histories]
    assert states == ["planned", "active", "scoring", "closed"]


def test_work_begins_on_the_first_day() -> None:
    assert a_cycle(*ACTIVE).work_began_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert a_cycle(PLANNED).work_began_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_work_begins_before_the_first_day_in_a_cycle_activated_early() -> None:
    assert a_cycle(*ACTIVE, at=datetime(2025, 12, 20, tzinfo=UTC)).work_began_at == datetime(
        2025, 12, 20, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "overlaps"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), True),
        (date(2026, 3, 31), date(2026, 6, 30), True),
        (date(2026, 4, 1), date(2026, 6, 30), False),
        (date(2025, 10, 1), date(2025, 12, 31), False),
    ],
)
def test_cycles_overlap_when_they_share_a_day(
    starts_on: date, ends_on: date, overlaps: bool
) -> None:
    quarter = a_cycle(PLANNED)
    other = a_cycle(replace(PLANNED, starts_on=starts_on, ends_on=ends_on))
    assert quarter.overlaps(other) is overlaps
    assert other.overlaps(quarter) is overlaps


def test_a_cycle_knows_when_it_last_changed() -> None:
    cycle = a_cycle(*ACTIVE)
    assert (cycle.planned_at, cycle.changed_at, cycle.position) == (NOW, NOW, 102)
