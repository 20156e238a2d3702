"""Following the metrics: what KPIs say becomes measurements and reviews in the goals' history."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from contracts.cloudevents import CloudEvent
from contracts.metrics import KpiMeasured, KpiRetired
from contracts.subjects import METRICS_STREAM
from services.chassis.bus import Bus
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.eventstore.writer import Writer
from services.chassis.following import follow
from services.chassis.postgres import Pool, connection
from services.chassis.telemetry import correlation_id
from services.goals.application.measuring import FOLLOWER, measure, stop_following
from services.goals.application.reviews import propose_closing, review_breach
from services.goals.domain.objective import OPEN_STATES
from services.goals.domain.review import Subject
from services.goals.hearing import Fact, Piece, breaches, hear, pieces, recoveries
from services.goals.persistence.kpis import (
    FIRST_LINK,
    HeardKpi,
    LinkedKeyResult,
    linked_kpis,
    links_after,
    load_kpis,
    lock_checkpoint,
    read_checkpoint,
    save_checkpoint,
    save_kpis,
)
from services.goals.persistence.reviews import (
    FIRST_REVIEW,
    OpenReview,
    find_open_reviews,
    open_breach_reviews_after,
)

DURABLE: Final = "goals"
MAX_LINKS_PER_COMMAND: Final = 200
MAX_WAIT_SECONDS: Final = 2.0
LOOK_AGAIN_SECONDS: Final = 0.02

_ANSWER: Final = Answer(status=200, body=b"{}")


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


class MetricsFollower:
    """Follows the metrics stream; run it as a leader's work.

    A batch is one command: it writes what was heard, measures the linked key results, opens
    reviews where a KPI breached, proposes to close them where it recovered, ends the links to
    what was retired, and moves the checkpoint, in one transaction. Only where more than
    MAX_LINKS_PER_COMMAND key results and reviews are concerned do further commands precede the one
    that moves the checkpoint; what they recorded is no news when the batch comes again. Where a
    KPI turns twice in a batch, each turn has a checkpoint of its own.
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
        for piece in pieces(events):
            begin: _Place | None = _START
            while begin is not None:
                page = _Page(piece, begin)
                await self._writer.submit(
                    Command(decide=page.apply, actor=FOLLOWER, correlation_id=correlation_id())
                )
                begin = page.next


class _Consequence(Protocol):
    """Something that follows from a piece for any number of key results or reviews."""

    def record(self, unit: Unit, after: Any, limit: int) -> Sequence[Any]:
        """Record what follows for up to `limit` of them after one (None: from the beginning).

        Returns them in order; fewer than `limit` when there are no more.
        """


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the consequences of a piece a command begins: in which one, and after what."""

    consequence: int
    after: Any


_START: Final = _Place(0, None)


class _Page:
    """One command's share of a piece: as many key results and reviews as fit."""

    def __init__(self, piece: Piece, begin: _Place) -> None:
        self._piece = piece
        self._begin = begin
        # Where the next page goes on; None when this one was the last.
        self.next: _Place | None = None

    def apply(self, unit: Unit) -> Answer:
        """Run inside the append transaction, and again in another where that one is lost."""
        # A refusal comes before anything is written: it harms nobody else's command.
        reached = lock_checkpoint(unit.index())
        if reached != self._piece.follows:
            raise CheckpointMovedError(f"followed to {reached}, not {self._piece.follows}")
        cursor, facts = unit.index(writing=True), self._piece.facts
        heard = hear(load_kpis(cursor, {each.said.key for each in facts}), facts)
        if heard and self._begin is _START:
            save_kpis(cursor, list(heard.values()))
        self.next = self._record(unit, heard)
        if self.next is None:
            save_checkpoint(cursor, self._piece.reaches)
        return _ANSWER

    def _record(self, unit: Unit, heard: Mapping[str, HeardKpi]) -> _Place | None:
        room, after = MAX_LINKS_PER_COMMAND, self._begin.after
        consequences = _consequences(self._piece.facts, heard)
        for number in range(self._begin.consequence, len(consequences)):
            recorded = consequences[number].record(unit, after, room)
            room, after = room - len(recorded), None
            if room == 0:
                return _Place(number, recorded[-1])
        return None


def _consequences(facts: Sequence[Fact], heard: Mapping[str, HeardKpi]) -> list[_Consequence]:
    return [
        _Measurements(facts, heard),
        _Breaches(facts),
        _Recoveries(facts),
        _Retirements(facts),
    ]


class _Measurements:
    """Measurements of the key results that follow a KPI which has a new value."""

    def __init__(self, facts: Sequence[Fact], heard: Mapping[str, HeardKpi]) -> None:
        self._keys = [each.said.key for each in facts if isinstance(each.said, KpiMeasured)]
        self._heard = heard

    def record(
        self, unit: Unit, after: LinkedKeyResult | None, limit: int
    ) -> Sequence[LinkedKeyResult]:
        if not self._keys:
            return ()
        links = links_after(unit.index(), self._keys, after or FIRST_LINK, limit)
        for link in links:
            measure(unit, link.objective_id, link.key_result_id, self._heard[link.kpi])
        return links


class _Retirements:
    """The end of links to KPIs that were retired; what has ended keeps the links it ended with."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._causes = {
            each.said.key: each.cause for each in facts if isinstance(each.said, KpiRetired)
        }

    def record(
        self, unit: Unit, after: LinkedKeyResult | None, limit: int
    ) -> Sequence[LinkedKeyResult]:
        if not self._causes:
            return ()
        links = links_after(
            unit.index(),
            self._causes,
            after or FIRST_LINK,
            limit,
            states=OPEN_STATES,
            in_closed_cycles=True,
        )
        for link in links:
            cause = self._causes[link.kpi]
            stop_following(unit, link.objective_id, link.key_result_id, kpi=link.kpi, cause=cause)
        return links


class _Breaches:
    """Reviews of the key results that follow a KPI which breached; of it alone if none does."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._breaches = breaches(facts)

    def record(
        self, unit: Unit, after: LinkedKeyResult | None, limit: int
    ) -> Sequence[LinkedKeyResult]:
        if not self._breaches:
            return ()
        cursor = unit.index()
        links = links_after(cursor, self._breaches, after or FIRST_LINK, limit)
        subjects = [
            Subject(objective_id=each.objective_id, key_result_id=each.key_result_id, kpi=each.kpi)
            for each in links
        ]
        if len(links) < limit:  # These are no more than there are events in a batch.
            alone = self._breaches.keys() - linked_kpis(cursor, self._breaches)
            subjects += [Subject(kpi=each) for each in sorted(alone)]
        self._review(unit, subjects)
        return links

    def _review(self, unit: Unit, subjects: Sequence[Subject]) -> None:
        standing = find_open_reviews(unit.index(), subjects)
        for each in subjects:
            assert each.kpi is not None, "it breached"
            breach, cause = self._breaches[each.kpi]
            review_breach(unit, each, breach, cause, standing=standing.get(each))


class _Recoveries:
    """Proposals to close the reviews that breaches of a KPI opened which recovered."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._recoveries = recoveries(facts)

    def record(self, unit: Unit, after: OpenReview | None, limit: int) -> Sequence[OpenReview]:
        if not self._recoveries:
            return ()
        found = open_breach_reviews_after(
            unit.index(), self._recoveries, after.id if after else FIRST_REVIEW, limit
        )
        for each in found:
            recovery, cause = self._recoveries[each.kpi]
            propose_closing(unit, each.id, recovery, cause)
        return found


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
