"""What was heard of KPIs, which key results follow them, and how far the metrics were followed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from contracts.goals import ObjectiveState
from contracts.subjects import METRICS_STREAM
from services.chassis.postgres import Connection
from services.goals.domain.events import Owner
from services.goals.domain.kpi_link import Kpi, KpiValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event that brought a KPI's value, and the story it belongs to."""

    event_id: UUID
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardKpi:
    """A KPI, and what brought its value (None as long as it has none)."""

    kpi: Kpi
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class LinkedKeyResult:
    """A key result that follows a KPI."""

    objective_id: UUID
    key_result_id: UUID
    kpi: str


# Before all that can be.
FIRST_LINK: Final = LinkedKeyResult(UUID(int=0), UUID(int=0), "")


def load_kpis(cursor: Cursor[DictRow], keys: Collection[str]) -> dict[str, HeardKpi]:
    """Those of the named KPIs that have been heard of, by key."""
    cursor.execute(
        "SELECT kpi, retired, definition, period_value, latest_value, period_start, period_end,"
        " metrics_position, event_id, correlation_id, owner_kind, owner_id"
        " FROM goals.kpi_values WHERE kpi = ANY(%s)",
        (list(keys),),
        prepare=True,
    )
    return {row["kpi"]: _heard(row) for row in cursor}


def save_kpis(cursor: Cursor[DictRow], heard: Sequence[HeardKpi]) -> None:
    """Write what is known of these KPIs."""
    cursor.execute(
        "INSERT INTO goals.kpi_values AS v (kpi, retired, definition, period_value, latest_value,"
        " period_start, period_end, metrics_position, event_id, correlation_id, owner_kind,"
        " owner_id)"
        " SELECT * FROM unnest(%(kpi)s::text[], %(retired)s::boolean[], %(definition)s::integer[],"
        " %(period_value)s::float8[], %(latest_value)s::float8[],"
        " %(period_start)s::timestamptz[], %(period_end)s::timestamptz[],"
        " %(metrics_position)s::bigint[], %(event_id)s::uuid[], %(correlation_id)s::text[],"
        " %(owner_kind)s::text[], %(owner_id)s::text[])"
        " ON CONFLICT (kpi) DO UPDATE SET retired = excluded.retired,"
        " definition = excluded.definition, period_value = excluded.period_value,"
        " latest_value = excluded.latest_value, period_start = excluded.period_start,"
        " period_end = excluded.period_end, metrics_position = excluded.metrics_position,"
        " event_id = excluded.event_id, correlation_id = excluded.correlation_id,"
        " owner_kind = excluded.owner_kind, owner_id = excluded.owner_id",
        _columns([_row(each) for each in heard]),
        prepare=True,
    )


def links_after(
    cursor: Cursor[DictRow],
    keys: Collection[str],
    after: LinkedKeyResult,
    limit: int,
    *,
    states: Sequence[ObjectiveState] = ("active",),
    in_closed_cycles: bool = False,
) -> list[LinkedKeyResult]:
    """Up to `limit` key results of objectives in these states that follow these KPIs, in order.

    A closed cycle is measured no more; a link in it ends when its KPI does.
    """
    cursor.execute(
        "SELECT l.objective_id, l.key_result_id, l.kpi FROM goals.kpi_links AS l"
        " JOIN goals.objectives AS o ON o.id = l.objective_id"
        " JOIN goals.cycles AS c ON c.id = o.cycle_id"
        " AND (c.state <> 'closed' OR %(in_closed_cycles)s)"
        " WHERE l.kpi = ANY(%(keys)s) AND o.state = ANY(%(states)s)"
        " AND (l.objective_id, l.key_result_id) > (%(objective_id)s, %(key_result_id)s)"
        " ORDER BY l.objective_id, l.key_result_id LIMIT %(limit)s",
        {
            "keys": list(keys),
            "states": list(states),
            "in_closed_cycles": in_closed_cycles,
            "objective_id": after.objective_id,
            "key_result_id": after.key_result_id,
            "limit": limit,
        },
        prepare=True,
    )
    return [
        LinkedKeyResult(row["objective_id"], row["key_result_id"], row["kpi"]) for row in cursor
    ]


