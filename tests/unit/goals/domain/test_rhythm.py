"""When a key result is to be checked in on, and when that is overdue."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.goals import CheckInRhythm, ObjectiveState
from services.goals.domain.cycle import Cycle
from services.goals.domain.events import (
    CycleActivated,
    KeyResultLinked,
    KeyResultUnlinked,
    ObjectivePostponed,
    ObjectiveReopened,
)
from services.goals.domain.rhythm import is_overdue, next_due_at
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED_CYCLE,
    COVERAGE,
    COVERAGE_ADDED,
    IN_STATE,
    NOW,
    PLANNED,
    PLANNED_CYCLE,
    SCORING_CYCLE,
    a_cycle,
    an_objective,
    checked_in,
    measured,
    then,
)

DAY = timedelta(days=1)
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")


@pytest.mark.parametrize(("rhythm", "days"), [("weekly", 7), ("biweekly", 14), ("monthly", 31)])
def test_the_first_check_in_is_due_one_turn_after_work_began(
    rhythm: CheckInRhythm, days: int
) -> None:
    cycle = a_cycle(replace(PLANNED, check_in_rhythm=rhythm), CycleActivated())
    objective = an_objective(*ACTIVE)
    assert next_due_at(objective, cycle, objective.key_result(COVERAGE)) == NOW + days * DAY


def test_the_next_one_is_due_one_turn_after_the_time_that_the_last_one_was_about() -> None:
    objective = then(an_objective(*ACTIVE), checked_in(80.0), at=NOW + 9 * DAY)
    objective = then(objective, checked_in(75.0), at=NOW + 10 * DAY, effective_at=NOW + 3 * DAY)
    assert next_due_at(objective, ACTIVE_CYCLE, objective.key_result(COVERAGE)) == NOW + 16 * DAY


@pytest.mark.parametrize("state", ["draft", "proposed", "postponed", "abandoned", "closed"])
def test_what_is_not_worked_on_rests(state: ObjectiveState) -> None:
    objective = an_objective(*IN_STATE[state])
    assert next_due_at(objective, ACTIVE_CYCLE, objective.key_result(COVERAGE)) is None


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, SCORING_CYCLE, CLOSED_CYCLE])
def test_outside_of_an_active_cycle_nothing_is_due(cycle: Cycle) -> None:
    objective = an_objective(*ACTIVE)
    assert next_due_at(objective, cycle, objective.key_result(COVERAGE)) is None


def test_nobody_has_to_check_in_on_what_follows_a_kpi() -> None:
    objective = an_objective(*ACTIVE, LINKED)
    assert next_due_at(objective, ACTIVE_CYCLE, objective.key_result(COVERAGE)) is None
    unlinked = then(objective, KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage"))
    assert next_due_at(unlinked, ACTIVE_CYCLE, unlinked.key_result(COVERAGE)) == NOW + 7 * DAY


def test_what_was_added_late_is_due_a_turn_after_that() -> None:
    added = replace(COVERAGE_ADDED, key_result_id=UUID(int=77))
    objective = then(an_objective(*ACTIVE), added, at=NOW + 20 * DAY)
    late = objective.key_result(added.key_result_id)
    assert next_due_at(objective, ACTIVE_CYCLE, late) == NOW + 27 * DAY
    # What is said of a time before it was there does not make it due any sooner.
    said = checked_in(80.0, key_result_id=added.key_result_id)
    objective = then(objective, said, at=NOW + 21 * DAY, effective_at=NOW + 3 * DAY)
    late = objective.key_result(added.key_result_id)
    assert next_due_at(objective, ACTIVE_CYCLE, late) == NOW + 27 * DAY


def test_what_was_taken_up_again_is_due_a_turn_after_that() -> None:
    rested = then(an_objective(*ACTIVE), ObjectivePostponed(), at=NOW + DAY)
    resumed = then(rested, ObjectiveReopened(state="active"), at=NOW + 30 * DAY)
    assert next_due_at(resumed, ACTIVE_CYCLE, resumed.key_result(COVERAGE)) == NOW + 37 * DAY


def test_what_a_kpi_said_last_counts_once_nobody_measures_any_more() -> None:
    said = measured(80.0, start=NOW + DAY, end=NOW + 2 * DAY)
    followed = then(an_objective(*ACTIVE, LINKED), said, at=NOW + 3 * DAY)
    unlinked = then(followed, KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage"))
    assert next_due_at(unlinked, ACTIVE_CYCLE, unlinked.key_result(COVERAGE)) == NOW + 9 * DAY


def test_a_check_in_is_overdue_once_its_time_has_passed() -> None:
    assert is_overdue(NOW, NOW + timedelta(microseconds=1))
    assert not is_overdue(NOW, NOW)
    assert not is_overdue(None, NOW)
