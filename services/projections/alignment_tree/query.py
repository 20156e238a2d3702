"""What the alignment tree is read from: the okrs rows that held at a moment, by index alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from contracts.goals import Ambition, OwnerKind, Verdict
from services.chassis.postgres import Connection
from services.projections.errors import QueryError
from services.projections.okrs.rows import ObjectiveState

# The roots of a cycle hang below nothing of the same cycle; what is above in another does not
# make them less of a beginning here.
_ROOTS_OF_CYCLE: Final = """
SELECT member.objective_id
FROM okr_cycle_objectives AS member
CROSS JOIN LATERAL (
    SELECT version.cycle_id FROM okr_objectives AS version
    WHERE version.objective_id = member.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS objective
WHERE member.cycle_id = %(cycle)s AND objective.cycle_id = %(cycle)s
    AND NOT EXISTS (
        SELECT FROM okr_alignments AS alignment
        JOIN okr_cycle_objectives AS parent
            ON parent.cycle_id = %(cycle)s AND parent.objective_id = alignment.parent_id
        WHERE alignment.child_id = member.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    )
LIMIT %(limit)s
"""

_ROOTS: Final = """
SELECT DISTINCT member.objective_id
FROM okr_cycle_objectives AS member
WHERE NOT EXISTS (
    SELECT FROM okr_alignments AS alignment
    WHERE alignment.child_id = member.objective_id
        AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
)
LIMIT %(limit)s
"""

# Level by level, so that what the limit cuts off is the deepest part. An objective can come up
# once on each level; UNION drops the rest, and would end a circle.
#
# Key results and parents come as JSON, ready for the response: PostgreSQL writes it beside the
# event loop, which is free for others while ten thousand objectives are put together.
_NODES: Final = """
WITH RECURSIVE reach (objective_id, depth) AS (
    SELECT unnest(%(roots)s::uuid[]), 0
    UNION
    SELECT alignment.child_id, reach.depth + 1
    FROM reach
    JOIN okr_alignments AS alignment ON alignment.parent_id = reach.objective_id
    WHERE reach.depth < %(depth)s
        AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
),
reached AS MATERIALIZED (
    SELECT objective_id, depth FROM reach LIMIT %(limit)s
),
places AS MATERIALIZED (
    SELECT objective_id, min(depth) AS depth FROM reached GROUP BY objective_id
)
SELECT places.objective_id::text AS id, places.depth,
    (SELECT count(*) FROM reached) AS reached,
    objective.cycle_id, objective.title,
    objective.owner_kind, objective.owner_id, objective.state, objective.ambition,
    objective.score, objective.verdict, progress.own_progress, progress.progress,
    key_results.shown::text AS key_results,
    parents.shown::text AS parents,
    ARRAY(
        SELECT DISTINCT alignment.child_id::text FROM okr_alignments AS alignment
        WHERE alignment.parent_id = places.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    ) AS children
FROM places
CROSS JOIN LATERAL (
    SELECT version.* FROM okr_objectives AS version
    WHERE version.objective_id = places.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS objective
LEFT JOIN LATERAL (
    SELECT version.own_progress, version.progress FROM okr_progress AS version
    WHERE version.objective_id = places.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS progress ON true
CROSS JOIN LATERAL (
    SELECT json_agg(key_result ORDER BY member.place) AS shown
    FROM unnest(objective.key_result_ids) WITH ORDINALITY AS member (key_result_id, place)
    CROSS JOIN LATERAL (
        SELECT version.key_result_id AS id, version.title, version.type, version.baseline,
            version.target, version.stretch, version.unit, version.weight, version.due_on,
            version.value, version.value_at, version.attainment, version.progress,
            version.source, version.position, version.confidence, version.status,
            version.checked_in_at, version.kpi, version.score
        FROM okr_key_results AS version
        WHERE version.key_result_id = member.key_result_id AND version.valid_from <= %(at)s
        ORDER BY version.valid_from DESC LIMIT 1
    ) AS key_result
) AS key_results
CROSS JOIN LATERAL (
    SELECT json_agg(parent ORDER BY parent.objective_id, parent.key_result_id) AS shown
    FROM (
        SELECT alignment.parent_id AS objective_id,
            alignment.parent_key_result_id AS key_result_id, alignment.kind, alignment.weight
        FROM okr_alignments AS alignment
        WHERE alignment.child_id = places.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    ) AS parent
) AS parents
"""


class UnknownObjectiveError(QueryError):
    """No such objective was known at the moment asked for."""

    def __init__(self, objective_id: UUID) -> None:
        super().__init__(f"No objective {objective_id} was known then.")


@dataclass(frozen=True, slots=True)
class NodeRow:
    """An objective as it was, with how far below the nearest root it stands.

    `reached` is how many places the whole query reached, the same in every row.
    `key_results` and `parents` are JSON arrays, None where there are none; `children` are the
    ids of what is aligned to it, also below the last level that was asked for.
    """

    id: str
    depth: int
    reached: int
    cycle_id: UUID
    title: str
    owner_kind: OwnerKind
    owner_id: str
    state: ObjectiveState
    ambition: Ambition
    score: float | None
    verdict: Verdict | None
    own_progress: float | None
    progress: float | None
    key_results: str | None
    parents: str | None
    children: list[str]


async def find_roots(
    connection: Connection, *, cycle_id: UUID | None, at: datetime, limit: int
) -> list[UUID]:
    """The objectives below nothing at a moment: those of a cycle, or of all."""
    statement = _ROOTS if cycle_id is None else _ROOTS_OF_CYCLE
    found = await connection.execute(statement, {"cycle": cycle_id, "at": at, "limit": limit})
    return [objective_id for (objective_id,) in await found.fetchall()]


async def find_nodes(
    connection: Connection, roots: Sequence[UUID], *, depth: int, at: datetime, limit: int
) -> list[NodeRow]:
    """What stands below the roots at a moment, at most `depth` levels and about `limit` nodes.

    The limit is on places reached: an objective that stands on several levels counts on each.
    """
    async with connection.cursor(row_factory=class_row(NodeRow)) as cursor:
        await cursor.execute(_NODES, {"roots": roots, "depth": depth, "at": at, "limit": limit})
        return await cursor.fetchall()
