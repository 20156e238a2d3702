"""NATS JetStream: the connection, the streams, and publishing in order.

Several messages are published as one of JetStream's atomic batches (nats-server 2.12 or newer),
stored whole or not at all; one message is published plainly. Either is on disk once acknowledged,
and stored only if the stream's last sequence is the expected one.
That last condition is what keeps two leaders apart.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import uuid4

import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from contracts.subjects import STREAM_SUBJECTS
from services.chassis.leadership import BackOff
from services.chassis.settings import ServiceSettings

REQUEST_TIMEOUT_SECONDS: Final = 5.0
CONNECT_TIMEOUT_SECONDS: Final = 2.0
RECONNECT_WAIT_SECONDS: Final = 0.2
PING_INTERVAL_SECONDS: Final = 5
MAX_BATCH_MESSAGES: Final = 500  # JetStream takes 1,000 in an atomic batch
MAX_FOREIGN_MESSAGES: Final = 100
MAX_MESSAGE_BYTES: Final = 1024 * 1024

log = structlog.get_logger()


class BusUnavailableError(Exception):
    """NATS cannot be reached or did not answer in time."""


class PublishRefusedError(Exception):
    """JetStream did not store a batch: another publisher was faster, or the stream is not there."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: a subject, headers and a body."""

    subject: str
    headers: dict[str, str]
    data: bytes


