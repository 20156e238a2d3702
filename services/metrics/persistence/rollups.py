"""Tables `touched_periods` and `rollups`: which periods to look at again, and what they came to.

A period is computed from its readings, all of them, each time it was touched: so late readings
and corrections are always right, and nothing has to be subtracted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from psycopg import Cursor
from psycopg.rows import DictRow, class_row

from services.chassis.eventstore.context import LoggedEvent
from services.chassis.postgres import Connection
from services.metrics.domain.events import KpiMeasured

_MARK_ONE = """
INSERT INTO metrics.touched_periods (kpi_no, definition, period_start, period_end)
SELECT kpi_no, %(definition)s, %(period_start)s, %(period_end)s
FROM metrics.kpis WHERE key = %(key)s
"""

_TOUCHED = """
SELECT DISTINCT t.kpi_no, t.definition, t.period_start, t.period_end, k.key
FROM metrics.touched_periods AS t JOIN metrics.kpis AS k USING (kpi_no)
WHERE (t.kpi_no, t.definition, t.period_start)
    > (%(kpi_no)s, %(definition)s, %(period_start)s)
ORDER BY t.kpi_no, t.definition, t.period_start LIMIT %(limit)s
"""

_NEWEST_TOUCHED = """
SELECT t.kpi_no, t.definition, t.period_start, t.period_end, k.key
FROM metrics.touched_periods AS t JOIN metrics.kpis AS k USING (kpi_no)
WHERE k.key = %s
ORDER BY t.definition DESC, t.period_start DESC LIMIT 1
"""

_UNMARK = """
DELETE FROM metrics.touched_periods AS t
USING unnest(%(kpis)s::integer[], %(definitions)s::integer[], %(starts)s::timestamptz[])
    AS done (kpi_no, definition, period_start)
WHERE t.kpi_no = done.kpi_no AND t.definition = done.definition
    AND t.period_start = done.period_start
"""

# A period's rows are then read along the primary key, backwards, which is the order in which
# they are added up: the same readings give the same sum, to the last bit.
_READ_IN_ORDER = "SELECT set_config('enable_bitmapscan', 'off', true)"

_CHANGED = """
SELECT asked.place, measured.value, total.readings, latest.value AS latest_value,
    latest.at AS latest_at
FROM unnest(
        %(kpis)s::integer[], %(definitions)s::integer[],
        %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) WITH ORDINALITY AS asked (kpi_no, definition, period_start, period_end, place)
JOIN metrics.kpi_definitions AS d USING (kpi_no, definition)
CROSS JOIN LATERAL (
    SELECT r.value, r.at FROM metrics.readings AS r
    WHERE r.kpi_no = asked.kpi_no
        AND r.at >= asked.period_start AND r.at < asked.period_end
    ORDER BY r.at DESC, r.source_no DESC, r.revision DESC LIMIT 1
) AS latest
CROSS JOIN LATERAL (
    SELECT count(*) AS readings, sum(value) AS sum, min(value) AS min, max(value) AS max
    FROM (
        SELECT DISTINCT ON (r.at, r.source_no) r.value FROM metrics.readings AS r
        WHERE r.kpi_no = asked.kpi_no
            AND r.at >= asked.period_start AND r.at < asked.period_end
        ORDER BY r.at DESC, r.source_no DESC, r.revision DESC
    ) AS current
) AS total
CROSS JOIN LATERAL (
    SELECT CASE d.aggregation
        WHEN 'last' THEN latest.value
        WHEN 'sum' THEN total.sum
        WHEN 'mean' THEN CASE
            -- A quotient that is rounded to zero would be an error.
            WHEN abs(total.sum) * 2 <= total.readings * '5e-324'::double precision THEN 0
            -- Rounding must not push a mean outside of what it is a mean of.
            ELSE least(greatest(total.sum / total.readings, total.min), total.max)
        END
        WHEN 'min' THEN total.min
        WHEN 'max' THEN total.max
        WHEN 'count' THEN total.readings
    END AS value
) AS measured
LEFT JOIN metrics.rollups AS old USING (kpi_no, definition, period_start)
WHERE (old.value, old.readings, old.latest_value, old.latest_at)
    IS DISTINCT FROM (measured.value, total.readings, latest.value, latest.at)
ORDER BY asked.place
"""

_UPSERT = """
INSERT INTO metrics.rollups AS r (
    kpi_no, definition, period_start, period_end, value, readings, latest_value, latest_at,
    position
)
SELECT k.kpi_no, e.definition, e.period_start, e.period_end, e.value, e.readings,
    e.latest_value, e.latest_at, e.position
