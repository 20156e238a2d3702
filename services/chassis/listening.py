"""Hearing at once of what another session of the database has committed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, sql

from services.chassis.postgres import Connection, session_options
from services.chassis.settings import ServiceSettings


@asynccontextmanager
async def listening(settings: ServiceSettings, *channels: str) -> AsyncIterator[Connection]:
    """A connection of its own that hears what is notified on these channels."""
    async with await AsyncConnection.connect(
        settings.database_url.get_secret_value(), autocommit=True, **session_options(settings)
    ) as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield connection


async def heard(connection: Connection, *, within_seconds: float) -> None:
    """Wait for the next notification, or for a bounded while: a word can get lost."""
    async for _ in connection.notifies(timeout=within_seconds, stop_after=1):
        return
