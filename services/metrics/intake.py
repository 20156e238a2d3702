"""The intake: readings that producers publish on the bus are recorded, and only then acknowledged.

Any number of processes share the durable consumer. A message that is delivered twice is recorded
once, because readings have an identity. What cannot be taken of a message is kept in the same
transaction, and published by `rejections`; then the message is acknowledged, so that nothing a
producer sends can stop the stream. While the database is away nothing is acknowledged.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
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
MAX_BYTES_DECODED_AT_ONCE: Final = 2 * 1024 * 1024
MAX_UNACKNOWLEDGED: Final = 2_000
ACK_WAIT_SECONDS: Final = 30
# The name of a producer whose subject names none.
NAMELESS: Final = "nameless"

# These pass: the same readings can be recorded later.
_LATER: Final = (DatabaseUnavailableError, RecorderOverloadedError, RecordingContendedError)

log = structlog.get_logger()


@dataclass(slots=True)
class _Arrived:
    """A message that waits to be recorded; `is_poison` once it proved that it cannot be."""

    message: Msg
    is_poison: bool = False


class Intake:
    """Takes readings from the bus into the recorder."""

    def __init__(self, bus: Bus, recorder: GroupRecorder) -> None:
        self._bus = bus
        self._recorder = recorder

    async def run(self) -> None:
        """Take in readings until cancelled."""
        back_off = BackOff()
        while True:
            try:
                pull = await self._bind()
                try:
                    async for messages in pull.batches():
                        await self._take(deque(map(_Arrived, messages)))
                        back_off.reset()
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

    async def _take(self, waiting: deque[_Arrived]) -> None:
        """Record messages and acknowledge each, however long that takes."""
        back_off = BackOff()
        while waiting:
            left = await self._record(_portion(waiting))
            if left:
                waiting.extendleft(reversed(left))
                log.warning("intake_waits", messages=len(waiting))
                for each in waiting:
                    await each.message.in_progress()
                await back_off.wait()

    async def _record(self, portion: list[_Arrived]) -> list[_Arrived]:
        """Record some messages; those that have to be recorded again."""
        outcomes = await asyncio.gather(
            *(self._recorder.record(_submission(each)) for each in portion),
            return_exceptions=True,
        )
        left: list[_Arrived] = []
        for each, outcome in zip(portion, outcomes, strict=True):
            if isinstance(outcome, _LATER):
                left.append(each)
            elif isinstance(outcome, Exception):
                log.error("message_unrecordable", subject=each.message.subject, error=repr(outcome))
                each.is_poison = True
                left.append(each)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                await each.message.ack()
        return left


def _portion(waiting: deque[_Arrived]) -> list[_Arrived]:
    """Take as many of the first messages as are decoded together, at least one."""
    portion: list[_Arrived] = []
    size_bytes = 0
    while waiting and size_bytes < MAX_BYTES_DECODED_AT_ONCE:
        portion.append(waiting.popleft())
        size_bytes += len(portion[-1].message.data)
    return portion


def _submission(arrived: _Arrived) -> Submission:
    message = arrived.message
    source = intake_source(message.subject)
    return Submission(
        batch=_batch(message, arrived, source),
        actor=f"service:{source or NAMELESS}",
        may_write=lambda _: True,
        message=IntakeMessage(
            source=source or NAMELESS,
            sequence=message.metadata.sequence.stream,
            at=message.metadata.timestamp,
        ),
    )


def _batch(message: Msg, arrived: _Arrived, source: str | None) -> Batch:
    if arrived.is_poison:
        return _refused(message, "unrecordable", "The readings could not be stored.")
    if source is None:
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
