"""Reading the log: one aggregate's history or state, or the whole log in order."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from psycopg import sql
from psycopg.rows import TupleRow

from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.unit import AggregateKind, Loaded, fold
from services.chassis.postgres import Pool, connection

S = TypeVar("S")

MAX_EVENTS_PER_READ = 1_000
_MAX_VERSION = 2**63 - 1

_SELECT = sql.SQL(
    "SELECT notification_id, recorded_at, originator_id, originator_version, topic, state"
    " FROM stored_events "
)


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
        events = await self._select(
            "WHERE originator_id = %s AND originator_version <= %s"
            " AND recorded_at <= coalesce(%s::timestamptz, 'infinity') ORDER BY originator_version",
            (aggregate_id, _MAX_VERSION if version is None else version, as_of),
        )
        loaded = fold(kind, events)
        if loaded is None or (version is not None and loaded.version < version):
            raise AggregateNotFoundError(kind.name, aggregate_id)
        return loaded

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
        events = await self._select(
            "WHERE originator_id = ANY(%s)"
            " AND recorded_at <= coalesce(%s::timestamptz, 'infinity')"
            " ORDER BY originator_id, originator_version",
            (list(aggregate_ids), as_of),
        )
        folded = (
            fold(kind, list(own)) for _, own in groupby(events, lambda each: each.originator_id)
        )
        return [loaded for loaded in folded if loaded is not None]

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

    async def _select(
        self, condition: LiteralString, parameters: Sequence[Any]
    ) -> list[LoggedEvent]:
        async with connection(self._pool) as lent:
            cursor = await lent.execute(_SELECT + sql.SQL(condition), parameters, prepare=True)
            rows = await cursor.fetchall()
        return [self._logged(row) for row in rows]

    def _logged(self, row: TupleRow) -> LoggedEvent:
        position, recorded_at, aggregate_id, version, topic, state = row
        context, event = self._mapper.decode(topic, state)
        return LoggedEvent(
            originator_id=aggregate_id,
            originator_version=version,
            event=event,
            context=context,
            position=position,
            recorded_at=recorded_at,
        )
