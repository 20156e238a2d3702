"""Pages of cycles and of objectives, in the order in which they were written down."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow, class_row

from contracts.goals import Cadence, CheckInRhythm, OwnerKind
from services.chassis.postgres import Pool, connection
from services.goals.domain.errors import CycleState, ObjectiveState
from services.goals.domain.events import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleItem:
    """A cycle in a list; `position` is where in the log it was planned."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    version: int
    updated_at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveItem:
    """An objective in a list; `position` is where in the log it was drafted."""

    id: UUID
    cycle_id: UUID
    owner_kind: OwnerKind
    owner_id: str
    title: str
    state: ObjectiveState
    version: int
    updated_at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveFilter:
    """Which objectives are asked for; None asks for all."""

    cycle_id: UUID | None = None
    owner: Owner | None = None
    state: ObjectiveState | None = None


async def list_cycles(
    pool: Pool, *, state: CycleState | None, after: int, limit: int
) -> list[CycleItem]:
    """Up to `limit` cycles planned after that position in the log, oldest first."""
    async with connection(pool) as lent, lent.cursor(row_factory=class_row(CycleItem)) as cursor:
        await cursor.execute(
            "SELECT id, name, starts_on, ends_on, cadence, check_in_rhythm, state, version,"
            " updated_at, planned_position AS position FROM goals.cycles"
            " WHERE planned_position > %(after)s"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " ORDER BY planned_position LIMIT %(limit)s",
            {"after": after, "state": state, "limit": limit},
        )
        return await cursor.fetchall()


async def list_objectives(
    pool: Pool, wanted: ObjectiveFilter, *, after: int, limit: int
) -> list[ObjectiveItem]:
    """Up to `limit` objectives drafted after that position in the log, oldest first."""
    owner = wanted.owner
    async with (
        connection(pool) as lent,
        lent.cursor(row_factory=class_row(ObjectiveItem)) as cursor,
    ):
        await cursor.execute(
            "SELECT id, cycle_id, owner_kind, owner_id, title, state, version, updated_at,"
            " drafted_position AS position FROM goals.objectives"
            " WHERE drafted_position > %(after)s"
            " AND (%(cycle_id)s::uuid IS NULL OR cycle_id = %(cycle_id)s)"
            " AND (%(owner_kind)s::text IS NULL"
            " OR (owner_kind = %(owner_kind)s AND owner_id = %(owner_id)s))"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " ORDER BY drafted_position LIMIT %(limit)s",
            {
                "after": after,
                "cycle_id": wanted.cycle_id,
                "owner_kind": owner.kind if owner else None,
                "owner_id": owner.id if owner else None,
                "state": wanted.state,
                "limit": limit,
            },
            # A plan for any parameters could use no index; each call is planned for its own.
            prepare=False,
        )
        return await cursor.fetchall()


def count_active_objectives(cursor: Cursor[DictRow], cycle_id: UUID) -> int:
    """How many objectives of a cycle are being worked on."""
    cursor.execute(
        "SELECT count(*) AS active FROM goals.objectives WHERE cycle_id = %s AND state = 'active'",
        (cycle_id,),
    )
    row = cursor.fetchone()
    assert row is not None
    active: int = row["active"]
    return active
