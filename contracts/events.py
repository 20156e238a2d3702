"""What every published event has in common."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _in_utc(moment: datetime) -> datetime:
    # On the calendar's first and last day a moment can have no form in UTC; then it stays.
    with suppress(OverflowError):
        return moment.astimezone(UTC)
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment, told in whatever zone, published in UTC."""

Text = Annotated[str, Field(max_length=10_000)]
Title = Annotated[str, Field(min_length=1, max_length=300)]
Unit = Annotated[str, Field(max_length=40)]
OpaqueId = Annotated[str, Field(min_length=1, max_length=200)]
LogPosition = Annotated[int, Field(ge=0)]


class Contract(BaseModel):
    """A published shape: immutable, and tolerant of fields that a newer version added.

    NaN and infinities are refused: JSON has no word for them, and they would go out as null.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Actor(Contract):
    """Who acted: an opaque id (never personal data) and what kind of actor it is."""

    id: OpaqueId
    kind: Literal["human", "service", "automation"]


class EventContext(Contract):
    """Who, why and when: carried by every event.

    `after_closing` marks a correction: what it changes was closed for changes already.
    """

    actor: Actor
    reason: Text | None = None
    effective_at: Moment
    recorded_at: Moment
    command_id: UUID
    correlation_id: OpaqueId
    causation_id: OpaqueId | None = None
    after_closing: bool = False


class PublishedEvent(Contract):
    """Base of all published events.

    `TYPE` is the CloudEvents type, `cairn.<service>.<entity>.<past participle>.v<major>`.
    """

    TYPE: ClassVar[str]

    context: EventContext
