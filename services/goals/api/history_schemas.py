"""The shapes of histories and of the log in responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.goals.api.schemas import ActorShape, Shape


class ChangeShape(Shape):
    """One value that an event changed; `path` is a JSON Pointer into the state."""

    path: str
    before: str | float | bool | None
    after: str | float | bool | None


class HistoryEntryShape(Shape):
    """One event: who, what, when, why, and what it changed."""

    version: int
    position: int
    topic: str
    sentence: str
    actor: ActorShape
    reason: str | None
    effective_at: AwareDatetime
    recorded_at: AwareDatetime
    command_id: UUID
    correlation_id: str
    causation_id: str | None
    after_closing: Annotated[bool, Field(description="A correction in a closed cycle.")]
    changes: list[ChangeShape]


class HistoryPage(Shape):
    """The history of an objective, a cycle or a review, oldest first."""

    items: list[HistoryEntryShape]
    next: str | None


class LoggedEventShape(Shape):
    """One event of the log as a CloudEvent in structured form."""

    specversion: Literal["1.0"]
    id: UUID
    type: str
    source: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    position: int
    aggregateversion: int
    data: Annotated[dict[str, object], Field(description="As the type's JSON Schema says.")]


class LogPage(Shape):
    """A piece of the log in order; ask again `after` what `next` says."""

    items: list[LoggedEventShape]
    next: Annotated[int, Field(description="The last position here, or `after` again.")]