def objectives_following(cursor: Cursor[DictRow], cycle_id: UUID, limit: int) -> list[UUID]:
    """Up to `limit` active objectives of a cycle that follow a KPI which has said something."""
    cursor.execute(
        "SELECT DISTINCT l.objective_id FROM goals.kpi_links AS l"
        " JOIN goals.objectives AS o ON o.id = l.objective_id"
        " JOIN goals.kpi_values AS v ON v.kpi = l.kpi AND v.metrics_position IS NOT NULL"
        " WHERE o.cycle_id = %s AND o.state = 'active' ORDER BY l.objective_id LIMIT %s",
        (cycle_id, limit),
    )
    return [row["objective_id"] for row in cursor]


def linked_kpis(cursor: Cursor[DictRow], keys: Collection[str]) -> set[str]:
    """Those of the KPIs that some key result of an active objective follows."""
    cursor.execute(
        "SELECT DISTINCT l.kpi FROM goals.kpi_links AS l"
        " JOIN goals.objectives AS o ON o.id = l.objective_id"
        " JOIN goals.cycles AS c ON c.id = o.cycle_id AND c.state <> 'closed'"
        " WHERE l.kpi = ANY(%s) AND o.state = 'active'",
        (list(keys),),
        prepare=True,
    )
    return {row["kpi"] for row in cursor}


def lock_checkpoint(cursor: Cursor[DictRow]) -> int:
    """How far the metrics were followed; nobody else moves it before this transaction ends."""
    cursor.execute(
        "SELECT position FROM goals.follow_checkpoint WHERE stream = %s FOR UPDATE",
        (METRICS_STREAM,),
    )
    row = cursor.fetchone()
    assert row is not None, "the migrations insert the row"
    position: int = row["position"]
    return position


def save_checkpoint(cursor: Cursor[DictRow], position: int) -> None:
    """Say that the metrics were followed up to `position`."""
    cursor.execute(
        "UPDATE goals.follow_checkpoint SET position = %s WHERE stream = %s",
        (position, METRICS_STREAM),
    )


async def read_checkpoint(connection: Connection) -> int:
    """How far the metrics were followed."""
    cursor = await connection.execute(
        "SELECT position FROM goals.follow_checkpoint WHERE stream = %s", (METRICS_STREAM,)
    )
    row = await cursor.fetchone()
    assert row is not None, "the migrations insert the row"
    position: int = row[0]
    return position


def _heard(row: DictRow) -> HeardKpi:
    value = cause = None
    if row["metrics_position"] is not None:
        value = KpiValue(
            definition=row["definition"],
            period=row["period_value"],
            latest=row["latest_value"],
            period_start=row["period_start"],
            period_end=row["period_end"],
            metrics_position=row["metrics_position"],
        )
        cause = Cause(event_id=row["event_id"], correlation_id=row["correlation_id"])
    owner = Owner(kind=row["owner_kind"], id=row["owner_id"]) if row["owner_kind"] else None
    kpi = Kpi(key=row["kpi"], retired=row["retired"], value=value, owner=owner)
    return HeardKpi(kpi=kpi, cause=cause)


def _row(heard: HeardKpi) -> Mapping[str, object]:
    value, cause, owner = heard.kpi.value, heard.cause, heard.kpi.owner
    return {
        "kpi": heard.kpi.key,
        "retired": heard.kpi.retired,
        "definition": value.definition if value else None,
        "period_value": value.period if value else None,
        "latest_value": value.latest if value else None,
        "period_start": value.period_start if value else None,
        "period_end": value.period_end if value else None,
        "metrics_position": value.metrics_position if value else None,
        "event_id": cause.event_id if cause else None,
        "correlation_id": cause.correlation_id if cause else None,
        "owner_kind": owner.kind if owner else None,
        "owner_id": owner.id if owner else None,
    }


def _columns(rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
