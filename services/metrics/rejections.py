"""Tells producers on the bus what could not be taken from them, once it is kept."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import structlog
from nats.errors import Error as NatsError
from pydantic_core import PydanticSerializationError

from contracts.readings import RejectedReading
from contracts.subjects import REJECTED_STREAM, rejected_subject
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.leadership import BackOff
from services.chassis.postgres import DatabaseUnavailableError, Pool, connection
from services.metrics.persistence.rejected import (
    KeptRejection,
    mark_published,
    take_unpublished,
)

MAX_REJECTIONS_AT_ONCE: Final = 200
LOOK_AGAIN_SECONDS: Final = 1.0

log = structlog.get_logger()


class RejectionPublisher:
    """Publishes rejections; any number of processes share the work.

    A rejection is marked when the bus has stored it. Where a process ends between the two it is
    published again, with the same message id, which the bus knows for some minutes.
    """

    def __init__(self, bus: Bus, pool: Pool) -> None:
        self._bus = bus
        self._pool = pool

    async def run(self) -> None:
        """Publish until cancelled."""
        back_off = BackOff()
        while True:
            try:
                await self._bus.ensure_stream(REJECTED_STREAM)
                while True:
                    if not await self._publish_some():
                        await asyncio.sleep(LOOK_AGAIN_SECONDS)
                    back_off.reset()
            except (NatsError, BusUnavailableError, DatabaseUnavailableError) as error:
                log.warning("rejections_wait", error=repr(error))
            except Exception:
                log.exception("rejections_failed")
            await back_off.wait()

    async def _publish_some(self) -> int:
        async with connection(self._pool) as lent, lent.transaction():
            rejections = await take_unpublished(lent, MAX_REJECTIONS_AT_ONCE)
            await self._publish(rejections)
            await mark_published(lent, [each.rejected_no for each in rejections])
        return len(rejections)

    async def _publish(self, rejections: Sequence[KeptRejection]) -> None:
        await asyncio.gather(
            *(
                self._bus.jetstream.publish(
                    rejected_subject(each.source),
                    _document(each),
                    headers={"Nats-Msg-Id": f"rejected-{each.rejected_no}"},
                )
                for each in rejections
            )
        )


def _document(rejection: KeptRejection) -> bytes:
    reason = f"{rejection.code}: {rejection.detail}"
    told = RejectedReading(reading=_as_it_came(rejection.quotation), reason=reason)
    try:
        return told.model_dump_json().encode()
    except PydanticSerializationError:
        # JSON lets half a surrogate pair in, but not out: what holds one is quoted as a text.
        return (
            RejectedReading(reading=rejection.quotation, reason=reason).model_dump_json().encode()
        )


def _as_it_came(quotation: str) -> Any:
    """The quoted JSON, or the quotation itself where it is none, or was cut off."""
    try:
        return json.loads(quotation, parse_constant=str)
    except (ValueError, RecursionError):
        return quotation
