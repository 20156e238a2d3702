"""Following a stream: every event once and in order, whatever is redelivered, lost or refilled.

The reader's own checkpoint is the truth, not the consumer's acknowledgements: it is committed
with what the events led to. Each event names the position of the one before it, so a gap shows
itself although positions have holes.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Self
from uuid import uuid4

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from contracts.cloudevents import CloudEvent, MalformedEventError
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.leadership import BackOff
from services.chassis.telemetry import Trace, span

PULL_SECONDS: Final = 5.0
ACK_WAIT_SECONDS: Final = 30
LOOK_FOR_STREAM_SECONDS: Final = 0.5
BATCHES_IN_FLIGHT: Final = 4

log = structlog.get_logger()

Apply = Callable[[Sequence[CloudEvent]], Awaitable[None]]
LoadPosition = Callable[[], Awaitable[int]]


class GapError(Exception):
    """An event is missing between what was applied and what arrived."""


class RewrittenLogError(Exception):
    """The stream tells another history than the one that was applied."""


class Pull:
    """A durable consumer with a standing request, so that a message arrives as it is stored."""

    def __init__(self, bus: Bus, subscription: Subscription, next_subject: str, size: int) -> None:
        self._bus = bus
        self._subscription = subscription
        self._next_subject = next_subject
        self._size = size
        self._asked = 0

    @classmethod
    async def bind(cls, bus: Bus, stream: str, config: ConsumerConfig, *, size: int) -> Self:
        """Create the durable consumer, or bring it to `config`; `size` bounds one batch."""
        assert config.durable_name is not None
        await bus.jetstream.add_consumer(stream, config)
        subscription = await bus.client.subscribe(f"{bus.inbox_prefix}.{uuid4().hex}")
        next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{config.durable_name}"
        return cls(bus, subscription, next_subject, size)

    async def close(self) -> None:
        """Stop receiving; the durable consumer stays."""
        with suppress(NatsError):
            await self._subscription.unsubscribe()

    async def batches(self) -> AsyncIterator[list[Msg]]:
        """What has arrived, as soon as something has: 1 to `size` messages at a time.

        An empty list means that nothing came for a while. Raises BusUnavailableError when the
        consumer is gone.
        """
        while True:
            yield await self._batch()

    async def _batch(self) -> list[Msg]:
        if self._asked <= self._size // 2:
            await self._ask()
        messages: list[Msg] = []
        try:
            self._take(await self._subscription.next_msg(timeout=PULL_SECONDS + 1), messages)
        except NatsTimeoutError:
            self._asked = 0
            return messages
        while len(messages) < self._size and self._subscription.pending_msgs > 0:
            self._take(await self._subscription.next_msg(timeout=1), messages)
        return messages

    async def _ask(self) -> None:
        request = {"batch": self._size, "expires": int(PULL_SECONDS * 1e9)}
        self._asked += self._size
        await self._bus.client.publish(
            self._next_subject, json.dumps(request).encode(), self._subscription.subject
        )

    def _take(self, message: Msg, messages: list[Msg]) -> None:
        status = (message.headers or {}).get("Status")
        if status is None:
            self._asked -= 1
            messages.append(message)
        elif status in {"404", "408"}:
            self._asked = 0  # the request has run out: ask anew
        elif status != "100":
            raise BusUnavailableError(f"the consumer answered {status}")


async def follow(
    bus: Bus,
    *,
    stream: str,
    durable: str,
    load_position: LoadPosition,
    apply: Apply,
    batch_size: int = 500,
) -> None:
    """Deliver the stream's events to `apply`, for ever, until cancelled.

    `apply` gets them in order, contiguous after `load_position()`, and commits its checkpoint
    with what it does. When it raises, or an event is missing, the position is read again and
    delivery begins anew after a bounded wait. One process at a time follows under one durable
    name: call this as a leader's work.
    """
    back_off = BackOff()
    missing = False
    while True:
        try:
            position = await load_position()
            pull = await _begin_after(bus, stream, durable, position, batch_size)
            missing = False
            try:
                async for messages in pull.batches():
                    position = await _deliver(messages, position, apply)
                    back_off.reset()
            finally:
                await pull.close()
        except NotFoundError:
            # Nothing failed: its service makes the stream, at its start or after it was wiped.
            if not missing:
                log.info("stream_not_there_yet", stream=stream)
            missing = True
            await asyncio.sleep(LOOK_FOR_STREAM_SECONDS)
            continue
        except (NatsError, BusUnavailableError, GapError) as error:
            log.warning("following_interrupted", stream=stream, error=repr(error))
        except RewrittenLogError:
            log.exception("following_stopped", stream=stream)
            raise
        except Exception:
            log.exception("applying_failed", stream=stream, durable=durable)
        await back_off.wait()


async def _deliver(messages: Sequence[Msg], position: int, apply: Apply) -> int:
    """Apply what is new of a batch and acknowledge it all; the position reached."""
    if not messages:
        return position
    events = contiguous(messages, position)
    if events:
        # A batch is applied as one piece, so its span continues the trace of its first event.
        with span("apply events", "consumer", _trace(events[0])):
            await apply(events)
        position = events[-1].position
    await messages[-1].ack()
    return position


def _trace(event: CloudEvent) -> Trace | None:
    return Trace.parse(event.traceparent) if event.traceparent is not None else None


def contiguous(messages: Sequence[Msg], position: int) -> list[CloudEvent]:
    """The new events of a batch, proved to follow `position` without a gap.

    Raises GapError when one is missing, RewrittenLogError when the chain contradicts what was
    applied. What is not an event of ours is logged and passed over.
    """
    events: list[CloudEvent] = []
    for message in messages:
        try:
            event = CloudEvent.from_message(message.headers, message.data)
        except MalformedEventError as error:
            log.error("not_an_event", subject=message.subject, error=str(error))  # noqa: TRY400
            continue
        if event.position <= position:
            continue
        if event.previous_position > position:
            raise GapError(f"{event.position} came after {position}")
        if event.previous_position < position:
            raise RewrittenLogError(
                f"event {event.position} follows {event.previous_position}, "
                f"but {position} was applied: the log is not the one it was"
            )
        events.append(event)
        position = event.position
    return events


async def _begin_after(bus: Bus, stream: str, durable: str, position: int, batch_size: int) -> Pull:
    """A consumer that starts behind `position`.

    It is made anew: after a wiped stream, a restored database or a rebuilt read model the old
    one would start elsewhere, and a consumer's start cannot be changed.
    """
    start = await sequence_after(bus, stream, position)
    with suppress(NotFoundError):
        await bus.jetstream.delete_consumer(stream, durable)
    config = ConsumerConfig(
        durable_name=durable,
        ack_policy=AckPolicy.ALL,
        ack_wait=ACK_WAIT_SECONDS,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=start,
        max_ack_pending=batch_size * BATCHES_IN_FLIGHT,
        # In a file, each acknowledgement would be a flush to disk for what nobody reads again.
        mem_storage=True,
    )
    return await Pull.bind(bus, stream, config, size=batch_size)


async def sequence_after(bus: Bus, stream: str, position: int) -> int:
    """The sequence of the first stored message whose position is greater (binary search)."""
    state = (await bus.jetstream.stream_info(stream)).state
    low, high = max(state.first_seq, 1), state.last_seq + 1
    while low < high:
        middle = (low + high) // 2
        if await _position_at(bus, stream, middle) > position:
            high = middle
        else:
            low = middle + 1
    return low


async def _position_at(bus: Bus, stream: str, sequence: int) -> int:
    headers = await bus.headers_at(stream, sequence)
    try:
        return int((headers or {}).get("ce-position", "0"))
    except ValueError:
        return 0
