"""Reading the log: one aggregate's history or state, or the whole log in order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from services.chassis.eventstore.arrays import TextArray, UuidArray
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import AggregateNotFoundError
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
from services.chassis.postgres import DatabaseUnavailableError, Pool, connection

S = TypeVar("S")

MAX_EVENTS_PER_READ = 1_000
# A long history without snapshots is given so many at a time, by one read after the other.
MAX_SNAPSHOTS_PER_READ = 200

_TABLES = {"table": sql.SQL("stored_events"), "snapshots": sql.SQL("stored_snapshots")}
_SELECT = sql.SQL(
    "SELECT originator_id, originator_version, notification_id, recorded_at, state, topic, NULL"
    " FROM stored_events "
)
_SELECT_REPLAY = SELECT_REPLAY.format(**_TABLES).as_bytes()
_KEEP = KEEP.format(**_TABLES).as_bytes()

log = structlog.get_logger()


class EventLog:
    """Asynchronous reads of one schema's log."""

    def __init__(self, pool: Pool, mapper: EventMapper) -> None:
        self._pool = pool
        self._mapper = mapper

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

        Raises AggregateNotFoundError when there is none, or was none yet, or when it has not
        reached that version.
        """
        found = await self._replayed(kind, [aggregate_id], version=version, as_of=as_of)
        if not found or (version is not None and found[0].version < version):
            raise AggregateNotFoundError(kind.name, aggregate_id)
        return found[0]

    async def states(
        self,
        kind: AggregateKind[S],
        aggregate_ids: Collection[UUID],
        *,
        as_of: datetime | None = None,
    ) -> list[Loaded[S]]:
        """Several aggregates as they stood at a moment of recording, or stand now, in one query.

        Those that are not there, or were not yet, are left out.
        """
        return await self._replayed(kind, list(aggregate_ids), as_of=as_of)

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
