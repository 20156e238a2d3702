"""An objective goes on in a later cycle from where it stands."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import count
from uuid import UUID, uuid4

import pytest

from services.goals.domain import key_result as key_results
from services.goals.domain import objective as objectives
from services.goals.domain.carry_over import CarryOver, carry_over, successor
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    AlreadyCarriedOverError,
    CarryOverCycleError,
    KeyResultNotFoundError,
    KeyResultTargetError,
    NothingToCarryOverError,
    NumberRefusedError,
)
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CycleScoringStarted,
    ObjectiveActivated,
    ObjectiveCarriedOver,
    ObjectiveReopened,
    Owner,
    PhasedTarget,
)
from services.goals.domain.objective import Draft, Objective
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    FRENCH,
    GERMAN,
    LANGUAGES,
    LATENCY,
    LEADS,
    PLANNED,
    POLISH,
    RESPONSIVE,
    UPTIME,
    a_cycle,
    an_objective,
    checked_in,
    in_work,
    key_result_added,
    then,
)

SPRING = replace(PLANNED, name="2026 Q2", starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30))
NEXT = a_cycle(SPRING)
NEXT_ID, SUCCESSOR = UUID(int=61), UUID(int=62)
NEW_ID = UUID(int=1000)
ALL = CarryOver(cycle_id=NEXT_ID)


def drafted(
    objective: Objective, wanted: CarryOver = ALL, into: Cycle = NEXT
) -> tuple[Draft, Mapping[UUID, UUID]]:
    """What the objective goes on as, and which key result each of it goes on from."""
    new_ids = (UUID(int=number) for number in count(NEW_ID.int))
    draft, origins = successor(objective, into, wanted, key_result_ids=new_ids)
    assert objectives.draft(into, draft)  # whatever goes on can be written down
    return draft, {new_id: origin.id for new_id, origin in origins.items()}


def goes_on(
    objective: Objective, target: float | None = None, *, key_result_id: UUID = COVERAGE
) -> Definition:
    """What its key result, named, is to reach from now on."""
    draft, _ = drafted(objective, replace(ALL, targets={key_result_id: target}))
    (definition,) = draft.key_results.values()
    return definition


def test_an_objective_says_what_it_goes_on_as() -> None:
    event = carry_over(an_objective(*CLOSED), ACTIVE_CYCLE, NEXT, ALL, successor_id=SUCCESSOR)
    assert event == ObjectiveCarriedOver(successor_id=SUCCESSOR, successor_cycle_id=NEXT_ID)


def test_an_objective_goes_on_once_even_if_it_is_reopened() -> None:
    carried = ObjectiveCarriedOver(successor_id=SUCCESSOR, successor_cycle_id=NEXT_ID)
    reopened = an_objective(*CLOSED, carried, ObjectiveReopened(state="active"))
    with pytest.raises(AlreadyCarriedOverError, match=str(SUCCESSOR)) as refusal:
        carry_over(reopened, ACTIVE_CYCLE, NEXT, ALL, successor_id=uuid4())
    assert refusal.value.extensions == {"successor_id": SUCCESSOR}


def test_an_objective_goes_on_in_a_later_cycle_that_is_under_way() -> None:
    assert carry_over(
        an_objective(*CLOSED),
        ACTIVE_CYCLE,
        a_cycle(SPRING, CycleActivated()),
        ALL,
        successor_id=SUCCESSOR,
    )


@pytest.mark.parametrize(
    "into",
    [
        a_cycle(SPRING, CycleActivated(), CycleScoringStarted()),
        a_cycle(SPRING, CycleActivated(), CycleScoringStarted(), CycleClosed()),
        a_cycle(PLANNED),
        a_cycle(replace(PLANNED, starts_on=date(2025, 12, 31))),
    ],
    ids=["scoring", "closed", "the same start", "an earlier one"],
)
def test_an_objective_goes_on_in_no_other_cycle(into: Cycle) -> None:
    with pytest.raises(CarryOverCycleError, match="starts after"):
        carry_over(an_objective(*CLOSED), ACTIVE_CYCLE, into, ALL, successor_id=SUCCESSOR)


def test_the_successor_has_the_words_the_owner_and_the_name_of_its_predecessor() -> None:
    words = replace(
        DRAFTED, description="Why.", labels=("a",), delegates=(Owner(kind="person", id="bob"),)
    )
    before = an_objective(words, *ACTIVE[1:])
    draft, origins = drafted(before)
    written, added = objectives.draft(NEXT, draft)
    assert written == replace(words, cycle_id=NEXT_ID, predecessor_id=before.id)
    assert added == replace(COVERAGE_ADDED, key_result_id=NEW_ID)
    assert origins == {NEW_ID: COVERAGE}


def test_the_successor_may_have_another_title_and_owner() -> None:
    bob = Owner(kind="person", id="bob")
    draft, _ = drafted(an_objective(*ACTIVE), replace(ALL, title="Once more", owner=bob))
    assert (draft.wording.title, draft.owner) == ("Once more", bob)


@pytest.mark.parametrize(
    ("stands", "value", "target", "then_"),
    [
        (LEADS, None, None, LEADS),
        (LEADS, 600.0, None, replace(LEADS, baseline=600.0)),
        (LEADS, 450.0, None, replace(LEADS, baseline=450.0)),
        (LEADS, 600.0, 900.0, replace(LEADS, baseline=600.0, target=900.0)),
        (LEADS, None, 900.0, replace(LEADS, target=900.0)),
        (LEADS, 800.0, 900.0, replace(LEADS, baseline=800.0, target=900.0)),
        (LEADS, 800.0, 600.0, replace(LEADS, type="decrease", baseline=800.0, target=600.0)),
        (LATENCY, 1200.0, None, replace(LATENCY, baseline=1200.0)),
        (LATENCY, 900.0, 950.0, replace(LATENCY, type="increase", baseline=900.0, target=950.0)),
    ],
)
def test_the_last_value_becomes_the_baseline_and_the_way_leads_to_the_target(
    stands: Definition, value: float | None, target: float | None, then_: Definition
) -> None:
    said = [] if value is None else [checked_in(value)]
    assert goes_on(in_work(stands, *said), target) == then_


@pytest.mark.parametrize(
    ("stands", "value", "target", "stretch"),
    [
        (replace(LEADS, stretch=800.0), 600.0, None, 800.0),
        (replace(LEADS, stretch=800.0), 600.0, 800.0, 800.0),
        (replace(LEADS, stretch=800.0), 600.0, 801.0, None),
        (replace(LEADS, stretch=800.0), 900.0, 850.0, 800.0),
        (replace(LEADS, stretch=800.0), 900.0, 750.0, None),
        (replace(LATENCY, stretch=900.0), 1200.0, None, 900.0),
        (replace(LATENCY, stretch=900.0), 1200.0, 899.0, None),
    ],
)
def test_a_stretch_that_is_no_longer_beyond_the_target_is_dropped(
    stands: Definition, value: float, target: float | None, stretch: float | None
) -> None:
    assert goes_on(in_work(stands, checked_in(value)), target).stretch == stretch


def test_the_phases_of_the_old_way_are_dropped() -> None:
    phased = replace(LEADS, phased_targets=(PhasedTarget(on=date(2026, 2, 1), value=600.0),))
    assert goes_on(in_work(phased)).phased_targets == ()


@pytest.mark.parametrize(
    ("due_on", "stays"),
    [(date(2026, 3, 31), None), (date(2026, 4, 1), date(2026, 4, 1)), (None, None)],
)
def test_a_due_date_stays_if_it_lies_in_or_after_the_next_cycle(
    due_on: date | None, stays: date | None
) -> None:
    assert goes_on(in_work(replace(LEADS, due_on=due_on))).due_on == stays


@pytest.mark.parametrize("target", [500.0, math.nan, math.inf])
def test_a_target_that_is_no_way_to_go_is_refused(target: float) -> None:
    at_500 = in_work(LEADS, checked_in(500.0))
    with pytest.raises((KeyResultTargetError, NumberRefusedError)):
        goes_on(at_500, target)


def test_milestones_that_are_done_stay_behind() -> None:
    said = checked_in(0.5, milestones_done=(GERMAN,))
    left = goes_on(in_work(LANGUAGES, said)).milestones
    assert [each.id for each in left] == [FRENCH, POLISH]


def test_a_checklist_that_nobody_checked_in_on_goes_on_whole() -> None:
    assert goes_on(in_work(LANGUAGES)) == LANGUAGES


def test_a_checklist_of_which_nothing_counts_any_more_begins_anew_if_it_is_named() -> None:
    said = checked_in(1.0, milestones_done=(GERMAN, FRENCH, POLISH))
    assert goes_on(in_work(LANGUAGES, said)) == LANGUAGES
    light = replace(
        LANGUAGES,
        milestones=(*LANGUAGES.milestones[:2], replace(LANGUAGES.milestones[2], weight=0.0)),
    )
    said = checked_in(1.0, milestones_done=(GERMAN, FRENCH))
    assert goes_on(in_work(light, said)) == light


@pytest.mark.parametrize("definition", [UPTIME, RESPONSIVE], ids=lambda each: each.type)
def test_a_band_and_a_yes_or_no_go_on_as_they_are(definition: Definition) -> None:
    assert goes_on(in_work(definition, checked_in(0.0))) == definition


@pytest.mark.parametrize("definition", [UPTIME, LANGUAGES, RESPONSIVE], ids=lambda each: each.type)
def test_what_has_no_target_is_not_given_one(definition: Definition) -> None:
    with pytest.raises(KeyResultTargetError, match="has no target") as refusal:
        goes_on(in_work(definition), 5.0)
    assert refusal.value.extensions == {"field": "target"}


@pytest.mark.parametrize(("stands", "value"), [(LEADS, 700.0), (LEADS, 800.0), (LATENCY, 900.0)])
def test_what_has_reached_its_target_goes_on_to_another_one_only(
    stands: Definition, value: float
) -> None:
    with pytest.raises(KeyResultTargetError, match="reached its target"):
        goes_on(in_work(stands, checked_in(value)))


@pytest.mark.parametrize(
    ("definition", "value", "left"),
    [
        (LEADS, 699.0, True),
        (LEADS, 700.0, False),
        (LEADS, 900.0, False),
        (LATENCY, 1000.0, False),
        (UPTIME, 100.0, True),
        (LANGUAGES, 0.75, True),
        (LANGUAGES, 1.0, False),
        (RESPONSIVE, 0.0, True),
        (RESPONSIVE, 1.0, False),
    ],
)
def test_what_has_reached_its_target_does_not_go_on_by_itself(
    definition: Definition, value: float, left: bool
) -> None:
    other = key_results.define(LEADS, key_result_id=UUID(int=63))
    objective = in_work(definition, other, checked_in(value))
    _, origins = drafted(objective)
    assert list(origins.values()) == ([COVERAGE, UUID(int=63)] if left else [UUID(int=63)])


def test_only_what_is_named_goes_on() -> None:
    other = key_result_added("Bugs found")
    objective = an_objective(DRAFTED, COVERAGE_ADDED, other, ObjectiveActivated())
    draft, origins = drafted(objective, replace(ALL, targets={other.key_result_id: 95.0}))
    assert list(origins.values()) == [other.key_result_id]
    assert draft.key_results[NEW_ID].target == 95.0


def test_a_key_result_that_is_not_there_does_not_go_on() -> None:
    with pytest.raises(KeyResultNotFoundError):
        drafted(an_objective(*ACTIVE), replace(ALL, targets={uuid4(): None}))


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        (in_work(RESPONSIVE, checked_in(1.0)), ALL),
        (an_objective(*ACTIVE), replace(ALL, targets={})),
    ],
)
def test_an_objective_of_which_nothing_is_left_does_not_go_on(
    objective: Objective, wanted: CarryOver
) -> None:
    with pytest.raises(NothingToCarryOverError, match="name at least one"):
        drafted(objective, wanted)


def test_predecessor_and_successor_name_each_other() -> None:
    before = an_objective(*CLOSED)
    event = carry_over(before, ACTIVE_CYCLE, NEXT, ALL, successor_id=SUCCESSOR)
    draft, _ = drafted(before)
    after = an_objective(*objectives.draft(NEXT, draft), objective_id=SUCCESSOR)
    carried = then(before, event).successor
    assert carried is not None
    assert (carried.objective_id, carried.cycle_id) == (after.id, after.cycle_id)
    assert after.predecessor_id == before.id
