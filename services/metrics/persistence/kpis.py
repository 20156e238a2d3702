"""Tables `kpis` and `kpi_definitions`: what the log says of KPIs, where queries can find it.

Rows are written inside the append transaction, by the event store's index hook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Cursor
from psycopg.rows import DictRow, class_row

from contracts.goals import OwnerKind
from contracts.metrics import Aggregation, Direction, KpiCadence
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.postgres import Connection
from services.metrics.domain.events import KpiDefined, KpiRedefined, KpiRetired, Owner, Terms
from services.metrics.domain.kpi import FIRST_DEFINITION
from services.metrics.domain.periods import periods_of
from services.metrics.domain.readings import RecordableKpi

# Whoever records readings holds this lock shared until COMMIT, whoever changes a KPI holds it
# alone: a reading is never recorded under a definition that ended before its batch did.
_LOCK_CLASS: Final = int.from_bytes(b"kpis")

_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%s, 0)"
_LOCK_ALONE = "SELECT pg_advisory_xact_lock(%s, 0)"

_CHANGED = """
SELECT k.kpi_no, k.key, k.definition, d.cadence, d.time_zone, k.retired_at, k.position
FROM metrics.kpis AS k JOIN metrics.kpi_definitions AS d USING (kpi_no, definition)
WHERE k.position > %s ORDER BY k.position
"""

_INSERT_KPI = """
INSERT INTO metrics.kpis (key, version, definition, defined_at, changed_at, position)
VALUES (%(key)s, %(version)s, %(definition)s, %(recorded_at)s, %(recorded_at)s, %(position)s)
"""
_INSERT_DEFINITION = """
INSERT INTO metrics.kpi_definitions (
    kpi_no, definition, name, unit, direction, owner_kind, owner_id, cadence, aggregation, time_zone
)
SELECT kpi_no, %(definition)s, %(name)s, %(unit)s, %(direction)s, %(owner_kind)s, %(owner_id)s,
    %(cadence)s, %(aggregation)s, %(time_zone)s
FROM metrics.kpis WHERE key = %(key)s
"""
_UPDATE_KPI = """
UPDATE metrics.kpis SET version = %(version)s, definition = coalesce(%(definition)s, definition),
    changed_at = %(recorded_at)s, retired_at = %(retired_at)s, position = %(position)s
WHERE key = %(key)s
"""

_SELECT = """
SELECT k.key, k.version, k.definition, k.defined_at, k.changed_at, k.retired_at, k.position,
    d.name, d.unit, d.direction, d.owner_kind, d.owner_id, d.cadence, d.aggregation, d.time_zone
FROM metrics.kpis AS k JOIN metrics.kpi_definitions AS d USING (kpi_no, definition)
"""
_FIND = _SELECT + "WHERE k.key = %s"
_LIST = (
    _SELECT
    + """
WHERE k.key > %(after)s
    AND starts_with(k.key, %(prefix)s)
    AND (%(owner_kind)s::text IS NULL
        OR (d.owner_kind = %(owner_kind)s AND d.owner_id = %(owner_id)s))
    AND (%(cadence)s::text IS NULL OR d.cadence = %(cadence)s)
    AND (%(retired)s::boolean IS NULL OR (k.retired_at IS NOT NULL) = %(retired)s)
ORDER BY k.key LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRow:
    """A KPI with its current definition; `version` is that of its aggregate."""

    key: str
    version: int
    definition: int
    defined_at: datetime
    changed_at: datetime
    retired_at: datetime | None
    position: int
    name: str
    unit: str
    direction: Direction
    owner_kind: OwnerKind
    owner_id: str
    cadence: KpiCadence
    aggregation: Aggregation
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiFilter:
    """Which KPIs to list: all for whom each given condition holds."""

    prefix: str = ""
    owner: Owner | None = None
    cadence: KpiCadence | None = None
    retired: bool | None = None


class Catalogue:
    """All KPIs as recording needs them, kept in memory and brought up to date before each use."""

    def __init__(self) -> None:
        self._kpis: dict[str, RecordableKpi] = {}
        self._position = 0

    def find(self, key: str) -> RecordableKpi | None:
        """The KPI of this key, as of the last `catch_up`."""
        return self._kpis.get(key)

    async def catch_up(self, connection: Connection) -> None:
        """Learn what changed, and keep it from changing until the transaction ends."""
        async with connection.pipeline():
            # A statement sees what was committed before it began, so the lock comes first.
            await connection.execute(_LOCK_SHARED, (_LOCK_CLASS,), prepare=True)
            cursor = await connection.execute(_CHANGED, (self._position,), prepare=True)
            rows = await cursor.fetchall()
        for number, key, definition, cadence, time_zone, retired_at, position in rows:
            periods = periods_of(cadence, time_zone)
            self._kpis[key] = RecordableKpi(
                number, definition, periods, retired=retired_at is not None
            )
            self._position = max(self._position, position)


def index_kpis(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write what events say of KPIs, in the append transaction."""
    cursor.execute(_LOCK_ALONE, (_LOCK_CLASS,))
    for logged in events:
        row: dict[str, object] = {
            "version": logged.originator_version,
            "recorded_at": logged.recorded_at,
            "position": logged.position,
            "definition": None,
            "retired_at": None,
        }
        match logged.event:
            case KpiDefined(key=key, terms=terms):
                row |= {"key": key, "definition": FIRST_DEFINITION}
                cursor.execute(_INSERT_KPI, row)
                cursor.execute(_INSERT_DEFINITION, row | _columns(terms))
            case KpiRedefined(key=key, definition=definition, terms=terms):
                row |= {"key": key, "definition": definition}
                cursor.execute(_UPDATE_KPI, row)
                cursor.execute(_INSERT_DEFINITION, row | _columns(terms))
            case KpiRetired(key=key):
                cursor.execute(_UPDATE_KPI, row | {"key": key, "retired_at": logged.recorded_at})


async def find_kpi(connection: Connection, key: str) -> KpiRow | None:
    """The KPI of this key, if there is one."""
    async with connection.cursor(row_factory=class_row(KpiRow)) as cursor:
        await cursor.execute(_FIND, (key,), prepare=True)
        return await cursor.fetchone()


async def list_kpis(
    connection: Connection, wanted: KpiFilter, *, after: str, limit: int
) -> list[KpiRow]:
    """Up to `limit` KPIs in the order of their keys, those after the key `after`."""
    async with connection.cursor(row_factory=class_row(KpiRow)) as cursor:
        await cursor.execute(
            _LIST,
            {
                "after": after,
                "prefix": wanted.prefix,
                "owner_kind": wanted.owner.kind if wanted.owner else None,
                "owner_id": wanted.owner.id if wanted.owner else None,
                "cadence": wanted.cadence,
                "retired": wanted.retired,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


def _columns(terms: Terms) -> dict[str, str]:
    return {
        "name": terms.name,
        "unit": terms.unit,
        "direction": terms.direction,
        "owner_kind": terms.owner.kind,
        "owner_id": terms.owner.id,
        "cadence": terms.cadence,
        "aggregation": terms.aggregation,
        "time_zone": terms.time_zone,
    }
