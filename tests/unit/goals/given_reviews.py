"""Reviews that were, for tests that read: given these events, when this command, then those."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from services.chassis.eventstore.context import Event
from services.goals.domain import review as reviews
from services.goals.domain.events import Owner
from services.goals.domain.review import Review
from services.goals.domain.review_events import (
    Breach,
    Recovery,
    ReviewActionAdded,
    ReviewActionMoved,
    ReviewClosed,
    ReviewClosingProposed,
    ReviewOpened,
)
from tests.unit.goals.given import COVERAGE, logged

REVIEW_ID = UUID(int=50)
OBJECTIVE_ID = UUID(int=51)
ACTION = UUID(int=52)
DAY = timedelta(days=1)
MONDAY = datetime(2026, 1, 26, tzinfo=UTC)
QUALITY = Owner(kind="team", id="quality")
BOB = Owner(kind="person", id="bob")

BREACH = Breach(
    event_id=UUID(int=60),
    status="red",
    value=61.5,
    threshold=65,
    period_start=MONDAY,
    period_end=MONDAY + DAY,
    since=MONDAY - DAY,
    metrics_position=7,
)
RECOVERY = Recovery(
    event_id=UUID(int=61),
    value=72,
    period_start=MONDAY + 2 * DAY,
    period_end=MONDAY + 3 * DAY,
    since=MONDAY + DAY,
    metrics_position=9,
)
OPENED = ReviewOpened(
    objective_id=OBJECTIVE_ID,
    key_result_id=COVERAGE,
    kpi="quality.coverage",
    owner=QUALITY,
    due_on=None,
    concern="",
    breach=BREACH,
)
BY_HAND = ReviewOpened(
    objective_id=OBJECTIVE_ID,
    key_result_id=None,
    kpi=None,
    owner=QUALITY,
    due_on=date(2026, 2, 6),
    concern="Nobody has written a test for weeks",
    breach=None,
)
ACTION_ADDED = ReviewActionAdded(
    action_id=ACTION, title="Test the order form", owners=(BOB,), due_on=date(2026, 2, 3)
)
ACTION_DONE = ReviewActionMoved(action_id=ACTION, state="done")
PROPOSED = ReviewClosingProposed(recovery=RECOVERY)
CLOSED = ReviewClosed(resolution="The order form has tests now.")


def a_review(*events: Event) -> Review:
    """The review after these events."""
    state: Review | None = None
    for version, event in enumerate(events, 1):
        state = reviews.evolve(state, logged(event, originator_id=REVIEW_ID, version=version))
    assert state is not None
    return state
