"""Cycles as they were at a moment, for every query that needs their dates."""

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from contracts.progress import expected_progress
from services.chassis.postgres import Connection
from services.projections.errors import QueryError
from services.projections.okrs.rows import Cycle

_CYCLE_AT: Final = """
SELECT cycle_id, name, starts_on, ends_on, cadence, check_in_rhythm, state
FROM okr_cycles
WHERE cycle_id = %(cycle)s AND valid_from <= %(at)s AND valid_to > %(at)s
"""
_PAGE: Final = """
SELECT cycle_id, name, starts_on, ends_on, cadence, check_in_rhythm, state
FROM okr_cycles
WHERE valid_from <= %(at)s AND valid_to > %(at)s
    AND (
        %(starts_on)s::date IS NULL
        OR (starts_on, cycle_id) < (%(starts_on)s::date, %(cycle)s::uuid)
    )
ORDER BY starts_on DESC, cycle_id DESC
LIMIT %(limit)s
"""


class UnknownCycleError(QueryError):
    """No such cycle was known at the moment asked for."""

    def __init__(self, cycle_id: UUID) -> None:
        super().__init__(f"No cycle {cycle_id} was known then.")


class Term(NamedTuple):
    """A cycle's days, the moment that is asked for, and what the cycle expects of all by then."""

    starts_on: date
    ends_on: date
    at: datetime
    expected: float

    def until(self, ended_at: datetime | None) -> "Term":
        """The term of what ended then: later, no more is expected of it. None: it goes on."""
        if ended_at is None:
            return self
        return term(self.starts_on, self.ends_on, min(ended_at, self.at))


def term(starts_on: date, ends_on: date, at: datetime) -> Term:
    """A cycle of these days at a moment."""
    expected = expected_progress(starts_on=starts_on, ends_on=ends_on, at=at)
    return Term(starts_on, ends_on, at, expected)


async def cycle_at(connection: Connection, cycle_id: UUID, at: datetime) -> Cycle:
    """The cycle as it was at a moment. Raises UnknownCycleError."""
    async with connection.cursor(row_factory=class_row(Cycle)) as cursor:
        await cursor.execute(_CYCLE_AT, {"cycle": cycle_id, "at": at}, prepare=True)
        found = await cursor.fetchone()
    if found is None:
        raise UnknownCycleError(cycle_id)
    return found


async def cycles_page(
    connection: Connection, *, before: tuple[date, UUID] | None, at: datetime, limit: int
) -> list[Cycle]:
    """The cycles known at a moment, the latest first, behind a first day and an id."""
    starts_on, cycle_id = before or (None, None)
    parameters = {"starts_on": starts_on, "cycle": cycle_id, "at": at, "limit": limit}
    async with connection.cursor(row_factory=class_row(Cycle)) as cursor:
        await cursor.execute(_PAGE, parameters)
        return await cursor.fetchall()
