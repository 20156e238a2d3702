"""The pool against a real server, one that is away, and one that comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest

from services.chassis.postgres import (
    DatabaseUnavailableError,
    Pool,
    check_database,
    connection,
    open_pool,
)
from services.chassis.settings import ServiceSettings


class PileSettings(ServiceSettings):
    service: str = "piles"
    db_schema: str = "piles"
    port: int = 9999


def settings(database_url: str, **changes: Any) -> PileSettings:
    return PileSettings(
        database_url=database_url, nats_url="nats://127.0.0.1:1", jwks="/none", **changes
    )


@asynccontextmanager
async def opened(database_url: str, **changes: Any) -> AsyncIterator[Pool]:
    pool = await open_pool(settings(database_url, **changes))
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    bounds = {
        "database_pool_size": 2,
        "database_max_waiting": 1,
        "database_pool_timeout_seconds": 0.2,
        "database_statement_timeout_seconds": 0.2,
    }
    async with opened(database_url, **bounds) as pool:
        yield pool


async def test_a_connection_is_the_services_own(pool: Pool) -> None:
    async with connection(pool) as lent:
        shown = [
            (await (await lent.execute(f"SHOW {name}")).fetchone() or ("",))[0]
            for name in ("search_path", "application_name", "statement_timeout", "timezone")
        ]
        assert lent.autocommit
    assert shown == ["piles", "cairn-piles", "200ms", "UTC"]
    await check_database(pool)


async def test_a_statement_that_takes_too_long_is_given_up(pool: Pool) -> None:
    with pytest.raises(DatabaseUnavailableError) as caught:
        async with connection(pool) as lent:
            await lent.execute("SELECT pg_sleep(30)")
    assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled)
    await check_database(pool)


async def test_a_mistake_in_a_statement_stays_what_it_is(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with connection(pool) as lent:
            await lent.execute("SELECT * FROM no_such_table")


async def test_an_exhausted_pool_makes_nobody_wait_long(pool: Pool) -> None:
    async with connection(pool), connection(pool):
        begun = monotonic()
        refused = await asyncio.gather(
            *(check_database(pool) for _ in range(5)), return_exceptions=True
        )
        waited = monotonic() - begun
    assert [type(error) for error in refused] == [DatabaseUnavailableError] * 5
    assert waited < 1
    await check_database(pool)


async def test_connections_lost_together_fail_one_caller_and_not_each(database_url: str) -> None:
    async with opened(database_url, database_pool_size=3) as pool:
        async with connection(pool), connection(pool), connection(pool):
            end_sessions(database_url)
        with pytest.raises(DatabaseUnavailableError):
            await check_database(pool)
        await asyncio.gather(*(check_database(pool) for _ in range(3)))


def end_sessions(database_url: str) -> None:
    """Do to the sessions of a pool what a restart of the server does."""
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'cairn-piles' AND datname = current_database()"
        )


async def test_a_database_that_is_away_delays_a_start_but_does_not_end_it() -> None:
    address = "postgresql://u:secret@127.0.0.1:1/none"
    async with opened(address, database_pool_timeout_seconds=0.2) as pool:
        with pytest.raises(DatabaseUnavailableError) as caught:
            await check_database(pool)
    assert "secret" not in str(caught.value)