FROM unnest(
    %(key)s::text[], %(definition)s::integer[], %(period_start)s::timestamptz[],
    %(period_end)s::timestamptz[], %(value)s::double precision[], %(readings)s::bigint[],
    %(latest_value)s::double precision[], %(latest_at)s::timestamptz[], %(position)s::bigint[]
) AS e (
    key, definition, period_start, period_end, value, readings, latest_value, latest_at, position
)
JOIN metrics.kpis AS k USING (key)
ON CONFLICT (kpi_no, definition, period_start) DO UPDATE SET
    value = excluded.value, readings = excluded.readings,
    latest_value = excluded.latest_value, latest_at = excluded.latest_at,
    position = excluded.position
"""

_LIST = """
SELECT r.definition, r.period_start, r.period_end, r.value, r.readings, r.latest_value,
    r.latest_at, r.position
FROM metrics.rollups AS r JOIN metrics.kpis AS k USING (kpi_no)
WHERE k.key = %(key)s AND r.definition = %(definition)s
    AND r.period_start > %(after)s
    AND r.period_end > %(start)s AND r.period_start < %(end)s
ORDER BY r.period_start LIMIT %(limit)s
"""

_MEASURED_FIELDS: Final = (
    "key",
    "definition",
    "period_start",
    "period_end",
    "value",
    "readings",
    "latest_value",
    "latest_at",
)


class MarkedPeriod(NamedTuple):
    """A period that got readings since it was last computed; in the order in which they are."""

    kpi_no: int
    definition: int
    period_start: datetime
    period_end: datetime
    key: str


# Before all that can be.
FIRST_MARK: Final = MarkedPeriod(
    0, 0, datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), ""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What the readings of a period came to; `position` is that of the event that says so."""

    definition: int
    period_start: datetime
    period_end: datetime
    value: float
    readings: int
    latest_value: float
    latest_at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupFilter:
    """Which rollups of a KPI to list: by one definition, of periods that meet [start, end)."""

    definition: int
    start: datetime
    end: datetime


async def marked_after(
    connection: Connection, after: MarkedPeriod, limit: int
) -> list[MarkedPeriod]:
    """Up to `limit` marked periods, each once, those behind `after` in their order."""
    async with connection.cursor() as cursor:
        await cursor.execute(
            _TOUCHED,
            {
                "kpi_no": after.kpi_no,
                "definition": after.definition,
                "period_start": after.period_start,
                "limit": limit,
            },
            prepare=True,
        )
        return [MarkedPeriod(*row) for row in await cursor.fetchall()]


def newest_marked(cursor: Cursor[DictRow], key: str) -> list[MarkedPeriod]:
    """The newest of a KPI's marked periods, if there is one."""
    cursor.execute(_NEWEST_TOUCHED, (key,))
    return [MarkedPeriod(**row) for row in cursor]


def mark_one(
    cursor: Cursor[DictRow], key: str, definition: int, period_start: datetime, period_end: datetime
) -> None:
    """Have a period computed as one definition cuts and aggregates it."""
    cursor.execute(
        _MARK_ONE,
        {
            "key": key,
            "definition": definition,
            "period_start": period_start,
            "period_end": period_end,
        },
    )


def unmark(cursor: Cursor[DictRow], periods: Sequence[MarkedPeriod]) -> None:
    """Delete the marks of these periods, of readings that are committed by now."""
    cursor.execute(_UNMARK, _columns(periods), prepare=True)


def changed_measurements(
    cursor: Cursor[DictRow], periods: Sequence[MarkedPeriod]
) -> Iterator[KpiMeasured]:
    """What these periods come to now, where that is not what `rollups` says."""
    cursor.execute(_READ_IN_ORDER)
    cursor.execute(_CHANGED, _columns(periods), prepare=True)
    for row in cursor.fetchall():
        period = periods[row["place"] - 1]
        yield KpiMeasured(
            key=period.key,
            definition=period.definition,
            period_start=period.period_start,
            period_end=period.period_end,
            value=row["value"],
            readings=row["readings"],
            latest_value=row["latest_value"],
            latest_at=row["latest_at"],
        )


def index_measurements(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write what measurements say, in the append transaction."""
    columns: dict[str, list[object]] = {
        name: [getattr(logged.event, name) for logged in events] for name in _MEASURED_FIELDS
    }
    columns["position"] = [logged.position for logged in events]
    cursor.execute(_UPSERT, columns, prepare=True)


async def list_rollups(
    connection: Connection, key: str, wanted: RollupFilter, *, after: datetime, limit: int
) -> list[Rollup]:
    """Up to `limit` rollups of a KPI in order, those of periods that start after `after`."""
    async with connection.cursor(row_factory=class_row(Rollup)) as cursor:
        await cursor.execute(
            _LIST,
            {
                "key": key,
                "definition": wanted.definition,
                "start": wanted.start,
                "end": wanted.end,
                "after": after,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


def _columns(periods: Sequence[MarkedPeriod]) -> dict[str, list[object]]:
    kpis, definitions, starts, ends, _ = zip(*periods, strict=True)
    return {
        "kpis": list(kpis),
        "definitions": list(definitions),
        "starts": list(starts),
        "ends": list(ends),
    }
