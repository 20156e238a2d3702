"""Who commented on and acknowledged what, with what the log says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow, dict_row

from services.chassis.eventstore.context import Context, LoggedEvent
from services.chassis.postgres import Pool, connection
from services.goals.domain.events import ObjectiveAcknowledged, ObjectiveCommented
from services.goals.persistence.log import event_mapper

FEEDBACK: Final = (ObjectiveCommented, ObjectiveAcknowledged)

_MAPPER: Final = event_mapper()
_KINDS: Final[dict[type, str]] = {
    ObjectiveCommented: "comment",
    ObjectiveAcknowledged: "acknowledgement",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody said to an objective, and the version it led to."""

    version: int
    event: ObjectiveCommented | ObjectiveAcknowledged
    context: Context
    recorded_at: datetime


def index_feedback(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    """Write the row that follows from a comment or an acknowledgement."""
    event = logged.event
    assert isinstance(event, FEEDBACK)
    cursor.execute(
        "INSERT INTO goals.feedback (objective_id, version, kind, check_in_id, actor_id)"
        " VALUES (%s, %s, %s, %s, %s)",
        (
            logged.originator_id,
            logged.originator_version,
            _KINDS[type(event)],
            event.check_in_id,
            logged.context.actor.id,
        ),
    )


def has_acknowledged(
    cursor: Cursor[DictRow], objective_id: UUID, check_in_id: UUID | None, *, actor_id: str
) -> bool:
    """Whether the actor has taken note of the objective, or of that check-in, before."""
    cursor.execute(
        "SELECT 1 FROM goals.feedback WHERE objective_id = %s AND kind = 'acknowledgement'"
        " AND check_in_id IS NOT DISTINCT FROM %s AND actor_id = %s LIMIT 1",
        (objective_id, check_in_id, actor_id),
    )
    return cursor.fetchone() is not None


async def list_feedback(
    pool: Pool, objective_id: UUID, *, check_in_id: UUID | None, after: int, limit: int
) -> list[Feedback]:
    """Up to `limit` comments and acknowledgements after a version, oldest first."""
    async with connection(pool) as lent, lent.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT f.version, e.topic, e.state, e.recorded_at"
            " FROM goals.feedback AS f"
            " JOIN goals.stored_events AS e"
            " ON e.originator_id = f.objective_id AND e.originator_version = f.version"
            " WHERE f.objective_id = %(objective_id)s AND f.version > %(after)s"
            " AND (%(check_in_id)s::uuid IS NULL OR f.check_in_id = %(check_in_id)s)"
            " ORDER BY f.version LIMIT %(limit)s",
            {
                "objective_id": objective_id,
                "after": after,
                "check_in_id": check_in_id,
                "limit": limit,
            },
        )
        return [_feedback(row) async for row in cursor]


def _feedback(row: DictRow) -> Feedback:
    context, event = _MAPPER.decode(row["topic"], bytes(row["state"]))
    assert isinstance(event, FEEDBACK)
    return Feedback(
        version=row["version"], event=event, context=context, recorded_at=row["recorded_at"]
    )
