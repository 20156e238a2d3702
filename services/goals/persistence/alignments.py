"""Who stands above and below whom, as of now or of a moment."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.arrays import UuidArray
from services.chassis.postgres import Pool, connection
from services.goals.domain.errors import AlignmentDepthError, RollUpTooLargeError
from services.goals.domain.objective import OPEN_STATES

MAX_ANCESTORS: Final = 10_000
MAX_CONTRIBUTORS: Final = 500
MAX_NAMED_CHILDREN: Final = 100

# UNION drops what was found before, so a walk ends although an objective has several parents.
_ANCESTORS: Final = (
    "WITH RECURSIVE above (id) AS ("
    " SELECT parent_id FROM goals.alignments WHERE child_id = %s AND ended_at IS NULL"
    " UNION"
    " SELECT a.parent_id FROM goals.alignments AS a JOIN above ON a.child_id = above.id"
    " WHERE a.ended_at IS NULL"
    ") SELECT id FROM above LIMIT %s"
)
_EDGES_ABOVE: Final = (
    "WITH RECURSIVE above (child_id, parent_id) AS ("
    " SELECT child_id, parent_id FROM goals.alignments"
    " WHERE child_id = ANY(%s) AND ended_at IS NULL"
    " UNION"
    " SELECT a.child_id, a.parent_id FROM goals.alignments AS a"
    " JOIN above ON a.child_id = above.parent_id WHERE a.ended_at IS NULL"
    ") SELECT child_id, parent_id FROM above LIMIT %s"
)
_CONTRIBUTORS: Final = (
    "WITH RECURSIVE below (id) AS ("
    " SELECT child_id FROM goals.alignments WHERE parent_id = %(id)s AND kind = 'contributes'"
    " AND ended_at IS NULL"
    " UNION"
    " SELECT a.child_id FROM goals.alignments AS a JOIN below ON a.parent_id = below.id"
    " WHERE a.kind = 'contributes' AND a.ended_at IS NULL"
    ") SELECT id FROM below LIMIT %(limit)s"
)
_CONTRIBUTORS_AT: Final = (
    "WITH RECURSIVE below (id) AS ("
    " SELECT child_id FROM goals.alignments WHERE parent_id = %(id)s AND kind = 'contributes'"
    " AND began_at <= %(at)s AND (ended_at IS NULL OR ended_at > %(at)s)"
    " UNION"
    " SELECT a.child_id FROM goals.alignments AS a JOIN below ON a.parent_id = below.id"
    " WHERE a.kind = 'contributes'"
    " AND a.began_at <= %(at)s AND (a.ended_at IS NULL OR a.ended_at > %(at)s)"
    ") SELECT id FROM below LIMIT %(limit)s"
)
_ALL_CONTRIBUTORS: Final = (
    "WITH RECURSIVE below (id) AS ("
    " SELECT child_id FROM goals.alignments"
    " WHERE parent_id = ANY(%(ids)s) AND kind = 'contributes'"
    " AND (%(at)s::timestamptz IS NULL OR began_at <= %(at)s)"
    " AND (ended_at IS NULL OR ended_at > %(at)s)"
    " UNION"
    " SELECT a.child_id FROM goals.alignments AS a JOIN below ON a.parent_id = below.id"
    " WHERE a.kind = 'contributes'"
    " AND (%(at)s::timestamptz IS NULL OR a.began_at <= %(at)s)"
    " AND (a.ended_at IS NULL OR a.ended_at > %(at)s)"
    ") SELECT id FROM below LIMIT %(limit)s"
)


def ancestors(cursor: Cursor[DictRow], objective_id: UUID) -> frozenset[UUID]:
    """All objectives that this one stands below, by alignments of either kind.

    Raises AlignmentDepthError when there are more than MAX_ANCESTORS.
    """
    cursor.execute(_ANCESTORS, (objective_id, MAX_ANCESTORS + 1), prepare=True)
    found = frozenset(row["id"] for row in cursor)
    if len(found) > MAX_ANCESTORS:
        raise AlignmentDepthError(MAX_ANCESTORS)
    return found


def standing_above(
    cursor: Cursor[DictRow], objective_ids: Collection[UUID]
) -> dict[UUID, set[UUID]]:
    """Whom each of these objectives, and each that they stand below, is aligned to.

    Raises AlignmentDepthError when that is more than MAX_ANCESTORS alignments.
    """
    cursor.execute(_EDGES_ABOVE, (UuidArray(list(objective_ids)), MAX_ANCESTORS + 1))
    rows = cursor.fetchall()
    if len(rows) > MAX_ANCESTORS:
        raise AlignmentDepthError(MAX_ANCESTORS)
    above: dict[UUID, set[UUID]] = {}
    for row in rows:
        above.setdefault(row["child_id"], set()).add(row["parent_id"])
    return above


def walk_up(above: Mapping[UUID, AbstractSet[UUID]], objective_id: UUID) -> set[UUID]:
    """All objectives that this one stands below, by what `standing_above` gives."""
    reached: set[UUID] = set()
    waiting = [objective_id]
    while waiting:
        news = above.get(waiting.pop(), frozenset()) - reached
        reached |= news
        waiting.extend(news)
    return reached


def aligned_to_key_result(
    cursor: Cursor[DictRow], objective_id: UUID, key_result_id: UUID
) -> list[UUID]:
    """What has not ended and is aligned to this key result of it, up to MAX_NAMED_CHILDREN."""
    cursor.execute(
        # Looked up by the objective, because that is what there is an index of.
        "SELECT a.child_id FROM goals.alignments AS a"
        " JOIN goals.objectives AS o ON o.id = a.child_id AND o.state = ANY(%s)"
        " WHERE a.parent_id = %s AND a.parent_key_result_id = %s AND a.ended_at IS NULL"
        " ORDER BY a.child_id LIMIT %s",
        (list(OPEN_STATES), objective_id, key_result_id, MAX_NAMED_CHILDREN),
    )
    return [row["child_id"] for row in cursor]


def contributors(cursor: Cursor[DictRow], objective_id: UUID) -> list[UUID]:
    """All objectives that contribute to this one, directly or through others.

    Raises RollUpTooLargeError when there are more than MAX_CONTRIBUTORS.
    """
    parameters = {"id": objective_id, "limit": MAX_CONTRIBUTORS + 1}
    cursor.execute(_CONTRIBUTORS, parameters, prepare=True)
    return _bounded([row["id"] for row in cursor])


async def read_contributors(pool: Pool, objective_id: UUID, as_of: datetime | None) -> list[UUID]:
    """The same for a reader, now or as it was known at a moment.

    Raises RollUpTooLargeError when there are more than MAX_CONTRIBUTORS.
    """
    async with connection(pool) as lent:
        cursor = await lent.execute(
            _CONTRIBUTORS if as_of is None else _CONTRIBUTORS_AT,
            {"id": objective_id, "at": as_of, "limit": MAX_CONTRIBUTORS + 1},
            prepare=True,
        )
        return _bounded([row[0] for row in await cursor.fetchall()])


async def read_all_contributors(
    pool: Pool, objective_ids: Sequence[UUID], as_of: datetime | None, *, limit: int
) -> list[UUID]:
    """Up to `limit` objectives that contribute to any of these, directly or through others."""
    async with connection(pool) as lent:
        cursor = await lent.execute(
            _ALL_CONTRIBUTORS, {"ids": UuidArray(objective_ids), "at": as_of, "limit": limit}
        )
        return [row[0] for row in await cursor.fetchall()]


def _bounded(found: list[UUID]) -> list[UUID]:
    if len(found) > MAX_CONTRIBUTORS:
        raise RollUpTooLargeError(MAX_CONTRIBUTORS)
    return found
