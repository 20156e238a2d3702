"""Events of reviews, published by the goals service, version 1.

Somebody asks why a goal or a KPI stands where it stands, and what is done about it. Subject:
`goals.review.<review id>.<event>`.
"""

from datetime import date
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Contract, LogPosition, Moment, PublishedEvent, Text, Title
from contracts.goals import KpiKey, Owner
from contracts.metrics import BreachStatus

ReviewState = Literal["open", "closing_proposed", "closed"]
ActionState = Literal["open", "in_progress", "done", "dropped"]
WrittenText = Annotated[str, Field(min_length=1, max_length=10_000)]


class Breach(Contract):
    """What the KPI's event `event_id` said: a value on the wrong side of a threshold.

    The value is of the period [`period_start`, `period_end`); it has been like that since the
    period that began at `since`. `metrics_position` is the event's place in the metrics log.
    """

    event_id: UUID
    status: BreachStatus
    value: float
    threshold: float
    period_start: Moment
    period_end: Moment
    since: Moment
    metrics_position: LogPosition


class Recovery(Contract):
    """What the KPI's event `event_id` said: a value on the right side of its thresholds again.

    Its fields mean what those of a breach mean.
    """

    event_id: UUID
    value: float
    period_start: Moment
    period_end: Moment
    since: Moment
    metrics_position: LogPosition


class ReviewOpened(PublishedEvent):
    """A review began: by hand, with a `concern`, or because a KPI breached, with the `breach`.

    It is about an objective, about a key result of it, or about a KPI alone. `kpi` is also the one
    that the key result followed then. Without an `owner` nobody answers for it yet.
    """

    TYPE: ClassVar[str] = "cairn.goals.review.opened.v1"

    review_id: UUID
    objective_id: UUID | None = None
    key_result_id: UUID | None = None
    kpi: KpiKey | None = None
    owner: Owner | None = None
    due_on: date | None = None
    concern: Text = ""
    breach: Breach | None = None


class ReviewAssigned(PublishedEvent):
    """From now on this owner answers for the review, which is due at the end of that day."""

    TYPE: ClassVar[str] = "cairn.goals.review.assigned.v1"

    review_id: UUID
    owner: Owner
    due_on: date | None = None


class ReviewCauseFound(PublishedEvent):
    """Somebody said what the cause is; it replaces what was said before."""

    TYPE: ClassVar[str] = "cairn.goals.review.cause_found.v1"

    review_id: UUID
    cause: WrittenText


class ReviewActionAdded(PublishedEvent):
    """Something is to be done about it, by any of the action's owners."""

    TYPE: ClassVar[str] = "cairn.goals.review.action_added.v1"

    review_id: UUID
    action_id: UUID
    title: Title
    owners: tuple[Owner, ...]
    due_on: date | None = None


class ReviewActionRevised(PublishedEvent):
    """These are the action's title, owners and due date from now on."""

    TYPE: ClassVar[str] = "cairn.goals.review.action_revised.v1"

    review_id: UUID
    action_id: UUID
    title: Title
    owners: tuple[Owner, ...]
    due_on: date | None = None


class ReviewActionMoved(PublishedEvent):
    """The action is in another state (`context.reason` may say why)."""

    TYPE: ClassVar[str] = "cairn.goals.review.action_moved.v1"

    review_id: UUID
    action_id: UUID
    state: ActionState


class ReviewClosingProposed(PublishedEvent):
    """The KPI whose breach opened the review recovered: somebody may close it."""

    TYPE: ClassVar[str] = "cairn.goals.review.closing_proposed.v1"

    review_id: UUID
    recovery: Recovery


class ReviewClosingWithdrawn(PublishedEvent):
    """The KPI breached again before anybody closed the review, which is open as before."""

    TYPE: ClassVar[str] = "cairn.goals.review.closing_withdrawn.v1"

    review_id: UUID
    breach: Breach


class ReviewClosed(PublishedEvent):
    """The review ended with this resolution; each of its actions was done or dropped."""

    TYPE: ClassVar[str] = "cairn.goals.review.closed.v1"

    review_id: UUID
    resolution: WrittenText


class ReviewReopened(PublishedEvent):
    """The review is open again (`context.reason` says why); a resolution it had is void."""

    TYPE: ClassVar[str] = "cairn.goals.review.reopened.v1"

    review_id: UUID


PUBLISHED: Final[tuple[type[PublishedEvent], ...]] = (
    ReviewOpened,
    ReviewAssigned,
    ReviewCauseFound,
    ReviewActionAdded,
    ReviewActionRevised,
    ReviewActionMoved,
    ReviewClosingProposed,
    ReviewClosingWithdrawn,
    ReviewClosed,
    ReviewReopened,
)
