"""What can be done with an objective in which state, and its way from draft to its end and back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final, get_args
from uuid import UUID, uuid4

import pytest

from contracts.goals import ObjectiveState
from contracts.progress import KeyResultProgress
from services.chassis.eventstore.context import Event
from services.goals.domain import check_in as check_ins
from services.goals.domain import key_results, kpi_link, lifecycle, scoring
from services.goals.domain import objective as objectives
from services.goals.domain.alignment import Parent, align, unalign
from services.goals.domain.carry_over import CarryOver, carry_over
from services.goals.domain.check_in import Standing, StandingCheckIn, Statement
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import (
    AlreadyApprovedError,
    CycleNotActiveError,
    NoKeyResultsError,
    NotApprovedError,
    ObjectiveStateError,
    ReasonRequiredError,
    Step,
)
from services.goals.domain.events import (
    KeyResultLinked,
    ObjectiveAbandoned,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveApproved,
    ObjectivePostponed,
    ObjectiveProposed,
    ObjectiveReopened,
    ObjectiveReturned,
    Owner,
)
from services.goals.domain.key_result import Link
from services.goals.domain.kpi_link import Kpi
from services.goals.domain.objective import Alignment, Objective, Retrospective, Wording
from services.goals.domain.scoring import Override
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED_CYCLE,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    IN_STATE,
    LEADS,
    NOW,
    PLANNED,
    PLANNED_CYCLE,
    SCORING_CYCLE,
    a_cycle,
    an_objective,
    then,
)
from tests.unit.goals.model import STATES_OF

WHY = "We know better now."
STATES: Final[tuple[ObjectiveState, ...]] = get_args(ObjectiveState)

FOLLOWING, ABOVE = UUID(int=21), an_objective(*ACTIVE)
NEXT_CYCLE = a_cycle(
    replace(PLANNED, starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30)),
)
BESIDE = an_objective(*ACTIVE)


def below(parent: Objective) -> Alignment:
    return Alignment(
        parent_objective_id=parent.id, parent_key_result_id=None, kind="supports", weight=1
    )


def prepared(state: ObjectiveState) -> Objective:
    """An objective in that state with all that any of the steps needs."""
    events = (
        *IN_STATE[state],
        replace(COVERAGE_ADDED, key_result_id=FOLLOWING),
        KeyResultLinked(key_result_id=FOLLOWING, kpi="bugs.found", reading="latest"),
        ObjectiveAligned(
            parent_objective_id=ABOVE.id, parent_key_result_id=None, kind="supports", weight=1
        ),
    )
    return an_objective(*events)


def said(key_result_id: UUID = COVERAGE) -> Statement:
    return Statement(
        key_result_id=key_result_id, check_in_id=uuid4(), standing=Standing(value=80.0)
    )


ORIGINAL = StandingCheckIn(
    key_result_id=COVERAGE,
    effective_at=NOW,
    value=70.0,
    confidence=None,
    status=None,
    comment="",
    milestones_done=(),
)
HALF = KeyResultProgress(attainment=0.5, progress=0.5, source="manual", position=5)
TAKEN: Final[Mapping[Step, Callable[[Objective], object]]] = {
    "revise": lambda it: objectives.revise(
        it, Wording(title="Other words", description="", ambition="committed")
    ),
    "reassign": lambda it: objectives.reassign(it, Owner(kind="person", id="bob")),
    "delegate": lambda it: objectives.delegate(it, [Owner(kind="person", id="bob")]),
    "add_key_result": lambda it: key_results.add(it, LEADS, key_result_id=uuid4()),
    "revise_key_result": lambda it: key_results.revise(it, COVERAGE, LEADS),
    "retarget_key_result": lambda it: key_results.retarget(it, COVERAGE, LEADS, reason=WHY),
    "remove_key_result": lambda it: key_results.remove(it, COVERAGE, aligned=(), reason=WHY),
    "align": lambda it: align(
        it,
        ACTIVE_CYCLE,
        below(BESIDE),
        parent=Parent(objective=BESIDE, cycle=ACTIVE_CYCLE, ancestors=frozenset()),
    ),
    "unalign": lambda it: unalign(it, (ABOVE.id, None)),
    "link": lambda it: kpi_link.link(
        it,
        COVERAGE,
        Link(kpi="quality.coverage", reading="latest"),
        kpi=Kpi(key="quality.coverage"),
    ),
    "unlink": lambda it: kpi_link.unlink(it, FOLLOWING),
    "propose": lifecycle.propose,
    "approve": lambda it: lifecycle.approve(it, ACTIVE_CYCLE),
    "return": lambda it: lifecycle.return_to_draft(it, reason=WHY),
    "activate": lambda it: lifecycle.activate(then(it, ObjectiveApproved()), ACTIVE_CYCLE),
    "check_in": lambda it: check_ins.check_in(
        it, ACTIVE_CYCLE, said(), effective_at=NOW, now=NOW, reason=None
    ),
    "correct_check_in": lambda it: check_ins.correct(it, said(), original=ORIGINAL, reason=WHY),
    "close": lambda it: scoring.close(it, progress={COVERAGE: HALF, FOLLOWING: HALF}),
    "rescore": lambda it: scoring.rescore(
        it,
        progress={COVERAGE: HALF, FOLLOWING: HALF},
        overrides=[Override(key_result_id=COVERAGE, score=1.0, reason=WHY)],
        reason=WHY,
    ),
    "write_retrospective": lambda it: scoring.write_retrospective(
        it, Retrospective(worked="Pairs.", did_not_work="", carry_on="")
    ),
    "postpone": lambda it: lifecycle.postpone(it, reason=WHY),
    "abandon": lambda it: lifecycle.abandon(it, reason=WHY),
    "reopen": lambda it: lifecycle.reopen(it, ACTIVE_CYCLE, reason=WHY),
    "carry_over": lambda it: carry_over(
        it, ACTIVE_CYCLE, NEXT_CYCLE, CarryOver(cycle_id=uuid4()), successor_id=uuid4()
    ),
}
"""Each step, taken in the right way."""

STEPS: Final[tuple[Step, ...]] = get_args(Step)
ALLOWED = [(state, step) for step in STEPS for state in STATES_OF[step].split()]
REFUSED = [(state, step) for step in STEPS for state in STATES if (state, step) not in ALLOWED]


@pytest.mark.parametrize(("state", "step"), ALLOWED)
def test_a_step_that_the_state_allows_is_taken(state: ObjectiveState, step: Step) -> None:
    objective = prepared(state)
    assert objective.state == state
    assert TAKEN[step](objective)


@pytest.mark.parametrize(("state", "step"), REFUSED)
def test_any_other_step_is_refused_and_those_that_are_possible_are_named(
    state: ObjectiveState, step: Step
) -> None:
    with pytest.raises(ObjectiveStateError) as refusal:
        TAKEN[step](prepared(state))
    allowed = refusal.value.extensions["allowed"]
    assert isinstance(allowed, list)
    assert sorted(allowed) == sorted(each for each in STEPS if (state, each) in ALLOWED)
    assert (refusal.value.extensions["state"], refusal.value.extensions["step"]) == (state, step)
    assert str(refusal.value).startswith(f"The objective is {state}, so one cannot ")
    assert all(each.replace("_", " ") in str(refusal.value) for each in allowed)


def test_an_objective_is_proposed_once_it_has_a_key_result() -> None:
    assert lifecycle.propose(an_objective(DRAFTED, COVERAGE_ADDED)) == ObjectiveProposed()
    with pytest.raises(NoKeyResultsError, match="at least one"):
        lifecycle.propose(an_objective(DRAFTED))


PROPOSED = IN_STATE["proposed"]


def test_what_is_approved_in_an_active_cycle_is_worked_on_at_once() -> None:
    events = lifecycle.approve(an_objective(*PROPOSED), ACTIVE_CYCLE)
    assert events == [ObjectiveApproved(), ObjectiveActivated()]
    assert an_objective(*PROPOSED, *events).state == "active"


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, SCORING_CYCLE])
def test_what_is_approved_in_any_other_cycle_waits(cycle: Cycle) -> None:
    events = lifecycle.approve(an_objective(*PROPOSED), cycle)
    assert events == [ObjectiveApproved()]
    waiting = an_objective(*PROPOSED, *events)
    assert waiting.state == "proposed"
    assert lifecycle.activate(waiting, ACTIVE_CYCLE) == ObjectiveActivated()


def test_nobody_approves_twice() -> None:
    with pytest.raises(AlreadyApprovedError):
        lifecycle.approve(an_objective(*PROPOSED, ObjectiveApproved()), PLANNED_CYCLE)


def test_what_is_proposed_is_not_worked_on_without_approval() -> None:
    with pytest.raises(NotApprovedError, match="waits for approval"):
        lifecycle.activate(an_objective(*PROPOSED), ACTIVE_CYCLE)


@pytest.mark.parametrize(
    "back",
    [
        (ObjectiveReturned(),),
        (ObjectivePostponed(), ObjectiveReopened(state="draft")),
        (ObjectiveAbandoned(), ObjectiveReopened(state="draft")),
    ],
    ids=["returned", "postponed", "abandoned"],
)
def test_an_approval_is_void_once_the_proposal_is_withdrawn(back: tuple[Event, ...]) -> None:
    again = an_objective(*PROPOSED, ObjectiveApproved(), *back, ObjectiveProposed())
    with pytest.raises(NotApprovedError):
        lifecycle.activate(again, ACTIVE_CYCLE)


def test_a_draft_is_activated_without_being_proposed() -> None:
    given = an_objective(DRAFTED, COVERAGE_ADDED)
    assert lifecycle.activate(given, ACTIVE_CYCLE) == ObjectiveActivated()


def test_an_objective_without_key_results_is_not_activated() -> None:
    with pytest.raises(NoKeyResultsError, match="at least one"):
        lifecycle.activate(an_objective(DRAFTED), ACTIVE_CYCLE)


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, SCORING_CYCLE, CLOSED_CYCLE])
def test_an_objective_is_activated_only_in_an_active_cycle(cycle: Cycle) -> None:
    with pytest.raises(CycleNotActiveError, match=f"cycle is {cycle.state}"):
        lifecycle.activate(an_objective(DRAFTED, COVERAGE_ADDED), cycle)


@pytest.mark.parametrize("reason", [None, ""])
@pytest.mark.parametrize(
    ("state", "step", "what"),
    [
        ("proposed", lifecycle.return_to_draft, "Returning a proposed objective"),
        ("active", lifecycle.postpone, "Postponing an objective"),
        ("active", lifecycle.abandon, "Abandoning an objective"),
        (
            "closed",
            lambda it, *, reason: lifecycle.reopen(it, ACTIVE_CYCLE, reason=reason),
            "Reopening an objective",
        ),
    ],
    ids=["return", "postpone", "abandon", "reopen"],
)
def test_nobody_steps_back_without_saying_why(
    state: ObjectiveState, step: Callable[..., object], what: str, reason: str | None
) -> None:
    with pytest.raises(ReasonRequiredError, match=f"{what} needs a reason"):
        step(an_objective(*IN_STATE[state]), reason=reason)


@pytest.mark.parametrize(
    ("state", "when", "event"),
    [
        ("proposed", lifecycle.return_to_draft, ObjectiveReturned()),
        ("draft", lifecycle.postpone, ObjectivePostponed()),
        ("postponed", lifecycle.abandon, ObjectiveAbandoned()),
    ],
)
def test_a_step_back_is_taken_with_a_reason(
    state: ObjectiveState, when: Callable[..., Event], event: Event
) -> None:
    assert when(an_objective(*IN_STATE[state]), reason=WHY) == event


@pytest.mark.parametrize("cycle", [ACTIVE_CYCLE, SCORING_CYCLE])
@pytest.mark.parametrize("state", ["postponed", "abandoned", "closed"])
def test_what_was_worked_on_is_worked_on_again(state: ObjectiveState, cycle: Cycle) -> None:
    event = lifecycle.reopen(an_objective(*IN_STATE[state]), cycle, reason=WHY)
    assert event == ObjectiveReopened(state="active")


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, CLOSED_CYCLE])
def test_nothing_is_worked_on_again_in_a_cycle_without_work(cycle: Cycle) -> None:
    with pytest.raises(CycleNotActiveError):
        lifecycle.reopen(an_objective(*IN_STATE["closed"]), cycle, reason=WHY)


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, ACTIVE_CYCLE, SCORING_CYCLE, CLOSED_CYCLE])
@pytest.mark.parametrize("ended", [ObjectivePostponed(), ObjectiveAbandoned()])
def test_what_was_never_worked_on_is_a_draft_again_whatever_the_cycle(
    ended: Event, cycle: Cycle
) -> None:
    given = an_objective(*IN_STATE["draft"], ended)
    assert lifecycle.reopen(given, cycle, reason=WHY) == ObjectiveReopened(state="draft")
