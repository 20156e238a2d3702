"""How long answers are kept for keys that may come back. Events are kept for ever."""

import asyncio
from datetime import timedelta
from typing import Final

from services.chassis.postgres import Pool, connection

ANSWERS_KEPT_FOR: Final = timedelta(days=7)
LOOK_AGAIN_SECONDS: Final = 3_600
MAX_ROWS_PER_DELETE: Final = 10_000


async def forget_old_answers(pool: Pool) -> None:
    """Delete answers older than `ANSWERS_KEPT_FOR`, a bounded piece at a time, until cancelled.

    Run it as a leader's work. A key that comes back later than that is a new command.
    """
    while True:
        async with connection(pool) as lent:
            cursor = await lent.execute(
                "DELETE FROM commands WHERE ctid = ANY(ARRAY(SELECT ctid FROM commands"
                " WHERE recorded_at < now() - %s::interval LIMIT %s))",
                (ANSWERS_KEPT_FOR, MAX_ROWS_PER_DELETE),
            )
        if cursor.rowcount < MAX_ROWS_PER_DELETE:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
