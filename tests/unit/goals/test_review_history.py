"""A review's history in words, and what each event changed."""

from dataclasses import replace
from datetime import date

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain.review_events import (
    REVIEW_EVENTS,
    ReviewActionMoved,
    ReviewActionRevised,
    ReviewAssigned,
    ReviewCauseFound,
    ReviewClosingWithdrawn,
    ReviewReopened,
)
from services.goals.history import Change, Entry
from services.goals.review_history import tell
from tests.unit.goals.given import COVERAGE, logged
from tests.unit.goals.given_reviews import (
    ACTION,
    ACTION_ADDED,
    BOB,
    BREACH,
    BY_HAND,
    CLOSED,
    OBJECTIVE_ID,
    OPENED,
    PROPOSED,
    QUALITY,
    REVIEW_ID,
    a_review,
)

BREACHED = (
    "the KPI quality.coverage is red, with 61.5 against 65 "
    "in the period from 2026-01-26T00:00:00+00:00"
)
TOLD: list[tuple[tuple[Event, ...], Event, str]] = [
    (
        (),
        OPENED,
        (
            f"opened a review of the key result {COVERAGE} of {OBJECTIVE_ID} for the team quality: "
            f"{BREACHED}."
        ),
    ),
    (
        (),
        BY_HAND,
        (
            f"opened a review of the objective {OBJECTIVE_ID} for the team quality, due on "
            "2026-02-06: Nobody has written a test for weeks."
        ),
    ),
    (
        (),
        replace(OPENED, objective_id=None, key_result_id=None, owner=None),
        f"opened a review of the KPI quality.coverage: {BREACHED}.",
    ),
    (
        (OPENED,),
        ReviewAssigned(owner=BOB, due_on=date(2026, 2, 6)),
        "assigned it to the person bob, due on 2026-02-06.",
    ),
    ((OPENED,), ReviewCauseFound(cause="Time"), "found the cause: Time."),
    (
        (OPENED, ReviewCauseFound(cause="Time")),
        ReviewCauseFound(cause="Habit"),
        "found another cause: Habit.",
    ),
    (
        (OPENED,),
        ACTION_ADDED,
        "added the action “Test the order form”, to be done by the person bob, due on 2026-02-03.",
    ),
    (
        (OPENED, ACTION_ADDED),
        ReviewActionRevised(
            action_id=ACTION, title="Test all forms", owners=(BOB, QUALITY), due_on=None
        ),
        (
            "revised the action “Test the order form”: “Test all forms”, to be done by the person "
            "bob and the team quality."
        ),
    ),
    (
        (OPENED, ACTION_ADDED),
        ReviewActionMoved(action_id=ACTION, state="in_progress"),
        "moved the action “Test the order form” from open to in progress.",
    ),
    (
        (OPENED,),
        PROPOSED,
        (
            "proposed to close it: the KPI quality.coverage recovered, with 72 in the period from "
            "2026-01-28T00:00:00+00:00."
        ),
    ),
    (
        (OPENED, PROPOSED),
        ReviewClosingWithdrawn(breach=BREACH),
        f"withdrew the proposal to close it: {BREACHED}.",
    ),
    ((OPENED,), CLOSED, "closed it: The order form has tests now."),
    ((OPENED, CLOSED), ReviewReopened(), "reopened it."),
    ((OPENED, PROPOSED), ReviewReopened(), "declined to close it."),
]


def told(given: tuple[Event, ...], event: Event) -> Entry:
    before = a_review(*given) if given else None
    return tell(before, logged(event, originator_id=REVIEW_ID, version=9))[1]


@pytest.mark.parametrize(("given", "event", "sentence"), TOLD)
def test_an_event_is_told_in_a_sentence(
    given: tuple[Event, ...], event: Event, sentence: str
) -> None:
    assert told(given, event).sentence == f"ada {sentence}"


def test_every_event_of_a_review_is_told() -> None:
    assert {type(event) for _, event, _ in TOLD} == set(REVIEW_EVENTS)


def test_an_action_changes_from_before_to_after() -> None:
    entry = told((OPENED, ACTION_ADDED), ReviewActionMoved(action_id=ACTION, state="done"))
    assert entry.changes == [Change(f"/actions/{ACTION}/state", "open", "done")]


def test_a_proposal_changes_the_state_and_says_why() -> None:
    changes = {each.path: (each.before, each.after) for each in told((OPENED,), PROPOSED).changes}
    assert changes["/state"] == ("open", "closing_proposed")
    assert changes["/recovery/value"] == (None, 72.0)
    assert "/heard_position" not in changes
