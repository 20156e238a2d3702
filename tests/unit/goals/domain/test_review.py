"""Reviews: opened, assigned, acted on, proposed for closing, closed, and open again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.reviews import ActionState
from services.chassis.eventstore.context import Event
from services.goals.domain import review as reviews
from services.goals.domain.authority import Authority
from services.goals.domain.errors import NothingChangesError, ReasonRequiredError
from services.goals.domain.events import KeyResultLinked, ObjectiveAbandoned, Owner
from services.goals.domain.review import MAX_ACTIONS, Action, Review, Subject, breach_review_id
from services.goals.domain.review_errors import (
    ActionNotFoundError,
    ActionsLeftError,
    ActionStateError,
    NotReviewerError,
    ReviewStateError,
    SubjectEndedError,
    TooManyActionsError,
    UnknownSubjectError,
)
from services.goals.domain.review_events import (
    ReviewActionAdded,
    ReviewActionMoved,
    ReviewActionRevised,
    ReviewAssigned,
    ReviewCauseFound,
    ReviewClosed,
    ReviewClosingProposed,
    ReviewClosingWithdrawn,
    ReviewReopened,
)
from tests.unit.goals.given import ACTIVE, COVERAGE, an_objective
from tests.unit.goals.given import CLOSED as CLOSED_OBJECTIVE
from tests.unit.goals.given_reviews import (
    ACTION,
    ACTION_ADDED,
    ACTION_DONE,
    BOB,
    BREACH,
    BY_HAND,
    CLOSED,
    OBJECTIVE_ID,
    OPENED,
    PROPOSED,
    QUALITY,
    RECOVERY,
    a_review,
)

CLOSED_REVIEW = (OPENED, CLOSED)
AGAIN = replace(BREACH, event_id=UUID(int=99), metrics_position=12)
TEST_IT = Action(id=ACTION, title="Test the order form", owners=(BOB,), due_on=None)

STEPS: dict[str, Callable[[Review], Event]] = {
    "assign": lambda review: reviews.assign(review, owner=BOB, due_on=None),
    "find_cause": lambda review: reviews.find_cause(review, cause="Nobody had time."),
    "add_action": lambda review: reviews.add_action(review, TEST_IT),
    "revise_action": lambda review: reviews.revise_action(review, TEST_IT),
    "move_action": lambda review: reviews.move_action(review, ACTION, to="dropped"),
    "close": lambda review: reviews.close(review, resolution="Solved."),
}


def test_a_review_is_opened_by_hand_with_a_concern() -> None:
    event = reviews.open_by_hand(
        Subject(objective_id=OBJECTIVE_ID),
        concern=BY_HAND.concern,
        owner=QUALITY,
        due_on=BY_HAND.due_on,
    )
    assert event == BY_HAND
    review = a_review(event)
    assert (review.state, review.owner, review.breach) == ("open", QUALITY, None)


def test_a_review_is_opened_by_a_breach() -> None:
    subject = Subject(objective_id=OBJECTIVE_ID, key_result_id=COVERAGE, kpi="quality.coverage")
    assert reviews.open_by_breach(subject, BREACH, owner=QUALITY) == OPENED
    assert a_review(OPENED).subject == subject


def test_the_same_breach_opens_the_same_review_of_a_subject() -> None:
    one, other = Subject(kpi="a"), Subject(objective_id=OBJECTIVE_ID, kpi="a")
    assert breach_review_id(BREACH.event_id, one) == breach_review_id(BREACH.event_id, one)
    ids = {
        breach_review_id(event, each)
        for event in (UUID(int=1), UUID(int=2))
        for each in (one, other)
    }
    assert len(ids) == 4


def test_a_key_result_is_reviewed_together_with_the_kpi_that_it_follows() -> None:
    linked = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="period")
    unlinked, followed = an_objective(*ACTIVE), an_objective(*ACTIVE, linked)
    assert reviews.subject_of(unlinked, COVERAGE).kpi is None
    assert reviews.subject_of(followed, COVERAGE).kpi == "quality.coverage"
    assert reviews.subject_of(followed, None) == Subject(objective_id=followed.id)


def test_only_what_is_there_and_goes_on_is_reviewed() -> None:
    with pytest.raises(UnknownSubjectError):
        reviews.subject_of(an_objective(*ACTIVE), uuid4())
    for ended in (CLOSED_OBJECTIVE, (*ACTIVE, ObjectiveAbandoned())):
        with pytest.raises(SubjectEndedError, match="retrospective"):
            reviews.subject_of(an_objective(*ended), COVERAGE)


@pytest.mark.parametrize(
    ("step", "then"),
    [
        ("assign", ReviewAssigned(owner=BOB, due_on=None)),
        ("find_cause", ReviewCauseFound(cause="Nobody had time.")),
        (
            "add_action",
            ReviewActionAdded(action_id=ACTION, title=TEST_IT.title, owners=(BOB,), due_on=None),
        ),
        (
            "revise_action",
            ReviewActionRevised(action_id=ACTION, title=TEST_IT.title, owners=(BOB,), due_on=None),
        ),
        ("move_action", ReviewActionMoved(action_id=ACTION, state="dropped")),
    ],
)
@pytest.mark.parametrize("given", [(OPENED, ACTION_ADDED), (OPENED, ACTION_ADDED, PROPOSED)])
def test_a_review_is_worked_on_until_it_is_closed(
    given: tuple[Event, ...], step: str, then: Event
) -> None:
    assert STEPS[step](a_review(*given)) == then


@pytest.mark.parametrize("step", STEPS)
def test_a_closed_review_is_not_changed(step: str) -> None:
    closed = a_review(OPENED, ACTION_ADDED, ACTION_DONE, CLOSED)
    with pytest.raises(ReviewStateError, match="What can be done now: reopen") as refusal:
        STEPS[step](closed)
    assert refusal.value.extensions == {"state": "closed", "allowed": ["reopen"]}


def test_what_changes_nothing_is_refused() -> None:
    review = a_review(OPENED, ReviewCauseFound(cause="Nobody had time."), ACTION_ADDED)
    for unchanged in (
        lambda: reviews.assign(review, owner=QUALITY, due_on=None),
        lambda: reviews.find_cause(review, cause="Nobody had time."),
        lambda: reviews.revise_action(review, review.action(ACTION)),
    ):
        with pytest.raises(NothingChangesError):
            unchanged()


def test_what_was_said_is_what_stands() -> None:
    revised = ReviewActionRevised(
        action_id=ACTION, title="Test all forms", owners=(BOB, QUALITY), due_on=date(2026, 2, 5)
    )
    other = replace(ACTION_ADDED, action_id=uuid4())
    review = a_review(
        OPENED,
        ReviewAssigned(owner=BOB, due_on=date(2026, 2, 9)),
        ReviewCauseFound(cause="Nobody had time."),
        ReviewCauseFound(cause="Nobody had to."),
        ACTION_ADDED,
        other,
        revised,
        ReviewActionMoved(action_id=ACTION, state="in_progress"),
    )
    assert (review.owner, review.due_on, review.cause) == (BOB, date(2026, 2, 9), "Nobody had to.")
    assert review.actions == (
        Action(
            id=ACTION,
            title="Test all forms",
            owners=(BOB, QUALITY),
            due_on=date(2026, 2, 5),
            state="in_progress",
        ),
        Action(id=other.action_id, title=other.title, owners=other.owners, due_on=other.due_on),
    )
    assert review.position == 108


def test_a_review_has_a_bounded_number_of_actions() -> None:
    actions = [replace(ACTION_ADDED, action_id=uuid4()) for _ in range(MAX_ACTIONS)]
    assert reviews.add_action(a_review(OPENED, *actions[1:]), TEST_IT)
    with pytest.raises(TooManyActionsError, match="50 actions"):
        reviews.add_action(a_review(OPENED, *actions), TEST_IT)


def test_an_action_moves_to_any_other_state() -> None:
    review = a_review(OPENED, ACTION_ADDED, ACTION_DONE)
    states: tuple[ActionState, ...] = ("open", "in_progress", "dropped")
    for state in states:
        assert reviews.move_action(review, ACTION, to=state).state == state
    with pytest.raises(ActionStateError, match="done already"):
        reviews.move_action(review, ACTION, to="done")


@pytest.mark.parametrize("step", ["revise_action", "move_action"])
def test_an_action_that_is_not_there_is_not_changed(step: str) -> None:
    with pytest.raises(ActionNotFoundError, match=str(ACTION)):
        STEPS[step](a_review(OPENED))


@pytest.mark.parametrize("given", [(OPENED,), (OPENED, PROPOSED), (BY_HAND,)])
def test_a_review_is_closed_with_a_resolution(given: tuple[Event, ...]) -> None:
    event = reviews.close(a_review(*given), resolution="Solved.")
    assert event == ReviewClosed(resolution="Solved.")
    closed = a_review(*given, event)
    assert (closed.state, closed.resolution) == ("closed", "Solved.")


def test_a_review_is_not_closed_over_actions_that_nobody_could_move_any_more() -> None:
    dropped = replace(ACTION_ADDED, action_id=uuid4())
    given = (
        OPENED,
        ACTION_ADDED,
        dropped,
        ReviewActionMoved(action_id=dropped.action_id, state="dropped"),
    )
    with pytest.raises(ActionsLeftError, match=r"1 action\(s\)") as refusal:
        reviews.close(a_review(*given), resolution="Solved.")
    assert refusal.value.extensions == {"actions": [ACTION]}
    assert reviews.close(a_review(*given, ACTION_DONE), resolution="Solved.")


@pytest.mark.parametrize("given", [CLOSED_REVIEW, (OPENED, PROPOSED), (OPENED, PROPOSED, CLOSED)])
def test_a_review_is_reopened_with_a_reason(given: tuple[Event, ...]) -> None:
    with pytest.raises(ReasonRequiredError):
        reviews.reopen(a_review(*given), reason=None)
    event = reviews.reopen(a_review(*given), reason="It was the holidays.")
    assert event == ReviewReopened()
    reopened = a_review(*given, event)
    assert (reopened.state, reopened.resolution, reopened.recovery) == ("open", "", None)


def test_an_open_review_is_not_reopened() -> None:
    with pytest.raises(ReviewStateError, match="The review is open"):
        reviews.reopen(a_review(OPENED), reason="It was the holidays.")


def test_a_recovery_proposes_to_close_what_the_breach_opened() -> None:
    event = reviews.propose_closing(a_review(OPENED), RECOVERY)
    assert event == PROPOSED
    proposed = a_review(OPENED, PROPOSED)
    assert (proposed.state, proposed.recovery) == ("closing_proposed", RECOVERY)


@pytest.mark.parametrize(
    "given", [(OPENED, PROPOSED), CLOSED_REVIEW, (BY_HAND,), (OPENED, PROPOSED, ReviewReopened())]
)
def test_a_recovery_says_nothing_new_to_the_others(given: tuple[Event, ...]) -> None:
    assert reviews.propose_closing(a_review(*given), RECOVERY) is None


def test_a_later_breach_withdraws_the_proposal() -> None:
    event = reviews.withdraw_closing(a_review(OPENED, PROPOSED), AGAIN)
    assert event == ReviewClosingWithdrawn(breach=AGAIN)
    review = a_review(OPENED, PROPOSED, event)
    assert (review.state, review.breach, review.recovery) == ("open", AGAIN, None)


@pytest.mark.parametrize("given", [(OPENED,), CLOSED_REVIEW])
def test_a_breach_says_nothing_new_where_no_closing_is_proposed(given: tuple[Event, ...]) -> None:
    assert reviews.withdraw_closing(a_review(*given), AGAIN) is None


def test_what_comes_again_says_nothing_new() -> None:
    assert reviews.withdraw_closing(a_review(OPENED, PROPOSED), BREACH) is None
    withdrawn = a_review(OPENED, PROPOSED, ReviewClosingWithdrawn(breach=AGAIN))
    assert reviews.propose_closing(withdrawn, RECOVERY) is None
    later = replace(RECOVERY, metrics_position=13)
    assert reviews.propose_closing(withdrawn, later) == ReviewClosingProposed(recovery=later)


@pytest.mark.parametrize(
    ("by", "owners"),
    [
        (Authority(id="root", admin=True), ()),
        (Authority(id="bob"), (QUALITY, BOB)),
        (Authority(id="lea", teams=frozenset({"quality"})), (QUALITY, BOB)),
    ],
)
def test_who_answers_may_review(by: Authority, owners: tuple[Owner, ...]) -> None:
    reviews.require_any_of(owners, by)


def test_who_does_not_answer_may_not_and_is_told_who_does() -> None:
    company = Owner(kind="company", id="company")
    with pytest.raises(NotReviewerError) as refusal:
        reviews.require_any_of((QUALITY, company, BOB, QUALITY), Authority(id="eve"))
    assert refusal.value.extensions == {
        "missing": ["team quality", "person bob", "scope goals:admin"]
    }


@pytest.mark.parametrize(
    ("today", "overdue"), [(date(2026, 2, 6), False), (date(2026, 2, 7), True)]
)
def test_a_review_is_overdue_after_its_day(today: date, overdue: bool) -> None:
    assert a_review(BY_HAND).overdue(today) is overdue
    assert not a_review(BY_HAND, CLOSED).overdue(today)
    assert not a_review(OPENED).overdue(today)


def test_an_action_is_overdue_after_its_day_until_it_is_settled() -> None:
    after = date(2026, 2, 4)
    assert a_review(OPENED, ACTION_ADDED).action(ACTION).overdue(after)
    assert not a_review(OPENED, ACTION_ADDED).action(ACTION).overdue(date(2026, 2, 3))
    assert not a_review(OPENED, ACTION_ADDED, ACTION_DONE).action(ACTION).overdue(after)
    no_day: dict[str, Any] = {"due_on": None}
    assert not a_review(OPENED, replace(ACTION_ADDED, **no_day)).action(ACTION).overdue(after)
