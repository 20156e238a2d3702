"""An aggregate's state out of the log: the newest snapshot that fits, and the events after it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from psycopg.sql import SQL

from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.snapshots import Snapshot, restore, take
from services.chassis.eventstore.unit import AggregateKind, Loaded, apply

S = TypeVar("S")

NEWEST_VERSION: Final = 2**63 - 1


class Row(NamedTuple):
    """What `SELECT_REPLAY` gives, in the order of versions: at most one snapshot, then events.

    `shape` is None for an event, `topic` for a snapshot.
    """

    originator_id: UUID
    originator_version: int
    position: int
    recorded_at: datetime
    state: bytes
    topic: str | None
    shape: str | None


def logged(mapper: EventMapper, row: Row) -> LoggedEvent:
    """The event in a row that holds one. Raises what the mapper raises."""
    assert row.topic is not None
    context, event = mapper.decode(row.topic, row.state)
    return LoggedEvent(
        originator_id=row.originator_id,
        originator_version=row.originator_version,
        event=event,
        context=context,
        position=row.position,
        recorded_at=row.recorded_at,
    )


class UnusableSnapshotError(Exception):
    """The snapshot that these rows begin with cannot be used: read again, without snapshots."""


@dataclass(slots=True)
class Replay:
    """Brings rows of the log to states; `due` collects the snapshots that were missing."""

    mapper: EventMapper
    due: list[Snapshot] = field(default_factory=list)

    def aggregate(self, kind: AggregateKind[S], rows: Sequence[Row]) -> Loaded[S] | None:
        """The aggregate after all of these rows; None when they are of none of that kind.

        Raises UnusableSnapshotError.
        """
        if not rows:
            return None
        first = rows[0]
        if first.shape is None:
            return self._continued(kind, None, rows)
        snapshot = Snapshot(
            first.originator_id,
            first.originator_version,
            first.shape,
            first.state,
            first.position,
            first.recorded_at,
        )
        restored = restore(kind, snapshot)
        if restored is None:
            raise UnusableSnapshotError
        return self._continued(kind, restored, rows[1:])

    def _continued(
        self, kind: AggregateKind[S], loaded: Loaded[S] | None, rows: Iterable[Row]
    ) -> Loaded[S] | None:
        for row in rows:
            event = logged(self.mapper, row)
            if loaded is None and not isinstance(event.event, kind.first):
                return None
            loaded = apply(loaded, kind, event)
            snapshot = take(loaded, event)
            if snapshot is not None:
                self.due.append(snapshot)
        return loaded


def replay_parameters(
    ids: Any, shapes: Any, *, version: int | None = None, as_of: datetime | None = None
) -> dict[str, Any]:
    """What `SELECT_REPLAY` takes. `ids` and `shapes` are arrays as the driver sends them."""
    return {
        "ids": ids,
        "shapes": shapes,
        "version": NEWEST_VERSION if version is None else version,
        "as_of": as_of,
    }


# `base` is the newest snapshot within the asked version and moment, `beyond` the first one after
# the moment: between the two lie all events that count, so that a moment long past costs no more
# than the present. Both are believed only together with the event they were taken after. The ids
# stand behind a SELECT to hide their number from the planner: knowing it, PostgreSQL would plan
# this anew at every execution, which takes longer than to execute it.
SELECT_REPLAY: Final = SQL(
    "SELECT asked.id AS originator_id, found.originator_version, found.position,"
    " found.recorded_at, found.state, found.topic, found.shape"
    " FROM unnest((SELECT %(ids)s::uuid[])) AS asked (id)"
    " LEFT JOIN LATERAL (SELECT s.originator_version, s.position, s.recorded_at, s.state, s.shape"
    " FROM (SELECT * FROM {snapshots} WHERE originator_id = asked.id"
    " AND recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')"
    " AND originator_version <= %(version)s::bigint"
    " ORDER BY recorded_at DESC, originator_version DESC OFFSET 0) AS s"
    " WHERE s.shape = ANY(%(shapes)s::text[]) AND EXISTS (SELECT FROM {table} AS e"
    " WHERE e.originator_id = s.originator_id AND e.originator_version = s.originator_version"
    " AND e.notification_id = s.position AND e.recorded_at = s.recorded_at)"
    " ORDER BY s.recorded_at DESC, s.originator_version DESC LIMIT 1) AS base ON true"
    " LEFT JOIN LATERAL (SELECT s.originator_version"
    " FROM {snapshots} AS s JOIN {table} AS e ON e.originator_id = s.originator_id"
    " AND e.originator_version = s.originator_version"
    " AND e.notification_id = s.position AND e.recorded_at = s.recorded_at"
    " WHERE s.originator_id = asked.id"
    " AND s.recorded_at > coalesce(%(as_of)s::timestamptz, 'infinity')"
    " ORDER BY s.recorded_at, s.originator_version LIMIT 1) AS beyond ON true"
    " CROSS JOIN LATERAL (SELECT base.originator_version, base.position, base.recorded_at,"
    " base.state, NULL AS topic, base.shape WHERE base.shape IS NOT NULL"
    " UNION ALL SELECT e.originator_version, e.notification_id, e.recorded_at,"
    " e.state, e.topic, NULL FROM {table} AS e WHERE e.originator_id = asked.id"
    " AND e.originator_version > coalesce(base.originator_version, 0)"
    " AND e.originator_version <= least(beyond.originator_version - 1, %(version)s::bigint)"
    " AND e.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')) AS found"
    " ORDER BY originator_id, originator_version"
)
