"""One leader among the processes of a service, by a PostgreSQL session lock.

The lock says who should work; it cannot stop one who was paused while leading. Whoever works as
a leader therefore also fences its writes (by an expected sequence, or an expected checkpoint).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.postgres import session_options
from services.chassis.settings import ServiceSettings

ASK_AGAIN_SECONDS: Final = 0.5
STILL_LEADING_SECONDS: Final = 1.0
FIRST_BACK_OFF_SECONDS: Final = 0.1
LAST_BACK_OFF_SECONDS: Final = 5.0

# The first key of the advisory lock, apart from that of the migrations.
_LOCK_CLASS: Final = int.from_bytes(b"lead")

log = structlog.get_logger()


class BackOff:
    """Waits that double from one failure to the next, up to a bound."""

    def __init__(self) -> None:
        self._seconds = FIRST_BACK_OFF_SECONDS

    async def wait(self) -> None:
        """Wait after one more failure."""
        await asyncio.sleep(self._seconds)
        self._seconds = min(self._seconds * 2, LAST_BACK_OFF_SECONDS)

    def reset(self) -> None:
        """It went well: the next wait is a short one."""
        self._seconds = FIRST_BACK_OFF_SECONDS


async def lead(settings: ServiceSettings, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` whenever this process is the leader for `name`; for ever, until cancelled.

    `work` is cancelled when the lock's connection is lost and begun anew when it fails.
    """
    back_off = BackOff()
    while True:
        try:
            async with await _connect(settings) as connection:
                await _win(connection, name)
                log.info("leading", work=name)
                await _work_while_leading(connection, work, goes_well=back_off.reset)
        except psycopg.Error as error:
            log.warning("leadership_lost", work=name, error=type(error).__name__)
        except Exception:
            log.exception("leader_failed", work=name)
        await back_off.wait()


async def _connect(settings: ServiceSettings) -> AsyncConnection[TupleRow]:
    return await AsyncConnection.connect(
        settings.database_url.get_secret_value(), autocommit=True, **session_options(settings)
    )


async def _win(connection: AsyncConnection[TupleRow], name: str) -> None:
    """Ask until the lock is ours. Waiting inside the database would hold a snapshot open."""
    while True:
        cursor = await connection.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(current_schema() || '/' || %s))",
            (_LOCK_CLASS, name),
        )
        row = await cursor.fetchone()
        if row is not None and row[0]:
            return
        await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _work_while_leading(
    connection: AsyncConnection[TupleRow],
    work: Callable[[], Awaitable[None]],
    *,
    goes_well: Callable[[], None],
) -> None:
    working = asyncio.ensure_future(work())
    try:
        while not working.done():
            _, unfinished = await asyncio.wait([working], timeout=STILL_LEADING_SECONDS)
            if unfinished:
                goes_well()
            await connection.execute("SELECT 1")
        await working
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working
