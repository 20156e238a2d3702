"""The same request, sent again under its Idempotency-Key, is answered the same and done once.

The answer is kept in the transaction that made the change. Of two requests that run at the same
time the later one cannot keep its own, so that its change goes too, and it is told to ask again.
Keys are those of their caller, and apart from the keys of the commands in the log. An answer
that shows a secret is kept as it is, since it may have been lost on its way: for seven days.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from psycopg import errors as postgres_errors

from services.chassis.eventstore.errors import CommandInFlightError, IdempotencyKeyReusedError
from services.chassis.eventstore.unit import Answer
from services.chassis.postgres import Connection, Pool, connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key that a caller sent, if any, and what request it was sent with."""

    caller: str
    key: str | None
    request_hash: bytes


async def answer_once(
    pool: Pool,
    key: RequestKey,
    prepare: Callable[[], Awaitable[T]],
    change: Callable[[Connection, T], Awaitable[Answer]],
) -> Answer:
    """Make a change and keep its answer in one transaction, or give the answer kept before.

    `prepare` is what takes its time outside; it does not run for what was answered before.
    Raises what they raise, IdempotencyKeyReusedError and CommandInFlightError.
    """
    known = await _find(pool, key)
    if known is not None:
        return known
    prepared = await prepare()
    async with connection(pool) as lent, lent.transaction():
        answer = await change(lent, prepared)
        await _keep(lent, key, answer)
    return answer


async def _find(pool: Pool, key: RequestKey) -> Answer | None:
    if key.key is None:
        return None
    async with connection(pool) as lent:
        cursor = await lent.execute(
            "SELECT request_hash, status, body, etag, location FROM goals.webhook_answers"
            " WHERE caller = %s AND key = %s",
            (key.caller, key.key),
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    request_hash, status, body, etag, location = row
    if request_hash != key.request_hash:
        raise IdempotencyKeyReusedError
    return Answer(status, body, etag=etag, location=location, replayed=True)


async def _keep(lent: Connection, key: RequestKey, answer: Answer) -> None:
    if key.key is None:
        return
    try:
        await lent.execute(
            "INSERT INTO goals.webhook_answers"
            " (caller, key, request_hash, status, body, etag, location)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                key.caller,
                key.key,
                key.request_hash,
                answer.status,
                answer.body,
                answer.etag,
                answer.location,
            ),
        )
    except postgres_errors.UniqueViolation:
        raise CommandInFlightError from None
