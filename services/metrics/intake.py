"""The intake: readings that producers publish on the bus are recorded, and only then acknowledged.

Any number of processes share the durable consumer. A message that is delivered twice is recorded
once, because readings have an identity. What cannot be taken of a message is kept in the same
transaction, and published by `rejections`; then the message is acknowledged, so that nothing a
producer sends can stop the stream. While the database is away nothing is acknowledged.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy
from nats.js.errors import NotFoundError

from contracts.subjects import INTAKE_STREAM, intake_source
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.following import Pull
from services.chassis.leadership import BackOff
from services.chassis.postgres import DatabaseUnavailableError
from services.metrics.domain.readings import RefusalCode, Rejection
from services.metrics.persistence.rejected import WHOLE_MESSAGE
from services.metrics.reading_format import (
    Batch,
    MalformedBatchError,
    TooManyReadingsError,
    decode_batch,
    quote_bytes,
)
from services.metrics.recorder import (
    GroupRecorder,
    RecorderOverloadedError,
    RecordingContendedError,
)
from services.metrics.recording import IntakeMessage, Submission

DURABLE: Final = "metrics-intake"
# A message has a megabyte at most: this bounds what a process holds of them.
MAX_MESSAGES_AT_ONCE: Final = 100
# Decoded, a message takes up several times its size.
MAX_BYTES_AT_WORK: Final = 4 * 1024 * 1024
MAX_UNACKNOWLEDGED: Final = 2_000
ACK_WAIT_SECONDS: Final = 30
# The name of a producer whose subject names none.
NAMELESS: Final = "nameless"

# These pass: the same readings can be recorded later.
_LATER: Final = (DatabaseUnavailableError, RecorderOverloadedError, RecordingContendedError)

log = structlog.get_logger()


class Intake:
    """Takes readings from the bus into the recorder."""

    def __init__(self, bus: Bus, recorder: GroupRecorder) -> None:
        self._bus = bus
        self._recorder = recorder
        self._bytes_at_work = 0
        self._some_is_done = asyncio.Condition()

    async def run(self) -> None:
        """Take in readings until cancelled."""
        back_off = BackOff()
        while True:
            try:
                pull = await self._bind()
                try:
                    await self._take_all(pull, back_off)
                finally:
                    await pull.close()
            except (NatsError, BusUnavailableError, NotFoundError) as error:
                log.warning("intake_interrupted", error=repr(error))
            except Exception:
                log.exception("intake_failed")
            await back_off.wait()

    async def _bind(self) -> Pull:
        # A message has served its purpose once it is recorded.
        await self._bus.ensure_stream(INTAKE_STREAM, RetentionPolicy.WORK_QUEUE)
        config = ConsumerConfig(
            durable_name=DURABLE,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=MAX_UNACKNOWLEDGED,
        )
        return await Pull.bind(self._bus, INTAKE_STREAM, config, size=MAX_MESSAGES_AT_ONCE)

    async def _take_all(self, pull: Pull, back_off: BackOff) -> None:
        """Have messages recorded as they come, as many at once as there is room for."""
        at_work: set[asyncio.Task[None]] = set()
        try:
            async for messages in pull.batches():
                back_off.reset()
                for message in messages:
                    await self._wait_for_room(message)
                    task = asyncio.create_task(self._take(message))
                    at_work.add(task)
                    task.add_done_callback(at_work.discard)
        finally:
            # What is cut off here is recorded or not, but not acknowledged: it comes again.
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)

    async def _wait_for_room(self, message: Msg) -> None:
        """Wait until few enough bytes are at work; a large message waits until none is."""
        size_bytes = len(message.data)
        async with self._some_is_done:
            await self._some_is_done.wait_for(
                lambda: (
                    self._bytes_at_work == 0
                    or self._bytes_at_work + size_bytes <= MAX_BYTES_AT_WORK
                )
            )
            self._bytes_at_work += size_bytes

    async def _take(self, message: Msg) -> None:
        """Record a message and acknowledge it, however long that takes."""
        try:
            await self._record(message)
            # An acknowledgement that gets lost costs a delivery more, and nothing else.
            with suppress(NatsError):
                await message.ack()
        finally:
            async with self._some_is_done:
                self._bytes_at_work -= len(message.data)
                self._some_is_done.notify()

    async def _record(self, message: Msg) -> None:
        back_off = BackOff()
        submission = _submission(message, _batch(message))
        while True:
            try:
                await self._recorder.record(submission)
            except _LATER as error:
                log.warning("intake_waits", cause=type(error).__name__)
                with suppress(NatsError):
                    await message.in_progress()
            except Exception:
                log.exception("message_unrecordable", subject=message.subject)
                refused = _refused(message, "unrecordable", "The readings could not be stored.")
                submission = _submission(message, refused)
            else:
                return
            await back_off.wait()


def _submission(message: Msg, batch: Batch) -> Submission:
    source = intake_source(message.subject) or NAMELESS
    return Submission(
        batch=batch,
        actor=f"service:{source}",
        may_write=lambda _: True,
        message=IntakeMessage(
            source=source,
            sequence=message.metadata.sequence.stream,
            at=message.metadata.timestamp,
        ),
    )


def _batch(message: Msg) -> Batch:
    if intake_source(message.subject) is None:
        return _refused(
            message, "bad-subject", "The subject is intake.readings. and a source of one token."
        )
    try:
        return decode_batch(message.data)
    except MalformedBatchError as error:
        return _refused(message, "malformed", str(error))
    except TooManyReadingsError as error:
        return _refused(message, "too-many-readings", str(error))


def _refused(message: Msg, code: RefusalCode, detail: str) -> Batch:
    """A batch that stands for a message of which nothing can be taken."""
    rejection = Rejection(WHOLE_MESSAGE, code, detail)
    return Batch([], [rejection], {WHOLE_MESSAGE: quote_bytes(message.data)})
