"""An objective's progress follows from its key results and from what contributes to it."""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from contracts.goals import ObjectiveState
from services.chassis.eventstore.context import Event
from services.goals.domain.events import ObjectiveActivated, ObjectiveAligned
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import needs_contributors, roll_up
from tests.unit.goals.given import (
    ACTIVE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    IN_STATE,
    an_objective,
    checked_in,
    key_result_added,
)


def below(
    parent: UUID, key_result: UUID | None = None, *, weight: float = 1, kind: str = "contributes"
) -> ObjectiveAligned:
    return ObjectiveAligned(
        parent_objective_id=parent,
        parent_key_result_id=key_result,
        kind=kind,  # type: ignore[arg-type]
        weight=weight,
    )


def at(value: float, *events: Event) -> Objective:
    """An active objective whose test coverage went from 70 to `value` on its way to 90."""
    return an_objective(*ACTIVE, *events, checked_in(value))


def test_an_objective_s_progress_is_the_weighted_mean_of_its_key_results() -> None:
    heavy = key_result_added(weight=3)
    objective = an_objective(
        DRAFTED,
        COVERAGE_ADDED,
        heavy,
        ObjectiveActivated(),
        checked_in(80),
        checked_in(90, heavy.key_result_id),
    )
    assert roll_up(objective).progress == (0.5 * 1 + 1.0 * 3) / 4


def test_an_objective_without_key_results_and_children_has_no_progress() -> None:
    assert roll_up(an_objective(DRAFTED)).progress is None


def test_children_join_the_mean_of_their_parent_with_their_weight() -> None:
    parent = at(75)
    progress = roll_up(parent, [at(90, below(parent.id, weight=3))])
    assert progress.progress == (0.25 * 1 + 1.0 * 3) / 4


def test_a_child_of_a_key_result_feeds_that_key_result_only() -> None:
    parent = an_objective(*ACTIVE)
    children = [at(75, below(parent.id, COVERAGE)), at(85, below(parent.id, COVERAGE))]
    progress = roll_up(parent, children)
    fed = progress.key_results[COVERAGE]
    assert (fed.source, fed.attainment) == ("aligned", None)
    assert fed.progress == progress.progress == pytest.approx((0.25 + 0.75) / 2)


def test_an_own_value_comes_before_that_of_children() -> None:
    parent = at(80)
    progress = roll_up(parent, [at(90, below(parent.id, COVERAGE))])
    assert progress.key_results[COVERAGE].source == "manual"
    assert progress.progress == 0.5


def test_contributors_count_at_any_depth() -> None:
    parent = an_objective(*ACTIVE)
    between = an_objective(*ACTIVE, below(parent.id, COVERAGE))
    lowest = at(80, below(between.id, COVERAGE))
    assert roll_up(parent, [lowest, between]).progress == 0.5


def test_a_child_with_two_ways_up_counts_on_both() -> None:
    parent = an_objective(DRAFTED)
    left, right = (an_objective(*ACTIVE, below(parent.id)) for _ in range(2))
    child = at(80, below(left.id, COVERAGE), below(right.id, COVERAGE))
    assert roll_up(parent, [left, right, child]).progress == 0.5


@pytest.mark.parametrize("key_result", [None, COVERAGE])
def test_a_supporting_child_is_not_counted(key_result: UUID | None) -> None:
    parent = an_objective(*ACTIVE)
    progress = roll_up(parent, [at(90, below(parent.id, key_result, kind="supports"))])
    assert progress.progress == 0.0
    assert progress.key_results[COVERAGE].source == "computed"


@pytest.mark.parametrize("state", ["draft", "proposed", "postponed", "abandoned"])
def test_what_is_not_worked_on_is_not_counted(state: ObjectiveState) -> None:
    parent = an_objective(DRAFTED)
    child = an_objective(*IN_STATE[state], below(parent.id))
    assert roll_up(parent, [child]).progress is None


def test_what_is_closed_counts_with_where_it_stands() -> None:
    parent = an_objective(DRAFTED)
    closed = an_objective(*ACTIVE, checked_in(80), below(parent.id), CLOSED[-1])
    assert roll_up(parent, [closed]).progress == 0.5


def test_alignments_to_objectives_that_are_not_asked_about_are_left_out() -> None:
    assert roll_up(at(80, below(uuid4()))).progress == 0.5


def test_a_chain_deeper_than_the_interpreter_s_stack_is_rolled_up() -> None:
    ids = [uuid4() for _ in range(3_000)]
    middle = [
        an_objective(DRAFTED, ObjectiveActivated(), below(parent), objective_id=each)
        for parent, each in pairwise(ids)
    ]
    top = an_objective(DRAFTED, objective_id=ids[0])
    assert roll_up(top, [*middle, at(75, below(ids[-1]))]).progress == 0.25


def test_only_a_key_result_without_a_value_needs_contributors() -> None:
    assert needs_contributors(an_objective(*ACTIVE))
    assert not needs_contributors(at(80))
