"""Reading the log: one aggregate's history or state, or the whole log in order."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final, LiteralString, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from services.chassis.eventstore.arrays import TextArray, UuidArray
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.replay import (
    SELECT_REPLAY,
    Replay,
    Row,
    UnusableSnapshotError,
    logged,
    replay_parameters,
)
from services.chassis.eventstore.snapshots import KEEP, Snapshot, as_parameters, shape_of
from services.chassis.eventstore.unit import AggregateKind, Loaded
from services.chassis.parameters import AsOfInFutureError
from services.chassis.postgres import DatabaseUnavailableError, Pool, connection

S = TypeVar("S")

MAX_EVENTS_PER_READ = 1_000
# A long history without snapshots is given so many at a time, by one read after the other.
MAX_SNAPSHOTS_PER_READ = 200
# A group is recorded in far less: what was recorded longer ago than this is committed, or never
# will be. The margin also covers a clock of this service that runs ahead of the database's.
OPEN_AT_MOST: Final = timedelta(seconds=60)
# A moment may have come by this service's clock and not yet by the database's, whose clock the
# log goes by. So much of a difference is waited for.
MAX_CLOCK_LEAD: Final = timedelta(seconds=1)
_CLOCK_STEP: Final = timedelta(milliseconds=1)

_TABLES = {"table": sql.SQL("stored_events"), "snapshots": sql.SQL("stored_snapshots")}
_SELECT = sql.SQL(
    "SELECT originator_id, originator_version, notification_id, recorded_at, state, topic, NULL"
    " FROM stored_events "
)
_SELECT_REPLAY = SELECT_REPLAY.format(**_TABLES).as_bytes()
_KEEP = KEEP.format(**_TABLES).as_bytes()
# The lock conflicts with the EXCLUSIVE one of an append and with nothing that vacuums or reads, so
# it is granted once the open group has ended. Groups that begin later are recorded at the returned
# moment or after it: the recorder asks the same clock, under its lock. Sent as one piece without
# parameters, this is one transaction, and no delay on this side can hold the lock.
_CLOSE: Final = b"""
LOCK TABLE stored_events IN ROW SHARE MODE;
SELECT greatest(clock_timestamp(), (
    SELECT recorded_at + interval '1 microsecond' FROM stored_events
    ORDER BY notification_id DESC LIMIT 1
))
"""

log = structlog.get_logger()


class EventLog:
    """Asynchronous reads of one schema's log."""

    def __init__(self, pool: Pool, mapper: EventMapper) -> None:
        self._pool = pool
        self._mapper = mapper
        # Nothing more will be recorded before this moment.
        self._closed_before = datetime.min.replace(tzinfo=UTC)

    async def history(
        self, aggregate_id: UUID, *, after_version: int = 0, limit: int = MAX_EVENTS_PER_READ
    ) -> list[LoggedEvent]:
        """Up to `limit` events of one aggregate after a version, oldest first; empty if none."""
        return await self._select(
            "WHERE originator_id = %s AND originator_version > %s"
            " ORDER BY originator_version LIMIT %s",
            (aggregate_id, after_version, limit),
        )

    async def state(
        self,
        kind: AggregateKind[S],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        as_of: datetime | None = None,
    ) -> Loaded[S]:
        """An aggregate as it stood at a version, at a moment of recording, or stands now.

        Every later read tells the same about that moment, see `close`.

        Raises AggregateNotFoundError when there is none, or was none yet; VersionNotReachedError;
        what `close` raises.
        """
        found = await self._replayed(kind, [aggregate_id], version=version, as_of=as_of)
        if not found:
            raise AggregateNotFoundError(kind.name, aggregate_id)
        if version is not None and found[0].version < version:
            raise VersionNotReachedError(kind.name, aggregate_id, version, found[0].version)
        return found[0]

    async def states(
        self,
        kind: AggregateKind[S],
        aggregate_ids: Collection[UUID],
        *,
        as_of: datetime | None = None,
    ) -> list[Loaded[S]]:
        """Several aggregates as they stood at a moment of recording, or stand now, in one query.

        Those that are not there, or were not yet, are left out. Raises what `close` raises.
        """
        return await self._replayed(kind, list(aggregate_ids), as_of=as_of)

    async def close(self, moment: datetime) -> None:
        """Return once all that will ever be recorded up to a moment can be read.

        A group is given its moment of recording before it is committed, so that a moment just
        past may have a group open that belongs to it: that one is waited for. Within a request,
        what reads beside this log as of a moment has to do so after this.

        It holds as long as the database's clock is not set back across the moment with no event
        recorded since.

        Raises AsOfInFutureError where the database's clock is further behind the moment than is
        waited for, DatabaseUnavailableError where the open group takes too long.
        """
        if moment < max(self._closed_before, datetime.now(UTC) - OPEN_AT_MOST):
            return
        ahead = moment - await self._close()
        if timedelta(0) <= ahead <= MAX_CLOCK_LEAD:
            await asyncio.sleep((ahead + _CLOCK_STEP).total_seconds())
            ahead = moment - await self._close()
        if ahead >= timedelta(0):
            raise AsOfInFutureError

    async def _close(self) -> datetime:
        """Wait for the open group; the moment before which nothing more will be recorded."""
        async with connection(self._pool) as lent:
            cursor = await lent.execute(_CLOSE, prepare=False)
            cursor.nextset()
            row = await cursor.fetchone()
        assert row is not None
        self._closed_before = max(self._closed_before, row[0])
        return self._closed_before

    async def after(self, position: int, limit: int = MAX_EVENTS_PER_READ) -> list[LoggedEvent]:
        """Up to `limit` events of the whole log after a position, in order."""
        return await self._select(
            "WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
            (position, limit),
        )

    async def at(self, position: int) -> LoggedEvent | None:
        """The event at exactly that position."""
        found = await self._select("WHERE notification_id = %s", (position,))
        return found[0] if found else None

    async def head(self) -> int:
        """The position of the newest event; 0 for an empty log."""
        async with connection(self._pool) as lent:
            cursor = await lent.execute("SELECT max(notification_id) FROM stored_events")
            row = await cursor.fetchone()
        return row[0] if row is not None and row[0] is not None else 0

    async def _replayed(
        self,
        kind: AggregateKind[S],
        aggregate_ids: Sequence[UUID],
        *,
        version: int | None = None,
        as_of: datetime | None = None,
    ) -> list[Loaded[S]]:
        if as_of is not None:
            await self.close(as_of)
        shape = shape_of(kind)
        shapes = TextArray([] if shape is None else [shape])
        ids = UuidArray(aggregate_ids)
        asked = replay_parameters(ids, shapes, version=version, as_of=as_of)
        replay = Replay(self._mapper)
        try:
            found = _fold(replay, kind, await self._rows(_SELECT_REPLAY, asked))
        except UnusableSnapshotError:
            replay.due.clear()
            asked["shapes"] = TextArray([])
            found = _fold(replay, kind, await self._rows(_SELECT_REPLAY, asked))
        if replay.due:
            await self._keep(replay.due[:MAX_SNAPSHOTS_PER_READ])
        return found

    async def _keep(self, snapshots: Sequence[Snapshot]) -> None:
        """Spare the next reader what this one had to replay; where that fails, nothing is lost."""
        try:
            async with connection(self._pool) as lent:
                await lent.execute(_KEEP, as_parameters(snapshots), prepare=True)
        except (psycopg.Error, DatabaseUnavailableError) as error:
            log.warning("snapshots_not_kept", count=len(snapshots), error=str(error))

    async def _select(
        self, condition: LiteralString, parameters: Sequence[Any]
    ) -> list[LoggedEvent]:
        rows = await self._rows((_SELECT + sql.SQL(condition)).as_bytes(), parameters)
        return [logged(self._mapper, row) for row in rows]

    async def _rows(
        self, statement: bytes, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> list[Row]:
        async with connection(self._pool) as lent:
            cursor = await lent.execute(statement, parameters, prepare=True)
            return [Row._make(row) for row in await cursor.fetchall()]


def _fold(replay: Replay, kind: AggregateKind[S], rows: Iterable[Row]) -> list[Loaded[S]]:
    own = groupby(rows, lambda row: row.originator_id)
    folded = (replay.aggregate(kind, list(each)) for _, each in own)
    return [loaded for loaded in folded if loaded is not None]
