"""What can happen to reviews: the facts in the log, by topics that never change.

An event's review, actor, reason and times stand beside it in its `LoggedEvent`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID

from contracts.metrics import BreachStatus
from contracts.reviews import ActionState
from services.chassis.eventstore.context import Event
from services.goals.domain.events import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """What the KPI's event `event_id` said: a value on the wrong side of a threshold.

    The value is of the period [`period_start`, `period_end`); it has been like that since the
    period that began at `since`. `metrics_position` is the event's place in the metrics log.
    """

    event_id: UUID
    status: BreachStatus
    value: float
    threshold: float
    period_start: datetime
    period_end: datetime
    since: datetime
    metrics_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What the KPI's event `event_id` said: a value on the right side of its thresholds again.

    Its fields mean what those of a breach mean.
    """

    event_id: UUID
    value: float
    period_start: datetime
    period_end: datetime
    since: datetime
    metrics_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened:
    """A review began: by hand, with a `concern`, or because a KPI breached, with the `breach`.

    It is about an objective, about a key result of it, or about a KPI alone. `kpi` is also the one
    that the key result followed then. Without an `owner` nobody answers for it yet.
    """

    TOPIC: ClassVar[str] = "goals.review.opened"
    VERSION: ClassVar[int] = 1

    objective_id: UUID | None
    key_result_id: UUID | None
    kpi: str | None
    owner: Owner | None
    due_on: date | None
    concern: str
    breach: Breach | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAssigned:
    """From now on this owner answers for the review, which is due at the end of that day."""

    TOPIC: ClassVar[str] = "goals.review.assigned"
    VERSION: ClassVar[int] = 1

    owner: Owner
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCauseFound:
    """Somebody said what the cause is; it replaces what was said before."""

    TOPIC: ClassVar[str] = "goals.review.cause_found"
    VERSION: ClassVar[int] = 1

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewActionAdded:
    """Something is to be done about it, by any of the action's owners."""

    TOPIC: ClassVar[str] = "goals.review.action_added"
    VERSION: ClassVar[int] = 1

    action_id: UUID
    title: str
    owners: tuple[Owner, ...]
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewActionRevised:
    """These are the action's title, owners and due date from now on."""

    TOPIC: ClassVar[str] = "goals.review.action_revised"
    VERSION: ClassVar[int] = 1

    action_id: UUID
    title: str
    owners: tuple[Owner, ...]
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewActionMoved:
    """The action is in another state."""

    TOPIC: ClassVar[str] = "goals.review.action_moved"
    VERSION: ClassVar[int] = 1

    action_id: UUID
    state: ActionState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosingProposed:
    """The KPI whose breach opened the review recovered: somebody may close it."""

    TOPIC: ClassVar[str] = "goals.review.closing_proposed"
    VERSION: ClassVar[int] = 1

    recovery: Recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosingWithdrawn:
    """The KPI breached again before anybody closed the review, which is open as before."""

    TOPIC: ClassVar[str] = "goals.review.closing_withdrawn"
    VERSION: ClassVar[int] = 1

    breach: Breach


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed:
    """The review ended with this resolution; each of its actions was done or dropped."""

    TOPIC: ClassVar[str] = "goals.review.closed"
    VERSION: ClassVar[int] = 1

    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReopened:
    """The review is open again; a resolution it had is void."""

    TOPIC: ClassVar[str] = "goals.review.reopened"
    VERSION: ClassVar[int] = 1


REVIEW_EVENTS: Final[tuple[type[Event], ...]] = (
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
