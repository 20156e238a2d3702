"""What the alignment tree is read from: the okrs rows that held at a moment, by index alone."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncCursor
from psycopg.rows import args_row

from contracts.goals import AlignmentKind, Ambition, ObjectiveState, OwnerKind, Verdict
from services.chassis.postgres import Connection
from services.projections.alignment_tree.pace import DOCUMENT_SEPARATOR
from services.projections.alignment_tree.tree import Alignment
from services.projections.errors import QueryError

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
# once on each level; UNION drops the rest, and would end a circle. OFFSET 0 keeps the planner from
# reading all alignments there are to find those of a few parents.
#
# Key results come as the JSON that the answer shows: none of the event loop's time goes into taking
# them apart and putting them together again.
_NODES: Final = """
WITH RECURSIVE reach (objective_id, depth) AS (
    SELECT unnest(%(roots)s::uuid[]), 0
    UNION
    SELECT alignment.child_id, reach.depth + 1
    FROM reach
    CROSS JOIN LATERAL (
        SELECT version.child_id FROM okr_alignments AS version
        WHERE version.parent_id = reach.objective_id
            AND version.valid_from <= %(at)s AND version.valid_to > %(at)s
        OFFSET 0
    ) AS alignment
    WHERE reach.depth < %(depth)s
),
reached AS MATERIALIZED (
    SELECT objective_id, depth FROM reach LIMIT %(limit)s
),
places AS MATERIALIZED (
    SELECT objective_id, min(depth) AS depth FROM reached GROUP BY objective_id
)
SELECT places.objective_id::text AS id, places.depth,
    (SELECT count(*) FROM reached) AS reached,
    objective.cycle_id::text, objective.title,
    objective.owner_kind, objective.owner_id, objective.state, objective.ambition,
    objective.score, objective.verdict, objective.labels, objective.delegates::text,
    objective.approved_at, objective.ended_at,
    objective.predecessor_id::text, objective.successor_id::text,
    progress.own_progress, progress.progress, nullif(progress.position, 0),
    (
        SELECT string_agg(key_result.document, %(separator)s ORDER BY member.place)
        FROM unnest(objective.key_result_ids) WITH ORDINALITY AS member (key_result_id, place)
        CROSS JOIN LATERAL (
            SELECT version.document FROM okr_key_results AS version
            WHERE version.key_result_id = member.key_result_id AND version.valid_from <= %(at)s
            ORDER BY version.valid_from DESC LIMIT 1
        ) AS key_result
    ) AS key_results,
    (
        SELECT json_agg(json_build_array(
            alignment.parent_id, alignment.parent_key_result_id, alignment.kind, alignment.weight
        ))::text
        FROM okr_alignments AS alignment
        WHERE alignment.child_id = places.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    ) AS parents,
    CASE WHEN places.depth = %(depth)s THEN (
        SELECT json_agg(json_build_array(
            alignment.child_id, alignment.parent_key_result_id, alignment.kind, alignment.weight
        ))::text
        FROM okr_alignments AS alignment
        WHERE alignment.parent_id = places.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    ) END AS below,
    cycle.starts_on, cycle.ends_on
FROM places
CROSS JOIN LATERAL (
    SELECT version.* FROM okr_objectives AS version
    WHERE version.objective_id = places.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS objective
LEFT JOIN LATERAL (
    SELECT version.own_progress, version.progress, version.position FROM okr_progress AS version
    WHERE version.objective_id = places.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS progress ON true
LEFT JOIN LATERAL (
    SELECT version.starts_on, version.ends_on FROM okr_cycles AS version
    WHERE version.cycle_id = objective.cycle_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS cycle ON true
"""

# Of an alignment that is read with one of its ends: the other end, and what it says.
_ALIGNED: Final = msgspec.json.Decoder(list[tuple[str, str | None, AlignmentKind, float]])


class UnknownObjectiveError(QueryError):
    """No such objective was known at the moment asked for."""

    def __init__(self, objective_id: UUID) -> None:
        super().__init__(f"No objective {objective_id} was known then.")


class TwoBeginningsError(QueryError):
    """A tree was to begin at an objective, and at what hangs below nothing of a cycle."""

    def __init__(self) -> None:
        super().__init__("Send root or cycle, not both.")


class NodeRow(NamedTuple):
    """An objective as it was, with how far below the nearest root it stands.

    `reached` is how many places the whole query reached, the same in every row. `delegates` is a
    JSON array; `key_results` are JSON objects, separated as `pace` says, None where there are none;
    `parents`, and `below` on the last level only, are what `alignments` reads. `starts_on` and
    `ends_on` are its cycle's, None where that was not known. The fields are the columns of _NODES
    in their order: ten thousand rows that are put together by name take long.
    """

    id: str
    depth: int
    reached: int
    cycle_id: str
    title: str
    owner_kind: OwnerKind
    owner_id: str
    state: ObjectiveState
    ambition: Ambition
    score: float | None
    verdict: Verdict | None
    labels: list[str]
    delegates: str
    approved_at: datetime | None
    ended_at: datetime | None
    predecessor_id: str | None
    successor_id: str | None
    own_progress: float | None
    progress: float | None
    position: int | None
    key_results: str | None
    parents: str | None
    below: str | None
    starts_on: date | None
    ends_on: date | None


async def find_roots(
    connection: Connection, *, cycle_id: UUID | None, at: datetime, limit: int
) -> list[UUID]:
    """The objectives below nothing at a moment: those of a cycle, or of all."""
    statement = _ROOTS if cycle_id is None else _ROOTS_OF_CYCLE
    parameters = {"cycle": cycle_id, "at": at, "limit": limit}
    found = await connection.execute(statement, parameters, prepare=True)
    return [objective_id for (objective_id,) in await found.fetchall()]


async def ask_nodes(
    connection: Connection, roots: Sequence[UUID], *, depth: int, at: datetime, limit: int
) -> AsyncCursor[NodeRow]:
    """What stands below the roots at a moment, at most `depth` levels and about `limit` nodes.

    The limit is on places reached: an objective that stands on several levels counts on each.
    The rows are for the caller to fetch; once a pipeline has ended, they are there.
    """
    parameters = {
        "roots": roots,
        "depth": depth,
        "at": at,
        "limit": limit,
        "separator": DOCUMENT_SEPARATOR,
    }
    cursor = connection.cursor(row_factory=args_row(NodeRow))
    return await cursor.execute(_NODES, parameters, prepare=True)


def alignments(rows: Iterable[NodeRow]) -> set[Alignment]:
    """What the objectives are aligned to, and what is aligned to those on the last level."""
    found: set[Alignment] = set()
    for row in rows:
        if row.parents is not None:
            found.update(Alignment(row.id, *parent) for parent in _ALIGNED.decode(row.parents))
        if row.below is not None:
            for child_id, key_result_id, kind, weight in _ALIGNED.decode(row.below):
                found.add(Alignment(child_id, row.id, key_result_id, kind, weight))
    return found
