"""Stored bytes to events and back, by topic and version and never by Python path."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)

from services.chassis.eventstore.context import Context, Event, LoggedEvent

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes an event's fields in one version and gives them in the next."""


class UnknownTopicError(MapperDeserialisationError):
    """The log holds an event whose topic this process was not told of."""


class NewerEventError(MapperDeserialisationError):
    """The log holds an event written by newer code: reading it with this code would lose data."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is written: the context beside the event, and the event's own version."""

    version: int
    context: Context
    event: Event | msgspec.Raw


@dataclass(frozen=True, slots=True)
class _Encoded:
    version: int
    context: Context
    event: msgspec.Raw


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Encoded)


@cache
def _event_decoder(event_class: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(event_class)


class EventMapper(Mapper[UUID]):
    """Maps LoggedEvent to the library's StoredEvent: JSON, validated when read.

    `events` are all event classes of the service; `upcasters` maps (topic, version) to the
    function that brings that version's fields to the next one.
    """

    def __init__(
        self,
        events: Iterable[type[Event]],
        upcasters: Mapping[tuple[str, int], Upcaster] | None = None,
    ) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self.upcasters = dict(upcasters or {})
        self.classes: dict[str, type[Event]] = {}
        for event_class in events:
            if event_class.TOPIC in self.classes:
                raise ValueError(f"two events share the topic {event_class.TOPIC}")
            self.classes[event_class.TOPIC] = event_class

    def to_stored_event(self, domain_event: LoggedEvent) -> StoredEvent:  # type: ignore[override]
        """The bytes that go into the log."""
        event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.TOPIC,
            state=_ENCODER.encode(_Stored(event.VERSION, domain_event.context, event)),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> LoggedEvent:
        """The event in the library's record of it: its place in the log is left open."""
        assert isinstance(stored_event.originator_id, UUID)
        context, event = self.decode(stored_event.topic, bytes(stored_event.state))
        return LoggedEvent(
            originator_id=stored_event.originator_id,
            originator_version=stored_event.originator_version,
            event=event,
            context=context,
        )

    def decode(self, topic: str, state: bytes) -> tuple[Context, Event]:
        """The context and the event in stored bytes, brought to the event's current version.

        Raises UnknownTopicError, NewerEventError, and MapperDeserialisationError for bytes that
        do not hold what the topic promises.
        """
        event_class = self.classes.get(topic)
        if event_class is None:
            raise UnknownTopicError(f"no event is registered for the topic {topic}")
        try:
            encoded = _DECODER.decode(state)
            if encoded.version > event_class.VERSION:
                raise NewerEventError(
                    f"{topic} is stored in version {encoded.version}, "
                    f"this process knows {event_class.VERSION}"
                )
            if encoded.version == event_class.VERSION:
                return encoded.context, _event_decoder(event_class).decode(encoded.event)
            return encoded.context, self._upcast(event_class, encoded)
        except msgspec.MsgspecError as error:
            raise MapperDeserialisationError(f"{topic}: {error}") from error

    def _upcast(self, event_class: type[Event], encoded: _Encoded) -> Event:
        fields = msgspec.json.decode(encoded.event)
        for version in range(encoded.version, event_class.VERSION):
            fields = self.upcasters[event_class.TOPIC, version](fields)
        event: Event = msgspec.convert(fields, event_class)
        return event