class Bus:
    """One connection to NATS that never gives up reconnecting."""

    def __init__(self, client: Client, inbox_prefix: str) -> None:
        self.client = client
        self.inbox_prefix = inbox_prefix
        self.jetstream: JetStreamContext = client.jetstream(timeout=REQUEST_TIMEOUT_SECONDS)

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: ServiceSettings) -> AsyncIterator[Self]:
        """A connection, as soon as NATS is there; services start in any order."""
        back_off = BackOff()
        while True:
            try:
                bus = await cls.connect(settings)
            except BusUnavailableError:
                log.warning("waiting_for_bus")
                await back_off.wait()
            else:
                break
        try:
            yield bus
        finally:
            await bus.close()

    @classmethod
    async def connect(cls, settings: ServiceSettings) -> Self:
        """Connect, or raise BusUnavailableError when NATS is not there now."""
        prefix = f"_INBOX_{settings.service}"
        password = settings.nats_password
        try:
            # The client would try for ever at its first connection too, and never say so.
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                client = await nats.connect(
                    settings.nats_url.get_secret_value(),
                    user=settings.nats_user,
                    password=password.get_secret_value() if password else None,
                    name=f"cairn-{settings.service}",
                    inbox_prefix=prefix.encode(),
                    connect_timeout=int(CONNECT_TIMEOUT_SECONDS),
                    reconnect_time_wait=RECONNECT_WAIT_SECONDS,
                    max_reconnect_attempts=-1,
                    ping_interval=PING_INTERVAL_SECONDS,
                    max_outstanding_pings=2,
                    error_cb=_log_error,
                    disconnected_cb=_log_disconnected,
                    reconnected_cb=_log_reconnected,
                )
        except (OSError, TimeoutError, NatsError) as error:
            raise BusUnavailableError("NATS is not reachable") from error
        return cls(client, prefix)

    async def close(self) -> None:
        """Leave; what was not acknowledged comes again."""
        await self.client.close()

    async def check(self) -> None:
        """Readiness: the connection stands."""
        if not self.client.is_connected:
            raise BusUnavailableError("NATS is not connected")

    async def ensure_stream(
        self, name: str, retention: RetentionPolicy = RetentionPolicy.LIMITS
    ) -> None:
        """Create the stream, or bring the one that is there to our settings."""
        config = StreamConfig(
            name=name,
            subjects=list(STREAM_SUBJECTS[name]),
            storage=StorageType.FILE,
            retention=retention,
            allow_direct=True,
            allow_atomic=True,
            max_msg_size=MAX_MESSAGE_BYTES,
        )
        try:
            info = await self.jetstream.stream_info(name)
        except NotFoundError:
            await self.jetstream.add_stream(config)
            return
        if not (info.config.allow_atomic and info.config.subjects == config.subjects):
            await self.jetstream.update_stream(config)

    async def last_message(
        self, stream: str, *, with_header: str
    ) -> tuple[int, dict[str, str] | None]:
        """The stream's last sequence, and the headers of its last message that has that header.

        The headers are None when the stream holds none. Messages without the header were put
        there by hand; no more than a few are looked behind.
        """
        state = (await self.jetstream.stream_info(stream)).state
        first = max(state.first_seq, state.last_seq - MAX_FOREIGN_MESSAGES, 1)
        for sequence in range(state.last_seq, first - 1, -1):
            headers = await self.headers_at(stream, sequence)
            if headers is not None and with_header in headers:
                return state.last_seq, headers
        if state.last_seq - first >= MAX_FOREIGN_MESSAGES:
            raise PublishRefusedError(f"the stream {stream} ends in messages that are not ours")
        return state.last_seq, None

    async def span(self, stream: str) -> tuple[int, int]:
        """The sequences of a stream's first and last message; of an empty one, its next and last.

        Raises NotFoundError.
        """
        state = (await self.jetstream.stream_info(stream)).state
        return state.first_seq if state.messages else state.last_seq + 1, state.last_seq

    async def first_headers(self, stream: str, *, with_header: str) -> dict[str, str] | None:
        """The headers of the stream's first message that has that header, or None: see above."""
        first, last = await self.span(stream)
        for sequence in range(first, min(last, first + MAX_FOREIGN_MESSAGES) + 1):
            headers = await self.headers_at(stream, sequence)
            if headers is not None and with_header in headers:
                return headers
        return None

    async def empty(self, stream: str) -> None:
        """Remove all messages of a stream. Its next sequence stays what it is."""
        await self.jetstream.purge_stream(stream)

    async def headers_at(self, stream: str, sequence: int) -> dict[str, str] | None:
        """The headers of one stored message, or None when it is not there."""
        if sequence == 0:
            return None
        try:
            message = await self.jetstream.get_msg(stream, sequence, direct=True)
        except NotFoundError:
            return None
        return dict(message.headers or {})

    async def publish_in_order(
        self, stream: str, messages: Sequence[Message], *, last_sequence: int
    ) -> int:
        """Store all messages in this order directly after `last_sequence`, or none of them.

        Returns the new last sequence. Raises PublishRefusedError, also when the answer was lost:
        then only the stream knows what it holds, so look at `last_message` before going on.
        """
        assert 0 < len(messages) <= MAX_BATCH_MESSAGES
        batch = uuid4().hex
        try:
            for place, message in enumerate(messages, start=1):
                headers = dict(message.headers)
                headers["Nats-Expected-Stream"] = stream
                if place == 1:
                    headers["Nats-Expected-Last-Sequence"] = str(last_sequence)
                if len(messages) > 1:
                    headers["Nats-Batch-Id"] = batch
                    headers["Nats-Batch-Sequence"] = str(place)
                if place < len(messages):
                    await self.client.publish(message.subject, message.data, headers=headers)
                    continue
                if len(messages) > 1:
                    headers["Nats-Batch-Commit"] = "1"
                reply = await self.client.request(
                    message.subject, message.data, REQUEST_TIMEOUT_SECONDS, headers=headers
                )
        except (NatsError, OSError) as error:
            raise PublishRefusedError(type(error).__name__) from error
        acknowledged: dict[str, Any] = json.loads(reply.data)
        if "error" in acknowledged:
            raise PublishRefusedError(acknowledged["error"].get("description", "refused"))
        sequence: int = acknowledged["seq"]
        return sequence


async def _log_error(error: Exception) -> None:
    log.warning("bus_error", error=type(error).__name__)


async def _log_disconnected() -> None:
    log.warning("bus_disconnected")


async def _log_reconnected() -> None:
    log.info("bus_reconnected")
