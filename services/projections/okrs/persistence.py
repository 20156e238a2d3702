"""The okrs group's tables: loading what a batch can move, and writing what it moved."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.chassis.postgres import Connection
from services.projections.okrs.model import Okrs
from services.projections.okrs.rows import Alignment, AlignmentKey, Cycle, KeyResult, Objective
from services.projections.temporal_table import TemporalTable

_CYCLES: Final = TemporalTable[UUID, Cycle]("okr_cycles", Cycle, {"cycle_id": "uuid"})
_OBJECTIVES: Final = TemporalTable[UUID, Objective](
    "okr_objectives", Objective, {"objective_id": "uuid"}
)
_KEY_RESULTS: Final = TemporalTable[UUID, KeyResult](
    "okr_key_results", KeyResult, {"key_result_id": "uuid"}
)
_ALIGNMENTS: Final = TemporalTable[AlignmentKey, Alignment](
    "okr_alignments",
    Alignment,
    {"child_id": "uuid", "parent_id": "uuid", "parent_key_result_id": "uuid"},
)

_ANCESTORS: Final = """
WITH RECURSIVE ancestors (objective_id) AS (
    SELECT unnest(%(objectives)s::uuid[])
    UNION
    SELECT alignment.parent_id
    FROM ancestors
    JOIN okr_alignments AS alignment ON alignment.child_id = ancestors.objective_id
    WHERE alignment.valid_to = 'infinity' AND alignment.kind = 'contributes'
)
SELECT objective_id FROM ancestors
"""

_ALIGNMENTS_AROUND: Final = """
SELECT child_id, parent_id, parent_key_result_id, kind, weight,
    valid_from, nullif(valid_to, 'infinity') AS valid_to
FROM okr_alignments
WHERE (child_id = ANY(%(objectives)s) OR parent_id = ANY(%(objectives)s))
    AND valid_to >= %(since)s
ORDER BY child_id, parent_id, parent_key_result_id, valid_from
"""

_REMEMBER_IN_CYCLE: Final = """
INSERT INTO okr_cycle_objectives (cycle_id, objective_id)
SELECT * FROM unnest(%s::uuid[], %s::uuid[])
ON CONFLICT DO NOTHING
"""


async def load(
    connection: Connection, okrs: Okrs, objectives: Iterable[UUID], since: datetime
) -> None:
    """Load the objectives and their ancestors with all that their progress is computed from.

    `since` is the moment of the last event applied. What is complete already is left as it is.
    """
    wanted = [each for each in objectives if each not in okrs.complete]
    if not wanted:
        return
    family = [each for each in await _ancestors(connection, wanted) if each not in okrs.complete]
    await _load_alignments(connection, okrs, family, since)
    children = {each.child_id for parent in family for each in okrs.below(parent)}
    around = [each for each in {*family, *children} if each not in okrs.complete]
    await _OBJECTIVES.load(connection, around, since, okrs.objectives.load)
    key_results = [
        key_result_id
        for objective in map(okrs.objective, family)
        if objective is not None
        for key_result_id in objective.key_result_ids
    ]
    await _KEY_RESULTS.load(connection, key_results, since, okrs.key_results.load)
    okrs.complete.update(family)


async def load_cycles(
    connection: Connection, okrs: Okrs, cycles: Iterable[UUID], since: datetime
) -> None:
    """Load cycles that are not loaded yet."""
    wanted = [each for each in cycles if each not in okrs.cycles]
    await _CYCLES.load(connection, wanted, since, okrs.cycles.load)


async def write(connection: Connection, okrs: Okrs) -> None:
    """Write every version that changed since the last `settle`."""
    await _CYCLES.write(connection, okrs.cycles.rewrite())
    await _OBJECTIVES.write(connection, okrs.objectives.rewrite())
    await _KEY_RESULTS.write(connection, okrs.key_results.rewrite())
    await _ALIGNMENTS.write(connection, okrs.alignments.rewrite())
    if okrs.joined:
        cycles, members = zip(*okrs.joined, strict=True)
        await connection.execute(_REMEMBER_IN_CYCLE, (list(cycles), list(members)))


async def _ancestors(connection: Connection, objectives: Sequence[UUID]) -> list[UUID]:
    """The objectives and whatever they contribute to, directly or not."""
    cursor = await connection.execute(_ANCESTORS, {"objectives": objectives})
    return [objective_id for (objective_id,) in await cursor.fetchall()]


async def _load_alignments(
    connection: Connection, okrs: Okrs, objectives: Sequence[UUID], since: datetime
) -> None:
    parameters = {"objectives": objectives, "since": since}
    await _ALIGNMENTS.load_selected(connection, _ALIGNMENTS_AROUND, parameters, okrs.load_alignment)
