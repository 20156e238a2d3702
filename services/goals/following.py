"""Following the metrics: what KPIs say becomes measurements in the goals' own history."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.metrics import KpiDefined, KpiMeasured, KpiRetired
from contracts.subjects import METRICS_STREAM
from services.chassis.bus import Bus
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.eventstore.writer import Writer
from services.chassis.following import follow
from services.chassis.postgres import Pool, connection
from services.chassis.telemetry import correlation_id
from services.goals import application
from services.goals.domain.kpi_link import Kpi, KpiValue
from services.goals.persistence.kpis import (
    FIRST_LINK,
    Cause,
    HeardKpi,
    LinkedKeyResult,
    links_after,
    load_kpis,
    lock_checkpoint,
    read_checkpoint,
    save_checkpoint,
    save_kpis,
)

DURABLE: Final = "goals"
MAX_LINKS_PER_COMMAND: Final = 200
MAX_WAIT_SECONDS: Final = 2.0
LOOK_AGAIN_SECONDS: Final = 0.02

_HEEDED: Final[Mapping[str, type[KpiDefined | KpiRetired | KpiMeasured]]] = {
    each.TYPE: each for each in (KpiDefined, KpiRetired, KpiMeasured)
}
_ANSWER: Final = Answer(status=200, body=b"{}")

log = structlog.get_logger()


class CheckpointMovedError(Exception):
    """Another process has followed the metrics further, or elsewhere, than this one believed."""


class NotFollowedYetError(Exception):
    """The metrics were not followed up to the wanted position within the time there is."""

    def __init__(self, wanted: int, reached: int) -> None:
        super().__init__(
            f"The metrics have been followed up to position {reached}, not yet to {wanted}. "
            "Nothing was recorded; try again shortly."
        )
        self.extensions = {"wanted_position": wanted, "reached_position": reached}


@dataclass(frozen=True, slots=True)
class Fact:
    """What an event says that matters here, and the event."""

    said: KpiDefined | KpiRetired | KpiMeasured
    cause: Cause
    position: int


class MetricsFollower:
    """Follows the metrics stream; run it as a leader's work.

    A batch is one command: it writes what was heard, measures the linked key results and moves
    the checkpoint in one transaction. Only where more than MAX_LINKS_PER_COMMAND key results are
    concerned do further commands precede the one that moves the checkpoint; what they measured
    is no news when the batch comes again.
    """

    def __init__(self, bus: Bus, pool: Pool, writer: Writer) -> None:
        self._bus = bus
        self._pool = pool
        self._writer = writer

    async def run(self) -> None:
        """Follow until cancelled."""
        await follow(
            self._bus,
            stream=METRICS_STREAM,
            durable=DURABLE,
            load_position=lambda: followed_to(self._pool),
            apply=self.apply,
        )

    async def apply(self, events: Sequence[CloudEvent]) -> None:
        """Take over a batch of contiguous events. Raises CheckpointMovedError."""
        facts = heeded(events)
        after: LinkedKeyResult | None = FIRST_LINK
        while after is not None:
            page = _Page(events=events, facts=facts, after=after)
            await self._writer.submit(
                Command(
                    decide=page.apply, actor=application.FOLLOWER, correlation_id=correlation_id()
                )
            )
            after = page.last


class _Page:
    """One command's share of a batch: as many linked key results as fit."""

    def __init__(
        self, *, events: Sequence[CloudEvent], facts: Sequence[Fact], after: LinkedKeyResult
    ) -> None:
        self._follows = events[0].previous_position
        self._reaches = events[-1].position
        self._facts = facts
        self._after = after
        # Where the next page goes on; None when this one was the last.
        self.last: LinkedKeyResult | None = None

    def apply(self, unit: Unit) -> Answer:
        """Run inside the append transaction."""
        cursor = unit.index()
        # Refused before anything is written: what goes through the cursor cannot be taken back.
        reached = lock_checkpoint(cursor)
        if reached != self._follows:
            raise CheckpointMovedError(f"followed to {reached}, not {self._follows}")
        heard = hear(load_kpis(cursor, {each.said.key for each in self._facts}), self._facts)
        if heard and self._after is FIRST_LINK:
            save_kpis(cursor, list(heard.values()))
        measured = [each.said.key for each in self._facts if isinstance(each.said, KpiMeasured)]
        links = links_after(cursor, measured, self._after, MAX_LINKS_PER_COMMAND)
        for link in links:
            application.measure(unit, link.objective_id, link.key_result_id, heard[link.kpi])
        self.last = links[-1] if len(links) == MAX_LINKS_PER_COMMAND else None
        if self.last is None:
            save_checkpoint(cursor, self._reaches)
        return _ANSWER


def heeded(events: Sequence[CloudEvent]) -> list[Fact]:
    """What of a batch matters here. An event that breaks its contract is logged and passed over.

    It must not stop all the others; the KPI's next value makes up for it.
    """
    facts = []
    for event in events:
        event_class = _HEEDED.get(event.type)
        if event_class is None:
            continue
        try:
            said = event_class.model_validate_json(event.data)
        except ValidationError as error:
            log.error(  # noqa: TRY400  the stack says nothing about the event
                "metrics_event_malformed", position=event.position, errors=error.error_count()
            )
            continue
        facts.append(Fact(said, _cause(event, said), event.position))
    return facts


def hear(known: Mapping[str, HeardKpi], facts: Sequence[Fact]) -> dict[str, HeardKpi]:
    """What is known of the KPIs that the facts name, after these facts."""
    heard = dict(known)
    for fact in facts:
        key = fact.said.key
        before = heard.get(key) or HeardKpi(kpi=Kpi(key=key))
        heard[key] = _after(before, fact)
    return heard


async def followed_to(pool: Pool) -> int:
    """How far the metrics have been followed."""
    async with connection(pool) as lent:
        return await read_checkpoint(lent)


async def wait_until_followed(pool: Pool, position: int) -> None:
    """Return once the metrics have been followed up to `position`.

    Raises NotFollowedYetError when that is not so within MAX_WAIT_SECONDS.
    """
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + MAX_WAIT_SECONDS
    while (reached := await followed_to(pool)) < position:
        if clock() >= give_up_at:
            raise NotFollowedYetError(position, reached)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _cause(event: CloudEvent, said: PublishedEvent) -> Cause:
    return Cause(event_id=event.id, correlation_id=said.context.correlation_id)


def _after(before: HeardKpi, fact: Fact) -> HeardKpi:
    match fact.said:
        case KpiRetired():
            return replace(before, kpi=before.kpi.retire())
        case KpiMeasured() as measured:
            kpi = before.kpi.says(_value(measured, fact.position))
            return before if kpi is before.kpi else HeardKpi(kpi=kpi, cause=fact.cause)
        case _:
            return before


def _value(measured: KpiMeasured, position: int) -> KpiValue:
    return KpiValue(
        definition=measured.definition,
        period=measured.value,
        latest=measured.latest_value,
        period_start=measured.period_start,
        period_end=measured.period_end,
        metrics_position=position,
    )
