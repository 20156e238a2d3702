"""What the dashboard is read from: each objective of a cycle as it stood, and its key results."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from contracts.goals import ObjectiveState, OwnerKind
from contracts.progress import COUNTING_STATES
from services.chassis.postgres import Connection
from services.projections.errors import QueryError

# `since` is NULL where nobody asks what changed: then nothing is looked up for it.
_STANDINGS: Final = """
SELECT member.objective_id AS id, objective.title, objective.owner_kind, objective.owner_id,
    objective.state, objective.ended_at, progress.progress, earlier.state AS state_before,
    earlier_progress.progress AS progress_before,
    key_results.total AS key_results, key_results.on_track, key_results.at_risk,
    key_results.off_track, key_results.unchecked, key_results.confidences,
    key_results.confidence
FROM okr_cycle_objectives AS member
CROSS JOIN LATERAL (
    SELECT version.* FROM okr_objectives AS version
    WHERE version.objective_id = member.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS objective
LEFT JOIN LATERAL (
    SELECT version.progress FROM okr_progress AS version
    WHERE version.objective_id = member.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS progress ON true
LEFT JOIN LATERAL (
    SELECT version.state FROM okr_objectives AS version
    WHERE version.objective_id = member.objective_id AND version.valid_from <= %(since)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS earlier ON true
LEFT JOIN LATERAL (
    SELECT version.progress FROM okr_progress AS version
    WHERE version.objective_id = member.objective_id AND version.valid_from <= %(since)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS earlier_progress ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
        count(*) FILTER (WHERE key_result.status = 'on_track') AS on_track,
        count(*) FILTER (WHERE key_result.status = 'at_risk') AS at_risk,
        count(*) FILTER (WHERE key_result.status = 'off_track') AS off_track,
        count(*) FILTER (
            WHERE key_result.checked_in_at IS NULL AND key_result.kpi IS NULL
        ) AS unchecked,
        count(key_result.confidence) AS confidences,
        avg(key_result.confidence) AS confidence
    FROM unnest(objective.key_result_ids) AS owned (key_result_id)
    CROSS JOIN LATERAL (
        SELECT version.* FROM okr_key_results AS version
        WHERE version.key_result_id = owned.key_result_id AND version.valid_from <= %(at)s
        ORDER BY version.valid_from DESC LIMIT 1
    ) AS key_result
) AS key_results
WHERE member.cycle_id = %(cycle)s AND objective.cycle_id = %(cycle)s
    AND objective.owner_kind = coalesce(%(owner_kind)s, objective.owner_kind)
    AND objective.owner_id = coalesce(%(owner_id)s, objective.owner_id)
    AND objective.state = ANY(coalesce(%(states)s::text[], ARRAY[objective.state]))
    AND (%(label)s::text IS NULL OR %(label)s = ANY(objective.labels))
"""

_UNCHECKED: Final = """
SELECT key_result.key_result_id AS id, key_result.document::json ->> 'title' AS title,
    wanted.objective_id
FROM unnest(%(objectives)s::uuid[]) WITH ORDINALITY AS wanted (objective_id, place)
CROSS JOIN LATERAL (
    SELECT version.key_result_ids FROM okr_objectives AS version
    WHERE version.objective_id = wanted.objective_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS objective
CROSS JOIN LATERAL unnest(objective.key_result_ids) WITH ORDINALITY
    AS owned (key_result_id, place)
CROSS JOIN LATERAL (
    SELECT version.* FROM okr_key_results AS version
    WHERE version.key_result_id = owned.key_result_id AND version.valid_from <= %(at)s
    ORDER BY version.valid_from DESC LIMIT 1
) AS key_result
WHERE key_result.checked_in_at IS NULL AND key_result.kpi IS NULL
ORDER BY wanted.place, owned.place
LIMIT %(limit)s
"""


class SinceAfterAsOfError(QueryError):
    """What changed since a moment that comes after the one to answer for."""

    def __init__(self) -> None:
        super().__init__("since has to come before as_of.")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which objectives of a cycle, at which moment, and since when their changes are wanted."""

    cycle_id: UUID
    at: datetime
    since: datetime | None = None
    owner_kind: OwnerKind | None = None
    owner_id: str | None = None
    states: list[ObjectiveState] | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An objective as it stood, with counts of its key results.

    `unchecked` counts those that neither a person nor a KPI reports on, `confidences` those with
    a confidence, whose mean `confidence` is. The values before are None where the objective was
    not known then.
    """

    id: UUID
    title: str
    owner_kind: OwnerKind
    owner_id: str
    state: ObjectiveState
    ended_at: datetime | None = None
    progress: float | None = None
    state_before: ObjectiveState | None = None
    progress_before: float | None = None
    key_results: int = 0
    on_track: int = 0
    at_risk: int = 0
    off_track: int = 0
    unchecked: int = 0
    confidences: int = 0
    confidence: float | None = None

    @property
    def counts(self) -> bool:
        """Whether its progress, statuses and confidences are part of what is summed up."""
        return self.state in COUNTING_STATES


@dataclass(frozen=True, slots=True)
class UncheckedKeyResult:
    """A key result that nobody has checked in on."""

    id: UUID
    title: str
    objective_id: UUID


async def find_standings(connection: Connection, asked: Asked) -> list[Standing]:
    """Every objective asked for, as it stood."""
    parameters = {
        "cycle": asked.cycle_id,
        "at": asked.at,
        "since": asked.since,
        "owner_kind": asked.owner_kind,
        "owner_id": asked.owner_id,
        "states": asked.states,
        "label": asked.label,
    }
    async with connection.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(_STANDINGS, parameters, prepare=True)
        return await cursor.fetchall()


async def find_unchecked(
    connection: Connection, objectives: list[UUID], at: datetime, limit: int
) -> list[UncheckedKeyResult]:
    """The first key results of these objectives that nobody had checked in on."""
    async with connection.cursor(row_factory=class_row(UncheckedKeyResult)) as cursor:
        await cursor.execute(_UNCHECKED, {"objectives": objectives, "at": at, "limit": limit})
        return await cursor.fetchall()
