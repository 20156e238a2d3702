"""The table of deliveries: what is to be sent, when, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from services.chassis.postgres import Connection
from services.goals.webhooks.errors import DeliveryNotFoundError
from services.goals.webhooks.records import Attempt, Delivery, DeliveryState

# What one request may take up again; the answer says whether more is left.
MAX_RESENT_AT_ONCE: Final = 1_000

_COLUMNS: Final = sql.SQL(", ").join(sql.Identifier(each.name) for each in fields(Delivery))
# A delivery that begins anew: its first attempt is due now.
_ANEW: Final = sql.SQL(
    "state = 'pending', attempts = 0, next_attempt_at = now(), last_attempt_at = NULL,"
    " last_status = NULL, last_error = NULL, last_answer = NULL, ended_at = NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An event that a webhook wants."""

    position: int
    event_id: UUID
    event_type: str
    event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are asked for; None asks for all."""

    state: DeliveryState | None = None
    event_type: str | None = None


async def insert_deliveries(
    connection: Connection, webhook_id: UUID, wanted: Sequence[Wanted]
) -> None:
    """Have events delivered; those that were already, because the log is replayed, once more."""
    await connection.execute(
        sql.SQL(
            "INSERT INTO goals.webhook_deliveries AS d"
            " (webhook_id, position, event_id, event_type, event_time, state, next_attempt_at)"
            " SELECT %s, w.position, w.event_id, w.event_type, w.event_time, 'pending', now()"
            " FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::timestamptz[])"
            " AS w (position, event_id, event_type, event_time)"
            " ON CONFLICT (webhook_id, position) DO UPDATE SET {} WHERE d.state <> 'pending'"
        ).format(_ANEW),
        (
            webhook_id,
            [each.position for each in wanted],
            [each.event_id for each in wanted],
            [each.event_type for each in wanted],
            [each.event_time for each in wanted],
        ),
    )


async def list_deliveries(
    connection: Connection, webhook_id: UUID, wanted: DeliveryFilter, *, before: int, limit: int
) -> list[Delivery]:
    """Up to `limit` deliveries of a webhook before that position, the newest event first."""
    async with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        await cursor.execute(
            sql.SQL(
                "SELECT {} FROM goals.webhook_deliveries"
                " WHERE webhook_id = %(webhook_id)s AND position < %(before)s"
                " AND (%(state)s::text IS NULL OR state = %(state)s)"
                " AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)"
                " ORDER BY position DESC LIMIT %(limit)s"
            ).format(_COLUMNS),
            {
                "webhook_id": webhook_id,
                "before": before,
                "state": wanted.state,
                "event_type": wanted.event_type,
                "limit": limit,
            },
            # A plan for any parameters could use no index; each call is planned for its own.
            prepare=False,
        )
        return await cursor.fetchall()


async def find_delivery(connection: Connection, webhook_id: UUID, event_id: UUID) -> Delivery:
    """The delivery of an event to a webhook. Raises DeliveryNotFoundError."""
    return await _one(
        connection,
        sql.SQL(
            "SELECT {} FROM goals.webhook_deliveries WHERE webhook_id = %s AND event_id = %s"
        ).format(_COLUMNS),
        webhook_id,
        event_id,
    )


async def resend(connection: Connection, webhook_id: UUID, event_id: UUID) -> Delivery:
    """Begin a delivery anew, whatever became of it. Raises DeliveryNotFoundError."""
    return await _one(
        connection,
        sql.SQL(
            "UPDATE goals.webhook_deliveries SET {} WHERE webhook_id = %s AND event_id = %s"
            " RETURNING {}"
        ).format(_ANEW, _COLUMNS),
        webhook_id,
        event_id,
    )


async def resend_failed(connection: Connection, webhook_id: UUID, since: datetime | None) -> int:
    """Begin the oldest failed deliveries of events since then anew; how many those are."""
    cursor = await connection.execute(
        sql.SQL(
            "UPDATE goals.webhook_deliveries SET {} WHERE webhook_id = %(webhook_id)s"
            " AND position IN (SELECT position FROM goals.webhook_deliveries"
            " WHERE webhook_id = %(webhook_id)s AND state = 'failed'"
            " AND event_time >= coalesce(%(since)s::timestamptz, '-infinity')"
            " ORDER BY position LIMIT %(limit)s FOR UPDATE)"
        ).format(_ANEW),
        {"webhook_id": webhook_id, "since": since, "limit": MAX_RESENT_AT_ONCE},
    )
    return cursor.rowcount


async def has_failed(connection: Connection, webhook_id: UUID, since: datetime | None) -> bool:
    """Whether there are failed deliveries of events since then."""
    cursor = await connection.execute(
        "SELECT FROM goals.webhook_deliveries WHERE webhook_id = %s AND state = 'failed'"
        " AND event_time >= coalesce(%s::timestamptz, '-infinity') LIMIT 1",
        (webhook_id, since),
    )
    return cursor.rowcount > 0


async def due_webhooks(connection: Connection) -> list[UUID]:
    """The webhooks that something is to be sent to now."""
    cursor = await connection.execute(
        "SELECT w.id FROM goals.webhooks AS w WHERE w.enabled"
        " AND (w.resting_until IS NULL OR w.resting_until <= now())"
        " AND EXISTS (SELECT FROM goals.webhook_deliveries AS d WHERE d.webhook_id = w.id"
        " AND d.state = 'pending' AND d.next_attempt_at <= now())"
    )
    return [webhook_id for (webhook_id,) in await cursor.fetchall()]


async def next_due(connection: Connection, webhook_id: UUID) -> Delivery | None:
    """What is to be sent to this webhook first, in the order of the log for first attempts."""
    async with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        await cursor.execute(
            sql.SQL(
                "SELECT {} FROM goals.webhook_deliveries WHERE webhook_id = %s"
                " AND state = 'pending' AND next_attempt_at <= now()"
                " ORDER BY next_attempt_at, position LIMIT 1"
            ).format(_COLUMNS),
            (webhook_id,),
        )
        return await cursor.fetchone()


async def record_attempt(
    connection: Connection, delivery: Delivery, attempt: Attempt, *, wait_seconds: float | None
) -> None:
    """Write down what became of an attempt; without another wait a failure is the last one.

    A leader that was paused cannot overwrite what its successor wrote: it counted other attempts.
    """
    state: DeliveryState = "pending"
    if attempt.error is None:
        state = "delivered"
    elif wait_seconds is None:
        state = "failed"
    await connection.execute(
        "UPDATE goals.webhook_deliveries SET state = %(state)s, attempts = attempts + 1,"
        " last_attempt_at = now(), last_status = %(status)s, last_error = %(error)s,"
        " last_answer = %(answer)s,"
        " next_attempt_at = CASE WHEN %(state)s = 'pending'"
        " THEN now() + make_interval(secs => %(wait)s) END,"
        " ended_at = CASE WHEN %(state)s <> 'pending' THEN now() END"
        " WHERE webhook_id = %(webhook_id)s AND position = %(position)s"
        " AND state = 'pending' AND attempts = %(attempts)s",
        {
            "state": state,
            "status": attempt.status,
            "error": attempt.error,
            "answer": attempt.answer,
            "wait": wait_seconds,
            "webhook_id": delivery.webhook_id,
            "position": delivery.position,
            "attempts": delivery.attempts,
        },
    )


async def _one(
    connection: Connection, statement: sql.Composed, webhook_id: UUID, event_id: UUID
) -> Delivery:
    async with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        await cursor.execute(statement, (webhook_id, event_id))
        found = await cursor.fetchone()
    if found is None:
        raise DeliveryNotFoundError(event_id)
    return found
