"""The flusher: computes the periods that readings touched, and records what they came to.

Readings come by the thousand a second, values go out at most once a second for each period: the
flusher sweeps through the marked periods in their order, each once, and then waits.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from time import monotonic
from typing import Final

import structlog

from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.eventstore.writer import Writer
from services.chassis.postgres import Pool, connection
from services.chassis.telemetry import Trace
from services.metrics.application import ROLLUPS, measure_periods
from services.metrics.domain.measurement import period_id
from services.metrics.persistence.rollups import FIRST_MARK, MarkedPeriod, marked_after

MAX_PERIODS_PER_COMMAND: Final = 200
# A command keeps others from the log: where periods are long, fewer of them go into one.
LONGEST_COMMAND_SECONDS: Final = 0.5
# A sweep through long periods takes long: the time between is longer then, so that recording
# readings keeps most of the database to itself.
MAX_SHARE_OF_TIME: Final = 0.25
# After a backfill, whose sweep takes minutes on a busy machine, today's values still go out soon.
LONGEST_PAUSE_SECONDS: Final = 10.0

log = structlog.get_logger()


class Flusher:
    """Keeps the rollups up to date. Run it as a leader's work.

    Two at once would do no harm: each command is exact, whoever runs it.
    """

    def __init__(self, pool: Pool, writer: Writer, *, interval_seconds: float) -> None:
        self._pool = pool
        self._writer = writer
        self._interval_seconds = interval_seconds
        self._periods_per_command = MAX_PERIODS_PER_COMMAND

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            began = monotonic()
            await self.sweep()
            await asyncio.sleep(pause_seconds(monotonic() - began, self._interval_seconds))

    async def sweep(self) -> int:
        """Compute every marked period once; the number of those that changed."""
        changed = 0
        last = FIRST_MARK
        while True:
            async with connection(self._pool) as lent:
                periods = await marked_after(lent, last, self._periods_per_command)
            if not periods:
                return changed
            began = monotonic()
            changed += await self._measure(periods)
            self._adapt(monotonic() - began)
            last = periods[-1]

    def _adapt(self, took_seconds: float) -> None:
        """Halve the next command where one took too long, else let it grow again."""
        if took_seconds > LONGEST_COMMAND_SECONDS:
            self._periods_per_command = max(1, self._periods_per_command // 2)
        else:
            doubled = self._periods_per_command * 2
            self._periods_per_command = min(doubled, MAX_PERIODS_PER_COMMAND)

    async def _measure(self, periods: Sequence[MarkedPeriod]) -> int:
        changed = 0

        def decide(unit: Unit) -> Answer:
            nonlocal changed
            changed = measure_periods(unit, periods)
            return Answer(HTTPStatus.NO_CONTENT, b"")

        await self._writer.submit(
            Command(
                decide=decide,
                actor=ROLLUPS,
                correlation_id=Trace.begin().trace_id,
                touches=tuple(
                    period_id(each.key, each.definition, each.period_start) for each in periods
                ),
            )
        )
        return changed


def pause_seconds(took_seconds: float, interval_seconds: float) -> float:
    """How long to wait after a sweep: the interval, or longer after a long one, within a bound."""
    fair = took_seconds / MAX_SHARE_OF_TIME - took_seconds
    return max(interval_seconds, min(fair, LONGEST_PAUSE_SECONDS))
