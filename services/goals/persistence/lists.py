"""Pages of cycles and of objectives, in the order in which they were written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow, class_row

from contracts.goals import Cadence, CheckInRhythm, CycleState, ObjectiveState, OwnerKind
from services.chassis.postgres import Pool, connection
from services.goals.domain.events import Owner

MAX_NAMED_OPEN: Final = 100
MAX_NAMESAKES: Final = 10


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
    labels: list[str]
    state: ObjectiveState
    version: int
    updated_at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObjective:
    """An objective that has not ended."""

    id: UUID
    title: str
    state: ObjectiveState


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """How many objectives a closed cycle leaves open, and the first MAX_NAMED_OPEN of them."""

    count: int
    first: Sequence[OpenObjective]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleFilter:
    """Which cycles are asked for; None asks for all. `on` is a day that they have in them."""

    state: CycleState | None = None
    cadence: Cadence | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveFilter:
    """Which objectives are asked for; None asks for all.

    `text` is looked for in titles and descriptions, in whatever case.
    """

    cycle_id: UUID | None = None
    owner: Owner | None = None
    state: ObjectiveState | None = None
    label: str | None = None
    text: str | None = None


async def list_cycles(
    pool: Pool, wanted: CycleFilter, *, after: int, limit: int
) -> list[CycleItem]:
    """Up to `limit` cycles planned after that position in the log, oldest first."""
    async with connection(pool) as lent, lent.cursor(row_factory=class_row(CycleItem)) as cursor:
        await cursor.execute(
            "SELECT id, name, starts_on, ends_on, cadence, check_in_rhythm, state, version,"
            " updated_at, planned_position AS position FROM goals.cycles"
            " WHERE planned_position > %(after)s"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(cadence)s::text IS NULL OR cadence = %(cadence)s)"
            " AND (%(on)s::date IS NULL OR %(on)s BETWEEN starts_on AND ends_on)"
            " ORDER BY planned_position LIMIT %(limit)s",
            {
                "after": after,
                "state": wanted.state,
                "cadence": wanted.cadence,
                "on": wanted.on,
                "limit": limit,
            },
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
            "SELECT id, cycle_id, owner_kind, owner_id, title, labels, state, version,"
            " updated_at, drafted_position AS position FROM goals.objectives"
            " WHERE drafted_position > %(after)s"
            " AND (%(cycle_id)s::uuid IS NULL OR cycle_id = %(cycle_id)s)"
            " AND (%(owner_kind)s::text IS NULL"
            " OR (owner_kind = %(owner_kind)s AND owner_id = %(owner_id)s))"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(label)s::text IS NULL OR labels @> ARRAY[%(label)s])"
            " AND (%(text)s::text IS NULL OR position(%(text)s IN sought) > 0)"
            " ORDER BY drafted_position LIMIT %(limit)s",
            {
                "after": after,
                "cycle_id": wanted.cycle_id,
                "owner_kind": owner.kind if owner else None,
                "owner_id": owner.id if owner else None,
                "state": wanted.state,
                "label": wanted.label,
                "text": wanted.text.casefold() if wanted.text is not None else None,
                "limit": limit,
            },
            # A plan for any parameters could use no index; each call is planned for its own.
            prepare=False,
        )
        return await cursor.fetchall()


async def objectives_of_cycle(pool: Pool, cycle_id: UUID, limit: int) -> list[UUID]:
    """Up to `limit` objectives of a cycle, in the order in which they were drafted."""
    async with connection(pool) as lent:
        cursor = await lent.execute(
            "SELECT id FROM goals.objectives WHERE cycle_id = %s"
            " ORDER BY drafted_position LIMIT %s",
            (cycle_id, limit),
        )
        return [row[0] for row in await cursor.fetchall()]


def cycles_named(cursor: Cursor[DictRow], name: str) -> list[UUID]:
    """The cycles of that name, MAX_NAMESAKES at most, in the order in which they were planned."""
    cursor.execute(
        "SELECT id FROM goals.cycles WHERE name = %s ORDER BY planned_position LIMIT %s",
        (name, MAX_NAMESAKES),
    )
    return [row["id"] for row in cursor]


def objectives_left_open(cursor: Cursor[DictRow], cycle_id: UUID) -> LeftOpen:
    """Which objectives of a cycle have not ended, oldest first."""
    cursor.execute(
        "SELECT id, title, state, count(*) OVER () AS left_open FROM goals.objectives"
        " WHERE cycle_id = %s AND state IN ('draft', 'proposed', 'active', 'postponed')"
        " ORDER BY drafted_position LIMIT %s",
        (cycle_id, MAX_NAMED_OPEN),
    )
    rows = cursor.fetchall()
    return LeftOpen(
        count=rows[0]["left_open"] if rows else 0,
        first=[OpenObjective(id=row["id"], title=row["title"], state=row["state"]) for row in rows],
    )
