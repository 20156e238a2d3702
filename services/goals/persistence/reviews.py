"""Rows about reviews: written in the transaction that appends their events, listed in pages."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow, class_row

from contracts.goals import OwnerKind
from contracts.reviews import ReviewState
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.postgres import Pool, connection
from services.goals.domain.events import Owner
from services.goals.domain.review import Subject
from services.goals.domain.review_events import (
    REVIEW_EVENTS,
    ReviewAssigned,
    ReviewClosed,
    ReviewClosingProposed,
    ReviewClosingWithdrawn,
    ReviewOpened,
    ReviewReopened,
)

OF_REVIEWS: Final = frozenset(REVIEW_EVENTS)

# Before all that can be.
FIRST_REVIEW: Final = UUID(int=0)

_STATES: Final[Mapping[type, ReviewState]] = {
    ReviewClosingProposed: "closing_proposed",
    ReviewClosingWithdrawn: "open",
    ReviewClosed: "closed",
    ReviewReopened: "open",
}


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A review that a breach of its KPI opened, and that is not yet proposed for closing."""

    id: UUID
    kpi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A review in a list; `position` is where in the log it was opened."""

    id: UUID
    objective_id: UUID | None
    key_result_id: UUID | None
    kpi: str | None
    by_breach: bool
    state: ReviewState
    owner_kind: OwnerKind | None
    owner_id: str | None
    due_on: date | None
    opened_at: datetime
    updated_at: datetime
    version: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which reviews are asked for; None asks for all.

    `due_before` leaves out those that have no due date, and `overdue_on` those that are closed.
    """

    objective_id: UUID | None = None
    kpi: str | None = None
    owner: Owner | None = None
    state: ReviewState | None = None
    due_before: date | None = None
    overdue_on: date | None = None


def index_reviews(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write what follows from those of the events that are of reviews, in the order of the log."""
    for logged in events:
        if type(logged.event) in OF_REVIEWS:
            _WRITERS.get(type(logged.event), _touch)(cursor, logged)


def find_open_reviews(
    cursor: Cursor[DictRow], subjects: Collection[Subject]
) -> dict[Subject, UUID]:
    """Of each of these subjects the review that is not closed, where there is one."""
    by_key = {each.key: each for each in subjects}
    cursor.execute(
        "SELECT subject, id FROM goals.reviews"
        " WHERE subject = ANY(%s) AND state <> 'closed' ORDER BY opened_position DESC",
        (list(by_key),),
        prepare=True,
    )
    return {by_key[row["subject"]]: row["id"] for row in cursor}


def open_breach_reviews_after(
    cursor: Cursor[DictRow], keys: Collection[str], after: UUID, limit: int
) -> list[OpenReview]:
    """Up to `limit` reviews in the state `open` that breaches of these KPIs opened, by id."""
    cursor.execute(
        "SELECT id, kpi FROM goals.reviews WHERE kpi = ANY(%s) AND by_breach AND state = 'open'"
        " AND id > %s ORDER BY id LIMIT %s",
        (list(keys), after, limit),
        prepare=True,
    )
    return [OpenReview(row["id"], row["kpi"]) for row in cursor]


async def list_reviews(
    pool: Pool, wanted: ReviewFilter, *, after: int, limit: int
) -> list[ReviewItem]:
    """Up to `limit` reviews opened after that position in the log, oldest first."""
    owner = wanted.owner
    async with connection(pool) as lent, lent.cursor(row_factory=class_row(ReviewItem)) as cursor:
        await cursor.execute(
            "SELECT id, objective_id, key_result_id, kpi, by_breach, state, owner_kind, owner_id,"
            " due_on, opened_at, updated_at, version, opened_position AS position"
            " FROM goals.reviews WHERE opened_position > %(after)s"
            " AND (%(objective_id)s::uuid IS NULL OR objective_id = %(objective_id)s)"
            " AND (%(kpi)s::text IS NULL OR kpi = %(kpi)s)"
            " AND (%(owner_kind)s::text IS NULL"
            " OR (owner_kind = %(owner_kind)s AND owner_id = %(owner_id)s))"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(due_before)s::date IS NULL OR due_on < %(due_before)s)"
            " AND (%(overdue_on)s::date IS NULL"
            " OR (due_on < %(overdue_on)s AND state <> 'closed'))"
            " ORDER BY opened_position LIMIT %(limit)s",
            {
                "after": after,
                "objective_id": wanted.objective_id,
                "kpi": wanted.kpi,
                "owner_kind": owner.kind if owner else None,
                "owner_id": owner.id if owner else None,
                "state": wanted.state,
                "due_before": wanted.due_before,
                "overdue_on": wanted.overdue_on,
                "limit": limit,
            },
            # A plan for any parameters could use no index; each call is planned for its own.
            prepare=False,
        )
        return await cursor.fetchall()


def _open(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ReviewOpened)
    subject = Subject(
        objective_id=event.objective_id, key_result_id=event.key_result_id, kpi=event.kpi
    )
    cursor.execute(
        "INSERT INTO goals.reviews (id, subject, objective_id, key_result_id, kpi, by_breach,"
        " state, owner_kind, owner_id, due_on, opened_at, updated_at, version, opened_position)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, %s, %s, %s, %s)",
        (
            logged.originator_id,
            subject.key,
            event.objective_id,
            event.key_result_id,
            event.kpi,
            event.breach is not None,
            event.owner.kind if event.owner else None,
            event.owner.id if event.owner else None,
            event.due_on,
            logged.recorded_at,
            logged.recorded_at,
            logged.originator_version,
            logged.position,
        ),
    )


def _assign(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ReviewAssigned)
    cursor.execute(
        "UPDATE goals.reviews SET owner_kind = %s, owner_id = %s, due_on = %s, version = %s,"
        " updated_at = %s WHERE id = %s",
        (event.owner.kind, event.owner.id, event.due_on, *_reached(logged)),
    )


def _move(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    cursor.execute(
        "UPDATE goals.reviews SET state = %s, version = %s, updated_at = %s WHERE id = %s",
        (_STATES[type(logged.event)], *_reached(logged)),
    )


def _touch(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    cursor.execute(
        "UPDATE goals.reviews SET version = %s, updated_at = %s WHERE id = %s", _reached(logged)
    )


def _reached(logged: LoggedEvent) -> tuple[Any, ...]:
    return logged.originator_version, logged.recorded_at, logged.originator_id


_WRITERS: Final[Mapping[type, Callable[[Cursor[DictRow], LoggedEvent], None]]] = {
    ReviewOpened: _open,
    ReviewAssigned: _assign,
    **dict.fromkeys(_STATES, _move),
}
