"""Alignment rules, and the one that matters most: whatever is tried, there is never a circle."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.goals import ObjectiveState
from services.chassis.eventstore.context import Event
from services.goals.domain.alignment import MAX_ALIGNMENTS, Parent, align, unalign
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import (
    AlignmentCircleError,
    AlreadyAlignedError,
    CyclesApartError,
    GoalsError,
    NotAlignedError,
    NumberRefusedError,
    ParentClosedError,
    TooManyAlignmentsError,
    UnknownParentError,
)
from services.goals.domain.events import ObjectiveAligned, ObjectiveUnaligned
from services.goals.domain.objective import Alignment, Objective
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    COVERAGE,
    DRAFTED,
    IN_STATE,
    PLANNED,
    a_cycle,
    an_objective,
    then,
)

PARENT = an_objective(*ACTIVE)


def below(
    parent: Objective = PARENT, key_result: UUID | None = None, weight: float = 1.0
) -> Alignment:
    return Alignment(
        parent_objective_id=parent.id,
        parent_key_result_id=key_result,
        kind="contributes",
        weight=weight,
    )


def aligned(alignment: Alignment) -> ObjectiveAligned:
    return ObjectiveAligned(
        parent_objective_id=alignment.parent_objective_id,
        parent_key_result_id=alignment.parent_key_result_id,
        kind=alignment.kind,
        weight=alignment.weight,
    )


def parent(
    objective: Objective = PARENT,
    cycle: Cycle = ACTIVE_CYCLE,
    ancestors: AbstractSet[UUID] = frozenset(),
) -> Parent:
    return Parent(objective=objective, cycle=cycle, ancestors=ancestors)


def test_an_objective_is_aligned_to_another() -> None:
    child = an_objective(DRAFTED)
    assert align(child, ACTIVE_CYCLE, below(), parent=parent()) == [aligned(below())]


def test_an_objective_is_aligned_to_a_key_result() -> None:
    wanted = below(key_result=COVERAGE, weight=2)
    events = align(an_objective(DRAFTED), ACTIVE_CYCLE, wanted, parent=parent())
    assert events == [aligned(wanted)]


def test_an_objective_may_have_several_parents() -> None:
    other = an_objective(DRAFTED)
    child = an_objective(DRAFTED, aligned(below(other)), aligned(below(key_result=COVERAGE)))
    assert align(child, ACTIVE_CYCLE, below(), parent=parent())


def test_an_objective_is_not_aligned_to_itself() -> None:
    with pytest.raises(AlignmentCircleError):
        align(PARENT, ACTIVE_CYCLE, below(PARENT), parent=parent(PARENT))


def test_an_objective_is_not_aligned_to_what_stands_below_it() -> None:
    child = an_objective(DRAFTED)
    with pytest.raises(AlignmentCircleError, match="does not stand below"):
        align(child, ACTIVE_CYCLE, below(), parent=parent(ancestors={uuid4(), child.id}))


def test_the_same_alignment_is_not_made_twice() -> None:
    child = an_objective(DRAFTED, aligned(below()))
    with pytest.raises(AlreadyAlignedError, match="in the same way already"):
        align(child, ACTIVE_CYCLE, below(), parent=parent())


@pytest.mark.parametrize(
    "wanted", [below(weight=2.0), replace(below(), kind="supports")], ids=["weight", "kind"]
)
def test_the_same_parent_with_another_weight_or_kind_is_aligned_anew(wanted: Alignment) -> None:
    child = an_objective(DRAFTED, aligned(below(key_result=COVERAGE)), aligned(below()))
    events = align(child, ACTIVE_CYCLE, wanted, parent=parent())
    ended = ObjectiveUnaligned(parent_objective_id=PARENT.id, parent_key_result_id=None)
    assert events == [ended, aligned(wanted)]
    for event in events:
        child = then(child, event)
    assert child.alignments == (below(key_result=COVERAGE), wanted)


def test_the_number_of_alignments_is_bounded() -> None:
    others = [aligned(below(an_objective(DRAFTED))) for _ in range(MAX_ALIGNMENTS)]
    with pytest.raises(TooManyAlignmentsError, match="20 alignments at most"):
        align(an_objective(DRAFTED, *others), ACTIVE_CYCLE, below(), parent=parent())


def test_the_last_alignment_of_a_full_objective_can_be_made_another() -> None:
    others = [aligned(below(an_objective(DRAFTED))) for _ in range(MAX_ALIGNMENTS - 1)]
    full = an_objective(DRAFTED, *others, aligned(below()))
    assert align(full, ACTIVE_CYCLE, below(weight=2.0), parent=parent())


@pytest.mark.parametrize("state", ["closed", "abandoned"])
def test_a_parent_that_has_ended_takes_no_children(state: ObjectiveState) -> None:
    ended = an_objective(*IN_STATE[state])
    with pytest.raises(ParentClosedError, match="worked on or will be"):
        align(an_objective(DRAFTED), ACTIVE_CYCLE, below(ended), parent=parent(ended))


@pytest.mark.parametrize("state", ["draft", "proposed", "active", "postponed"])
def test_a_parent_that_is_or_will_be_worked_on_takes_children(state: ObjectiveState) -> None:
    above = an_objective(*IN_STATE[state])
    assert align(an_objective(DRAFTED), ACTIVE_CYCLE, below(above), parent=parent(above))


def test_a_key_result_that_the_parent_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownParentError, match="no key result"):
        align(an_objective(DRAFTED), ACTIVE_CYCLE, below(key_result=uuid4()), parent=parent())


def test_cycles_without_a_day_in_common_do_not_align() -> None:
    later = a_cycle(replace(PLANNED, starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30)))
    with pytest.raises(CyclesApartError, match="no day in common"):
        align(an_objective(DRAFTED), ACTIVE_CYCLE, below(), parent=parent(cycle=later))


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_that_cannot_be_counted_with_is_refused(weight: float) -> None:
    with pytest.raises(NumberRefusedError):
        align(an_objective(DRAFTED), ACTIVE_CYCLE, below(weight=weight), parent=parent())


def test_an_alignment_is_ended() -> None:
    child = an_objective(DRAFTED, aligned(below()), aligned(below(key_result=COVERAGE)))
    event = unalign(child, (PARENT.id, None))
    assert event == ObjectiveUnaligned(parent_objective_id=PARENT.id, parent_key_result_id=None)
    assert then(child, event).alignments == (below(key_result=COVERAGE),)


def test_an_alignment_that_is_not_there_is_not_ended() -> None:
    child = an_objective(DRAFTED, aligned(below()))
    with pytest.raises(NotAlignedError):
        unalign(child, (PARENT.id, COVERAGE))


def ancestors_of(top: UUID, objectives: Mapping[UUID, Objective]) -> set[UUID]:
    """What the index answers in production: everything above `top`."""
    found: set[UUID] = set()
    waiting = [top]
    while waiting:
        for each in objectives[waiting.pop()].alignments:
            if each.parent_objective_id not in found:
                found.add(each.parent_objective_id)
                waiting.append(each.parent_objective_id)
    return found


steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=40
)


@given(steps)
def test_no_sequence_of_alignments_makes_a_circle(
    wanted: list[tuple[bool, int, int, bool]],
) -> None:
    ids = [UUID(int=100 + n) for n in range(6)]
    objectives = {each: an_objective(*ACTIVE, objective_id=each) for each in ids}
    for makes, child_number, parent_number, to_key_result in wanted:
        child, above = objectives[ids[child_number]], objectives[ids[parent_number]]
        key_result = COVERAGE if to_key_result else None
        try:
            if makes:
                place = parent(above, ancestors=ancestors_of(above.id, objectives))
                events: Sequence[Event] = align(
                    child, ACTIVE_CYCLE, below(above, key_result), parent=place
                )
            else:
                events = [unalign(child, (above.id, key_result))]
        except GoalsError:
            continue
        for event in events:
            objectives[child.id] = then(objectives[child.id], event)
        assert all(each not in ancestors_of(each, objectives) for each in ids)
