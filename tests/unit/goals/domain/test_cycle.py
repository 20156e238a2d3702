"""Cycles move on one way and back with a reason, and dates make sense."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain import cycle as cycles
from services.goals.domain.cycle import MAX_CYCLE_DAYS, Cycle
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
from tests.unit.goals.given import NOW, PLANNED, a_cycle

ACTIVE = (PLANNED, CycleActivated())
SCORING = (*ACTIVE, CycleScoringStarted())
CLOSED = (*SCORING, CycleClosed())


def plan(**changes: object) -> CyclePlanned:
    return cycles.plan(**(asdict(PLANNED) | changes))


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


STEPS: Final[Mapping[str, Callable[[Cycle], Event]]] = {
    "revise": lambda it: cycles.revise(it, name="2026 Q1", check_in_rhythm="monthly"),
    "activate": cycles.activate,
    "start_scoring": cycles.start_scoring,
    "close": cycles.close,
    "reopen": lambda it: cycles.reopen(it, reason="One objective was forgotten."),
}
IN_STATE = {"planned": (PLANNED,), "active": ACTIVE, "scoring": SCORING, "closed": CLOSED}
MOVES = {
    ("planned", "revise"): CycleRevised(name="2026 Q1", check_in_rhythm="monthly"),
    ("planned", "activate"): CycleActivated(),
    ("active", "revise"): CycleRevised(name="2026 Q1", check_in_rhythm="monthly"),
    ("active", "start_scoring"): CycleScoringStarted(),
    ("scoring", "revise"): CycleRevised(name="2026 Q1", check_in_rhythm="monthly"),
    ("scoring", "close"): CycleClosed(),
    ("scoring", "reopen"): CycleReopened(state="active"),
    ("closed", "reopen"): CycleReopened(state="scoring"),
}


@pytest.mark.parametrize(("state", "step"), MOVES)
def test_a_cycle_takes_the_steps_that_its_state_allows(state: str, step: str) -> None:
    assert STEPS[step](a_cycle(*IN_STATE[state])) == MOVES[state, step]


@pytest.mark.parametrize(
    ("state", "step"),
    [(state, step) for state in IN_STATE for step in STEPS if (state, step) not in MOVES],
)
def test_any_other_step_is_refused_and_those_that_are_possible_are_named(
    state: str, step: str
) -> None:
    with pytest.raises(CycleStateError, match=f"The cycle is {state}") as refusal:
        STEPS[step](a_cycle(*IN_STATE[state]))
    allowed = [each for at, each in MOVES if at == state]
    assert refusal.value.extensions == {"state": state, "allowed": allowed}
    assert all(each.replace("_", " ") in str(refusal.value) for each in allowed)


@pytest.mark.parametrize("reason", [None, ""])
@pytest.mark.parametrize("state", ["scoring", "closed"])
def test_a_cycle_is_reopened_with_a_reason_only(state: str, reason: str | None) -> None:
    with pytest.raises(ReasonRequiredError, match="Reopening a cycle needs a reason"):
        cycles.reopen(a_cycle(*IN_STATE[state]), reason=reason)


def test_a_cycle_gets_another_name_or_rhythm() -> None:
    event = cycles.revise(a_cycle(*ACTIVE), name="Winter", check_in_rhythm="weekly")
    revised = a_cycle(*ACTIVE, event)
    assert (revised.name, revised.check_in_rhythm, revised.state) == ("Winter", "weekly", "active")


def test_the_same_name_and_rhythm_are_no_revision() -> None:
    with pytest.raises(NothingChangesError):
        cycles.revise(a_cycle(*ACTIVE), name="2026 Q1", check_in_rhythm="weekly")


@pytest.mark.parametrize("reason", [None, ""])
def test_what_is_in_a_closed_cycle_changes_with_a_reason_only(reason: str | None) -> None:
    for state in ("planned", "active", "scoring"):
        cycles.require_reason_if_closed(a_cycle(*IN_STATE[state]), reason)
    cycles.require_reason_if_closed(a_cycle(*CLOSED), "Two digits were swapped.")
    with pytest.raises(CycleLockedError, match="send it with a reason"):
        cycles.require_reason_if_closed(a_cycle(*CLOSED), reason)


def test_a_reopened_cycle_goes_one_step_back_and_on_again() -> None:
    back = (*CLOSED, CycleReopened(state="scoring"), CycleReopened(state="active"))
    assert a_cycle(*back[:-1]).state == "scoring"
    assert a_cycle(*back).state == "active"
    assert cycles.start_scoring(a_cycle(*back)) == CycleScoringStarted()


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
