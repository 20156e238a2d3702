"""How far the read models are behind the stream, for the readiness probe and for the metrics."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry, Gauge

from services.chassis.bus import Bus, PublishRefusedError
from services.chassis.postgres import DatabaseUnavailableError
from services.projections.waiting import PositionWatch

# An answer as of a moment just past may wait for the next look.
OBSERVE_EVERY_SECONDS: Final = 0.5
# Further behind than this a process should not answer: the read models are still being built.
MAX_READY_LAG_POSITIONS: Final = 5_000
_POSITION_HEADER: Final = "ce-position"

log = structlog.get_logger()


class CatchingUpError(Exception):
    """The read models are too far behind the stream to answer from."""


class Lag:
    """How many positions a group is behind its stream, by the last observation.

    While the bus is away nobody knows what is missing; what is there is still worth answering.
    """

    def __init__(self, group: str, stream: str, watch: PositionWatch) -> None:
        self._group = group
        self._stream = stream
        self._watch = watch
        self._positions = 0

    def measure(self, registry: CollectorRegistry) -> None:
        """Show the lag and the position among the process's measurements."""
        lag = Gauge(
            "cairn_projection_lag_positions",
            "How many log positions the read models are behind the stream.",
            ("group",),
            registry=registry,
        )
        lag.labels(self._group).set_function(lambda: self._positions)
        position = Gauge(
            "cairn_projection_position",
            "The last log position that the read models hold.",
            ("group",),
            registry=registry,
        )
        position.labels(self._group).set_function(lambda: self._watch.reached)

    async def observe(self, bus: Bus) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look(bus)
            except (NatsError, OSError, PublishRefusedError, DatabaseUnavailableError) as error:
                log.warning("lag_not_observed", group=self._group, error=repr(error))
            await asyncio.sleep(OBSERVE_EVERY_SECONDS)

    async def look(self, bus: Bus) -> None:
        """Compare the stream's last event with the checkpoint."""
        checkpoint = await self._watch.look()
        asked_at = datetime.now(UTC)
        tip = await self._tip(bus)
        self._positions = max(0, tip - checkpoint.position)
        # A stream that ends before what was applied was wiped, and is still being filled again.
        if tip >= checkpoint.position:
            self._watch.saw_end(tip, asked_at)

    async def _tip(self, bus: Bus) -> int:
        """The position of the stream's last event, 0 where there is none yet."""
        try:
            _, headers = await bus.last_message(self._stream, with_header=_POSITION_HEADER)
        except NotFoundError:
            return 0
        return int((headers or {}).get(_POSITION_HEADER, "0"))

    async def check(self) -> None:
        """Readiness: raises CatchingUpError while too much is missing."""
        if self._positions > MAX_READY_LAG_POSITIONS:
            raise CatchingUpError(f"{self._group} is {self._positions} positions behind")
