"""Check-ins by their ids and in the order in which they were true, with what the log says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow, dict_row

from services.chassis.eventstore.arrays import BigintArray, TimestamptzArray, UuidArray
from services.chassis.eventstore.context import Context, LoggedEvent
from services.chassis.postgres import Pool, connection
from services.goals.domain.check_in import StandingCheckIn
from services.goals.domain.events import CheckInCorrected, KeyResultCheckedIn
from services.goals.persistence.log import event_mapper

CHECK_INS: Final = (KeyResultCheckedIn, CheckInCorrected)

_MAPPER: Final = event_mapper()
_LOGGED: Final = (
    "SELECT c.check_in_id, c.effective_at, e.topic, e.state, e.recorded_at"
    " FROM goals.check_ins AS c"
    " JOIN goals.stored_events AS e"
    " ON e.originator_id = c.objective_id AND e.originator_version = c.version"
    " WHERE c.objective_id = %s AND c.check_in_id = ANY(%s)"
    " ORDER BY c.effective_at, c.check_in_id, c.version"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What was said of a key result, once or once more, by whom and when."""

    event: KeyResultCheckedIn | CheckInCorrected
    context: Context
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCheckIn:
    """A check-in with all that was ever said of it, oldest first."""

    check_in_id: UUID
    effective_at: datetime
    revisions: Sequence[Revision]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of check-ins, which is in the order of `effective_at`."""

    effective_at: datetime
    check_in_id: UUID


def index_check_ins(cursor: Cursor[DictRow], events: Iterable[LoggedEvent]) -> None:
    """Write the rows that follow from these events, all in one statement."""
    said = [each for each in events if isinstance(each.event, CHECK_INS)]
    if not said:
        return
    cursor.execute(
        "INSERT INTO goals.check_ins"
        " (objective_id, check_in_id, version, key_result_id, effective_at)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[],"
        " %s::timestamptz[])",
        (
            UuidArray([each.originator_id for each in said]),
            UuidArray([_event(each).check_in_id for each in said]),
            BigintArray([each.originator_version for each in said]),
            UuidArray([_event(each).key_result_id for each in said]),
            TimestamptzArray([_true_at(each) for each in said]),
        ),
        prepare=True,
    )


def find_check_in(
    cursor: Cursor[DictRow], objective_id: UUID, check_in_id: UUID
) -> StandingCheckIn | None:
    """The check-in as it stands after all corrections, or None when there is none."""
    cursor.execute(_LOGGED, (objective_id, UuidArray([check_in_id])))
    rows = cursor.fetchall()
    if not rows:
        return None
    event = _revision(rows[-1]).event
    return StandingCheckIn(
        key_result_id=event.key_result_id,
        effective_at=rows[-1]["effective_at"],
        value=event.value,
        confidence=event.confidence,
        status=event.status,
        comment=event.comment,
        milestones_done=event.milestones_done,
    )


async def list_check_ins(
    pool: Pool,
    objective_id: UUID,
    *,
    key_result_id: UUID | None,
    after: Place | None,
    limit: int,
) -> list[ListedCheckIn]:
    """Up to `limit` check-ins in the order in which they were true, then of their ids."""
    async with connection(pool) as lent, lent.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT check_in_id FROM goals.check_ins"
            " WHERE objective_id = %(objective_id)s"
            " AND (%(key_result_id)s::uuid IS NULL OR key_result_id = %(key_result_id)s)"
            " AND (%(effective_at)s::timestamptz IS NULL"
            " OR (effective_at, check_in_id) > (%(effective_at)s, %(check_in_id)s))"
            " GROUP BY effective_at, check_in_id"
            " ORDER BY effective_at, check_in_id LIMIT %(limit)s",
            {
                "objective_id": objective_id,
                "key_result_id": key_result_id,
                "effective_at": after.effective_at if after else None,
                "check_in_id": after.check_in_id if after else None,
                "limit": limit,
            },
            prepare=False,
        )
        page = UuidArray([row["check_in_id"] for row in await cursor.fetchall()])
        await cursor.execute(_LOGGED, (objective_id, page))
        rows = await cursor.fetchall()
    revisions: dict[Place, list[Revision]] = {}
    for row in rows:
        place = Place(row["effective_at"], row["check_in_id"])
        revisions.setdefault(place, []).append(_revision(row))
    return [
        ListedCheckIn(
            check_in_id=place.check_in_id, effective_at=place.effective_at, revisions=each
        )
        for place, each in revisions.items()
    ]


def _event(logged: LoggedEvent) -> KeyResultCheckedIn | CheckInCorrected:
    assert isinstance(logged.event, CHECK_INS)
    return logged.event


def _true_at(logged: LoggedEvent) -> datetime:
    """As the domain takes it: a caller's clock ahead of ours says nothing of the future."""
    assert logged.recorded_at is not None
    return min(logged.context.effective_at, logged.recorded_at)


def _revision(row: DictRow) -> Revision:
    context, event = _MAPPER.decode(row["topic"], bytes(row["state"]))
    assert isinstance(event, CHECK_INS)
    return Revision(event=event, context=context, recorded_at=row["recorded_at"])
