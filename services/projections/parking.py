"""Applied versions, and the aggregates that cannot go on with what waits in order behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from contracts.cloudevents import CloudEvent
from services.chassis.postgres import Connection
from services.projections.batch import Batch, Ledger, Parked
from services.projections.errors import QueryError

MAX_REASON_CHARACTERS: Final = 1_000

_VERSIONS: Final = """
SELECT aggregate_id, version FROM applied_versions
WHERE group_name = %s AND aggregate_id = ANY(%s)
"""
_PARKED_AMONG: Final = """
SELECT aggregate_id FROM parked_aggregates WHERE group_name = %s AND aggregate_id = ANY(%s)
"""
_SAVE_VERSIONS: Final = """
INSERT INTO applied_versions (group_name, aggregate_id, version)
SELECT %s, applied.key, applied.value::bigint FROM json_each_text(%s::json) AS applied
ON CONFLICT (group_name, aggregate_id) DO UPDATE SET version = excluded.version
"""
_PARK: Final = """
INSERT INTO parked_aggregates (group_name, aggregate_id, reason) VALUES (%s, %s, %s)
ON CONFLICT (group_name, aggregate_id) DO UPDATE SET reason = excluded.reason
"""
_KEEP_EVENT: Final = """
INSERT INTO parked_events (
    group_name, aggregate_id, version, event_id, type, source, subject, recorded_at,
    position, previous_position, data
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_EVENTS: Final = """
SELECT event_id AS id, type, source, subject, recorded_at AS time, position, previous_position,
    version AS aggregate_version, data
FROM parked_events
WHERE group_name = %s AND aggregate_id = %s
ORDER BY version
LIMIT %s
"""
_DROP_APPLIED: Final = """
DELETE FROM parked_events AS event USING applied_versions AS applied
WHERE event.group_name = %(group)s AND event.aggregate_id = %(aggregate)s
    AND applied.group_name = event.group_name AND applied.aggregate_id = event.aggregate_id
    AND event.version <= applied.version
"""
_RELEASE: Final = """
DELETE FROM parked_aggregates AS aggregate
WHERE group_name = %(group)s AND aggregate_id = %(aggregate)s
    AND NOT EXISTS (
        SELECT FROM parked_events AS event
        WHERE event.group_name = aggregate.group_name
            AND event.aggregate_id = aggregate.aggregate_id
    )
"""
_SUMMARIES: Final = """
SELECT aggregate_id AS id, group_name AS "group", reason, parked_at, waiting.events,
    waiting.first_version, waiting.first_position
FROM parked_aggregates AS aggregate
CROSS JOIN LATERAL (
    SELECT count(*) AS events, min(version) AS first_version, min(position) AS first_position
    FROM parked_events AS event
    WHERE event.group_name = aggregate.group_name
        AND event.aggregate_id = aggregate.aggregate_id
) AS waiting
"""
_LIST: Final = (
    _SUMMARIES
    + """
WHERE (aggregate_id, group_name) > (%s, %s)
ORDER BY aggregate_id, group_name
LIMIT %s
"""
)
_FIND: Final = _SUMMARIES + "WHERE aggregate_id = %s ORDER BY group_name"


class NotParkedError(QueryError):
    """The aggregate has nothing waiting."""

    def __init__(self, aggregate: str) -> None:
        super().__init__(f"The aggregate {aggregate} is not parked.")


@dataclass(frozen=True, slots=True)
class ParkedAggregate:
    """An aggregate that waits: why, since when, how many events, and the first of them."""

    id: str
    group: str
    reason: str
    parked_at: datetime
    events: int
    first_version: int | None
    first_position: int | None


async def load(
    connection: Connection, group: str, ledger: Ledger, aggregates: Sequence[str]
) -> None:
    """Load the applied versions of these aggregates, and which of them are parked."""
    unknown = [each for each in aggregates if each not in ledger.versions]
    if not unknown:
        return
    found = await connection.execute(_VERSIONS, (group, unknown))
    ledger.versions.update(dict.fromkeys(unknown, 0), **dict(await found.fetchall()))
    parked = await connection.execute(_PARKED_AMONG, (group, unknown))
    ledger.parked.update(aggregate for (aggregate,) in await parked.fetchall())


async def write(connection: Connection, group: str, batch: Batch) -> None:
    """Write the versions that the batch applied and the events that it parked."""
    versions = {each: batch.ledger.versions[each] for each in batch.touched}
    await connection.execute(_SAVE_VERSIONS, (group, msgspec.json.encode(versions).decode()))
    if batch.parked:
        async with connection.cursor() as cursor:
            reasons = [each for each in batch.parked if each.reason is not None]
            await cursor.executemany(_PARK, [_aggregate_row(group, each) for each in reasons])
            kept = [_event_row(group, each) for each in batch.parked]
            await cursor.executemany(_KEEP_EVENT, kept)


async def events_of(
    connection: Connection, group: str, aggregate: str, limit: int
) -> list[CloudEvent]:
    """The first events that wait for the aggregate, in order."""
    async with connection.cursor(row_factory=class_row(CloudEvent)) as cursor:
        await cursor.execute(_EVENTS, (group, aggregate, limit))
        return await cursor.fetchall()


async def release(connection: Connection, group: str, aggregate: str) -> None:
    """Forget the events that are applied now, and that the aggregate was parked if none is left."""
    names = {"group": group, "aggregate": aggregate}
    await connection.execute(_DROP_APPLIED, names)
    await connection.execute(_RELEASE, names)


async def listed(
    connection: Connection, *, after: tuple[str, str], limit: int
) -> list[ParkedAggregate]:
    """The parked aggregates behind (id, group), by id."""
    async with connection.cursor(row_factory=class_row(ParkedAggregate)) as cursor:
        await cursor.execute(_LIST, (*after, limit))
        return await cursor.fetchall()


async def find(connection: Connection, aggregate: str) -> list[ParkedAggregate]:
    """The aggregate, once for each group in which it is parked."""
    async with connection.cursor(row_factory=class_row(ParkedAggregate)) as cursor:
        await cursor.execute(_FIND, (aggregate,))
        return await cursor.fetchall()


def _aggregate_row(group: str, parked: Parked) -> tuple[str, str, str]:
    assert parked.reason is not None
    return group, parked.arrival.aggregate, parked.reason[:MAX_REASON_CHARACTERS]


def _event_row(
    group: str, parked: Parked
) -> tuple[str, str, int, UUID, str, str, str, datetime, int, int, bytes]:
    event = parked.arrival.event
    return (
        group,
        parked.arrival.aggregate,
        event.aggregate_version,
        event.id,
        event.type,
        event.source,
        event.subject,
        event.time,
        event.position,
        event.previous_position,
        event.data,
    )
