"""How long deliveries and answers are kept. The events themselves stay in the log for ever."""

import asyncio
from datetime import timedelta
from typing import Final

from psycopg import sql

from services.chassis.postgres import Pool, connection

DELIVERED_KEPT_FOR: Final = timedelta(days=7)
FAILED_KEPT_FOR: Final = timedelta(days=90)
ANSWERS_KEPT_FOR: Final = timedelta(days=7)
LOOK_AGAIN_SECONDS: Final = 3_600
MAX_ROWS_PER_DELETE: Final = 10_000

_DELIVERIES: Final = sql.Identifier("goals", "webhook_deliveries")
_OLD: Final = (
    (_DELIVERIES, sql.SQL("state = 'delivered' AND ended_at"), DELIVERED_KEPT_FOR),
    (_DELIVERIES, sql.SQL("state = 'failed' AND ended_at"), FAILED_KEPT_FOR),
    (sql.Identifier("goals", "webhook_answers"), sql.SQL("recorded_at"), ANSWERS_KEPT_FOR),
)


async def forget_old_deliveries(pool: Pool) -> None:
    """Delete what has been kept for its time, until cancelled."""
    while True:
        for table, moment, kept_for in _OLD:
            while await _forget_some(pool, table, moment, kept_for) == MAX_ROWS_PER_DELETE:
                pass
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _forget_some(
    pool: Pool, table: sql.Identifier, moment: sql.SQL, kept_for: timedelta
) -> int:
    statement = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}"
        " WHERE {moment} < now() - %s::interval LIMIT %s))"
    ).format(table=table, moment=moment)
    async with connection(pool) as lent:
        cursor = await lent.execute(statement, (kept_for, MAX_ROWS_PER_DELETE))
    return cursor.rowcount
