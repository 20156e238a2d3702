"""The okrs group's tables: loading what a batch can move, and writing what it moved."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from contracts.goals import Status
from services.chassis.postgres import Connection
from services.projections.okrs.model import Okrs
from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Cycle,
    KeyResult,
    Objective,
    Progress,
)
from services.projections.temporal_table import TemporalTable
from services.projections.timeline import Rewrite, Version

_DOCUMENTS: Final = msgspec.json.Encoder()
_KEY_RESULT: Final = msgspec.json.Decoder(KeyResult)


class StoredKeyResult(msgspec.Struct, frozen=True, gc=False):
    """A key result as its table has it: all of it in a JSON document, what is counted beside it."""

    key_result_id: UUID
    kpi: str | None
    status: Status | None
    confidence: float | None
    checked_in_at: datetime | None
    document: str


_CYCLES: Final = TemporalTable[UUID, Cycle]("okr_cycles", Cycle, ("cycle_id",))
_OBJECTIVES: Final = TemporalTable[UUID, Objective]("okr_objectives", Objective, ("objective_id",))
_PROGRESS: Final = TemporalTable[UUID, Progress]("okr_progress", Progress, ("objective_id",))
_KEY_RESULTS: Final = TemporalTable[UUID, StoredKeyResult](
    "okr_key_results", StoredKeyResult, ("key_result_id",)
)
_ALIGNMENTS: Final = TemporalTable[AlignmentKey, Alignment](
    "okr_alignments",
    Alignment,
    ("child_id", "parent_id", "parent_key_result_id"),
)

# OFFSET keeps the look-up from being planned as a join, which would read all alignments.
_ANCESTORS: Final = """
WITH RECURSIVE ancestors (objective_id) AS (
    SELECT unnest(%(objectives)s::uuid[])
    UNION
    SELECT above.parent_id
    FROM ancestors
    CROSS JOIN LATERAL (
        SELECT alignment.parent_id FROM okr_alignments AS alignment
        WHERE alignment.child_id = ancestors.objective_id
            AND alignment.valid_to = 'infinity' AND alignment.kind = 'contributes'
        OFFSET 0
    ) AS above
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
    wanted = _incomplete(okrs, objectives)
    if not wanted:
        return
    family = _incomplete(okrs, await _ancestors(connection, wanted))
    alignments = await _load_alignments(connection, okrs, family, since)
    around = _incomplete(okrs, {*family, *(each.child_id for each in alignments)})
    await _OBJECTIVES.load(connection, around, since, okrs.objectives.load)
    await _PROGRESS.load(connection, around, since, okrs.progress.load)
    await _load_key_results(connection, okrs, family, since)
    okrs.take_in(around, alignments, complete=family)


async def load_cycles(
    connection: Connection, okrs: Okrs, cycles: Iterable[UUID], since: datetime
) -> None:
    """Load cycles that are not loaded yet."""
    wanted = [each for each in cycles if each not in okrs.cycles]
    await _CYCLES.load(connection, wanted, since, okrs.cycles.load)


async def write(connection: Connection, okrs: Okrs, at: datetime) -> None:
    """Write every version that changed since the last `write`, up to the moment `at`."""
    await _CYCLES.write(connection, okrs.cycles.rewrite(at))
    await _OBJECTIVES.write(connection, okrs.objectives.rewrite(at))
    await _PROGRESS.write(connection, okrs.progress.rewrite(at))
    removed, ended, added = okrs.key_results.rewrite(at)
    await _KEY_RESULTS.write(connection, Rewrite(removed, ended, [_stored(each) for each in added]))
    await _ALIGNMENTS.write(connection, okrs.alignments.rewrite(at))
    if okrs.joined:
        cycles, members = zip(*okrs.joined, strict=True)
        await connection.execute(_REMEMBER_IN_CYCLE, (list(cycles), list(members)))
        okrs.joined.clear()


async def _ancestors(connection: Connection, objectives: Sequence[UUID]) -> list[UUID]:
    """The objectives and whatever they contribute to, directly or not."""
    cursor = await connection.execute(_ANCESTORS, {"objectives": objectives})
    return [objective_id for (objective_id,) in await cursor.fetchall()]


async def _load_alignments(
    connection: Connection, okrs: Okrs, objectives: Sequence[UUID], since: datetime
) -> list[Alignment]:
    """Load the alignments above and below the objectives; those that hold."""
    holding: list[Alignment] = []

    def take(key: AlignmentKey, versions: list[Version[Alignment]]) -> None:
        okrs.alignments.load(key, versions)
        holding.extend(each.row for each in versions if each.valid_to is None)

    parameters = {"objectives": objectives, "since": since}
    await _ALIGNMENTS.load_selected(connection, _ALIGNMENTS_AROUND, parameters, take)
    return holding


def _incomplete(okrs: Okrs, objectives: Iterable[UUID]) -> list[UUID]:
    return [each for each in objectives if not okrs.node(each).complete]


async def _load_key_results(
    connection: Connection, okrs: Okrs, objectives: Iterable[UUID], since: datetime
) -> None:
    """Load the key results of the objectives."""

    def take(key: UUID, versions: list[Version[StoredKeyResult]]) -> None:
        okrs.key_results.load(key, [_held(each) for each in versions])

    known = (okrs.objective(each) for each in objectives)
    owned = [each for objective in known if objective for each in objective.key_result_ids]
    await _KEY_RESULTS.load(connection, owned, since, take)


def _stored(version: Version[KeyResult]) -> Version[StoredKeyResult]:
    row = version.row
    stored = StoredKeyResult(
        key_result_id=row.key_result_id,
        kpi=row.kpi,
        status=row.status,
        confidence=row.confidence,
        checked_in_at=row.checked_in_at,
        document=_DOCUMENTS.encode(row).decode(),
    )
    return Version(stored, version.valid_from, version.valid_to)


def _held(version: Version[StoredKeyResult]) -> Version[KeyResult]:
    row = _KEY_RESULT.decode(version.row.document)
    return Version(row, version.valid_from, version.valid_to)
