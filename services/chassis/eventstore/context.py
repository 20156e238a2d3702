"""Who, why and when: what surrounds every stored event, and the stored event itself."""

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

ActorKind = Literal["human", "service", "automation"]


class Event(Protocol):
    """A fact of the domain: a frozen dataclass with a topic that never changes.

    `TOPIC` names it in the log for ever, `VERSION` counts the shapes it has had. Bump `VERSION`
    with every change of shape and give the mapper an upcaster from the one before.
    """

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: an opaque id and what kind of actor it is."""

    id: str
    kind: ActorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who did it, why, when it was true, and which command and cause it came from.

    `after_closing` marks a correction: what it changes was closed for changes already.
    """

    actor: Actor
    effective_at: datetime
    command_id: UUID
    correlation_id: str
    causation_id: str | None = None
    reason: str | None = None
    after_closing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event with its place in its aggregate and, once stored, in the log.

    `position` and `recorded_at` are None until the append transaction has assigned them;
    `recorded_at` never decreases as `position` grows.
    """

    originator_id: UUID
    originator_version: int
    event: Event
    context: Context
    position: int | None = None
    recorded_at: datetime | None = None


def fields_of(event: Event) -> dict[str, Any]:
    """What the event holds, by name. Unlike `dataclasses.asdict` it copies nothing."""
    return {name: getattr(event, name) for name in _field_names(type(event))}


@cache
def _field_names(event_class: type[Event]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(event_class))
