"""The relay: what is in the log comes to the bus, in order, nothing skipped, nothing invented.

The log's table is the outbox. How far the relay got is not stored anywhere: the stream's last
message says it. An empty or wiped stream is filled again from the first event.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from contracts.cloudevents import CloudEvent, event_id
from contracts.events import Actor, EventContext, PublishedEvent
from services.chassis.bus import MAX_BATCH_MESSAGES, Bus, Message
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import LogBehindError
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.recorder import log_channel
from services.chassis.listening import heard, listening
from services.chassis.settings import ServiceSettings
from services.chassis.telemetry import Trace

# The log says when it grows; should that word be lost, this is how late the relay notices. As
# often it looks whether the stream is still there, and whole.
LOOK_AGAIN_SECONDS: Final = 1.0
# A trickle is published event by event and at once: an atomic batch has a file store of its own,
# whose flushes to disk take as long as those of five to ten single messages. With the higher of
# these, a few hundred events a second find back to being a trickle after a busy moment.
MAX_TRICKLE_EVENTS: Final = 10
# A flood is waited for, so that much of it travels together: that costs fewer flushes here, and
# fewer transactions of those who follow.
FIRST_GATHER_SECONDS: Final = 0.01
GATHER_SECONDS_PER_EVENT: Final = 0.001
MAX_GATHER_SECONDS: Final = 0.1
POSITION: Final = "ce-position"
PREVIOUS_POSITION: Final = "ce-previousposition"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Publication:
    """How one stored event is published: its subject on the bus, and its public shape."""

    subject: str
    event: PublishedEvent


Publish = Callable[[LoggedEvent], Publication]


def published_context(logged: LoggedEvent) -> EventContext:
    """Who, why and when of a stored event, as it is published."""
    context = logged.context
    assert logged.recorded_at is not None
    return EventContext(
        actor=Actor(id=context.actor.id, kind=context.actor.kind),
        reason=context.reason,
        effective_at=context.effective_at,
        recorded_at=logged.recorded_at,
        command_id=context.command_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        after_closing=context.after_closing,
    )


class StreamChangedError(Exception):
    """The stream is not as this relay left it: it was wiped, or somebody else published."""


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of the stream: its last sequence, and the position of the last event in it.

    `first_sequence` is where the stream begins: once something is removed there, it is not whole.
    """

    sequence: int
    position: int
    first_sequence: int


class Gathering:
    """How long to let events gather: not at all in a trickle, and the longer the more there are.

    It takes a while of flood to get there. What comes after one large command is not held up.
    """

    def __init__(self) -> None:
        self._seconds = FIRST_GATHER_SECONDS

    def after(self, published: int) -> float:
        """How many seconds to wait, now that so many events were found and published."""
        if published <= MAX_TRICKLE_EVENTS:
            self._seconds = FIRST_GATHER_SECONDS
            return 0.0
        if published >= MAX_BATCH_MESSAGES:
            return 0.0  # more is there already
        seconds = self._seconds
        wanted = min(published * GATHER_SECONDS_PER_EVENT, MAX_GATHER_SECONDS)
        self._seconds = min(2 * seconds, wanted)
        return seconds


class Relay:
    """Publishes one service's log to one stream. Run it as a leader's work.

    A paused former leader cannot publish out of order: each publication is stored only directly
    after the sequence at which its publisher believes the stream to end.
    """

    def __init__(
        self,
        log_: EventLog,
        bus: Bus,
        *,
        settings: ServiceSettings,
        stream: str,
        publish: Publish,
    ) -> None:
        self._log = log_
        self._bus = bus
        self._settings = settings
        self._stream = stream
        self._publish = publish

    async def run(self) -> None:
        """Relay until cancelled. Raises on any failure; running again finds its place anew."""
        await self._bus.ensure_stream(self._stream)
        tip = await self._find_tip()
        log.info("relaying", stream=self._stream, after=tip.position)
        look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        gathering = Gathering()
        channel = log_channel(self._settings.db_schema)
        async with listening(self._settings, channel) as connection:
            while True:
                if time.monotonic() >= look_at:
                    await self._look(tip)
                    look_at = time.monotonic() + LOOK_AGAIN_SECONDS
                events = await self._log.after(tip.position, MAX_BATCH_MESSAGES)
                if not events:
                    await heard(connection, within_seconds=LOOK_AGAIN_SECONDS)
                for batch in _batches(events):
                    tip = await self._publish_after(tip, batch)
                await asyncio.sleep(gathering.after(len(events)))

    async def _find_tip(self) -> Tip:
        """Where the stream ends, proved to be a place in this log.

        A stream that does not begin with the log's first event is emptied, to be filled anew.
        """
        last_sequence, headers = await self._bus.last_message(self._stream, with_header=POSITION)
        position = 0
        if headers is not None:
            position = int(headers[POSITION])
            published = await self._log.at(position)
            if published is None or headers.get("ce-id") != str(_id(published)):
                raise LogBehindError(position, await self._log.head())
            if not await self._is_whole():
                log.warning("stream_incomplete", stream=self._stream)
                await self._bus.empty(self._stream)
                position = 0
        first_sequence, _ = await self._bus.span(self._stream)
        return Tip(last_sequence, position, first_sequence)

    async def _is_whole(self) -> bool:
        first = await self._bus.first_headers(self._stream, with_header=PREVIOUS_POSITION)
        return first is not None and first[PREVIOUS_POSITION] == "0"

    async def _look(self, tip: Tip) -> None:
        """Raise StreamChangedError unless the stream is as it was left, NotFoundError if gone."""
        found = await self._bus.span(self._stream)
        if found != (tip.first_sequence, tip.sequence):
            raise StreamChangedError(f"{self._stream} spans {found}, not as {tip}")

    async def _publish_after(self, tip: Tip, events: Sequence[LoggedEvent]) -> Tip:
        messages: list[Message] = []
        previous = tip.position
        for event in events:
            messages.append(self._message(event, previous))
            assert event.position is not None
            previous = event.position
        sequence = await self._bus.publish_in_order(
            self._stream, messages, last_sequence=tip.sequence
        )
        return Tip(sequence, previous, tip.first_sequence)

    def _message(self, event: LoggedEvent, previous_position: int) -> Message:
        published = self._publish(event)
        assert event.position is not None
        assert event.recorded_at is not None
        cloud_event = CloudEvent(
            id=_id(event),
            type=published.event.TYPE,
            source=f"/cairn/{self._settings.service}",
            subject=str(event.originator_id),
            time=event.recorded_at,
            position=event.position,
            previous_position=previous_position,
            aggregate_version=event.originator_version,
            data=published.event.model_dump_json().encode(),
            traceparent=_traceparent(event.context.correlation_id, event.context.command_id),
        )
        return Message(published.subject, cloud_event.headers(), cloud_event.data)


def _batches(events: Sequence[LoggedEvent]) -> Sequence[Sequence[LoggedEvent]]:
    """What is published together: each event on its own, unless there are many."""
    return [events] if len(events) > MAX_TRICKLE_EVENTS else [[event] for event in events]


def _id(event: LoggedEvent) -> UUID:
    return event_id(event.originator_id, event.originator_version)


def _traceparent(correlation_id: str, command_id: UUID) -> str | None:
    """Let the event continue the trace of the command that led to it."""
    trace = Trace.parse(f"00-{correlation_id}-{command_id.hex[:16]}-01")
    return trace.traceparent if trace else None
