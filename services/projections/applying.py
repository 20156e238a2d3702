"""Keeping a group's rows up to date: a batch and its checkpoint in one transaction."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from contracts.cloudevents import CloudEvent
from services.chassis.postgres import Connection, Pool, connection
from services.projections import parking
from services.projections.batch import Arrival, Batch, Ledger
from services.projections.checkpoints import Checkpoint, Checkpoints
from services.projections.read_model import Group, ReadModel, UnreadableEventError

# What a follower keeps in memory between batches. Beyond, it forgets all and loads anew.
MAX_KEPT_ROWS: Final = 200_000
MAX_REPLAYED_EVENTS: Final = 10_000
# How many events are applied between two writes. The event loop stands still for as long.
PART_EVENTS: Final = 200
# A crash of PostgreSQL may take back the last moments of rows and checkpoint together, and they
# are followed again: a flush to disk for each batch would protect nothing.
_NO_FLUSH: Final = "SET LOCAL synchronous_commit = off"
# Every statement finds its rows by key, one look-up each. While the tables are new, PostgreSQL
# believes them small and would read all of a table, or of its index, to join it.
_BY_INDEX: Final = """
SELECT set_config(option, 'off', true)
FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) AS option
"""


class BrokenChainError(Exception):
    """The batch does not follow on what was applied: an event is missing between the two."""


@dataclass(slots=True)
class _Memory:
    """What one process keeps of a group, and the revision of the stored rows it is equal to."""

    read_model: ReadModel
    ledger: Ledger = field(default_factory=Ledger)
    revision: int = 0


class Applier:
    """Applies events to one group. `announce` is told each position that was committed.

    One task calls `apply` at a time. Any number of processes may have an applier: the
    checkpoint's row lock puts their transactions in order, and its position and revision show
    each what the others did.
    """

    def __init__(self, pool: Pool, group: Group, announce: Callable[[int], None]) -> None:
        self._pool = pool
        self.group = group
        self._announce = announce
        self._checkpoints = Checkpoints(group.name, group.stream)
        self._memory: _Memory | None = None

    async def position(self) -> int:
        """The last position applied; it also makes sure that there is a checkpoint to lock."""
        async with connection(self._pool) as lent:
            await self._checkpoints.ensure(lent)
            return (await self._checkpoints.read(lent)).position

    async def apply(self, events: Sequence[CloudEvent]) -> None:
        """Apply what is new of a batch, contiguous and in order, in one transaction.

        Raises BrokenChainError, CheckpointMovedError, DatabaseUnavailableError; nothing of the
        batch is kept then.
        """
        arrivals = [self._read(event) for event in events]
        # Should anything fail, what is in memory is no longer what is stored.
        memory, self._memory = self._memory, None
        async with self._transaction() as lent:
            await lent.execute(_NO_FLUSH)
            checkpoint = await self._checkpoints.lock(lent)
            new = _after(arrivals, checkpoint.position)
            if not new:
                return
            kept = self._current(memory, checkpoint)
            batch = await self._run(lent, kept, checkpoint, new)
            reached = Checkpoint(new[-1].event.position, batch.moment, checkpoint.revision + 1)
            await self._checkpoints.advance(lent, checkpoint, to=reached, skipped=batch.skipped)
        kept.revision = reached.revision
        self._memory = kept
        self._announce(reached.position)

    async def replay(self, aggregate: str) -> int:
        """Apply what is parked for an aggregate, as far as it goes; how many events that was.

        Raises parking.NotParkedError.
        """
        memory = _Memory(self.group.read_model())
        async with self._transaction() as lent:
            checkpoint = await self._checkpoints.lock(lent)
            events = await parking.events_of(lent, self.group.name, aggregate, MAX_REPLAYED_EVENTS)
            if not events:
                raise parking.NotParkedError(aggregate)
            arrivals = [self._read(event) for event in events]
            await parking.load(lent, self.group.name, memory.ledger, [aggregate])
            memory.ledger.parked.discard(aggregate)
            batch = await self._run(lent, memory, checkpoint, arrivals)
            await parking.release(lent, self.group.name, aggregate)
            reached = Checkpoint(
                checkpoint.position, checkpoint.recorded_at, checkpoint.revision + 1
            )
            await self._checkpoints.advance(lent, checkpoint, to=reached, skipped=batch.skipped)
        return len(events) - len(batch.parked)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """A transaction whose statements wait for an answer only where one is read."""
        async with connection(self._pool) as lent, lent.pipeline(), lent.transaction():
            await lent.execute(_BY_INDEX)
            yield lent

    async def _run(
        self, lent: Connection, memory: _Memory, checkpoint: Checkpoint, arrivals: list[Arrival]
    ) -> Batch:
        """Load, apply and write, within the transaction that holds the checkpoint."""
        aggregates = list({each.aggregate for each in arrivals})
        await parking.load(lent, self.group.name, memory.ledger, aggregates)
        facts = [each.fact for each in arrivals if each.fact is not None]
        await memory.read_model.load(lent, facts, checkpoint.recorded_at)
        batch = Batch(memory.read_model, memory.ledger, checkpoint.recorded_at)
        for start in range(0, len(arrivals), PART_EVENTS):
            batch.run(arrivals[start : start + PART_EVENTS])
            # The pipeline lets PostgreSQL write this part while the next is computed here.
            await memory.read_model.write(lent, batch.moment)
        await parking.write(lent, self.group.name, batch)
        return batch

    def _read(self, event: CloudEvent) -> Arrival:
        try:
            return Arrival(event, self.group.decode(event))
        except UnreadableEventError as error:
            return Arrival(event, None, fault=f"the body cannot be read: {error}")

    def _current(self, memory: _Memory | None, checkpoint: Checkpoint) -> _Memory:
        """What is in memory, if it is what is stored and not too much; else nothing."""
        if (
            memory is not None
            and memory.revision == checkpoint.revision
            and memory.read_model.size <= MAX_KEPT_ROWS
        ):
            return memory
        return _Memory(self.group.read_model())


def _after(arrivals: Iterable[Arrival], position: int) -> list[Arrival]:
    """What of a batch comes after `position`. Raises BrokenChainError for a gap in between."""
    new = [each for each in arrivals if each.event.position > position]
    if new and new[0].event.previous_position != position:
        raise BrokenChainError(
            f"event {new[0].event.position} follows {new[0].event.previous_position}, "
            f"but {position} was applied"
        )
    return new
