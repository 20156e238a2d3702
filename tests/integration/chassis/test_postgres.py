"""The pool against a real server, one that is away, and one that comes back."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import PersistenceError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import TooManyRequests

from services.chassis import postgres
from services.chassis.eventstore import application, recorder
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.postgres import (
    DatabaseUnavailableError,
    Pool,
    check_database,
    connection,
    open_pool,
)
from services.chassis.settings import ServiceSettings

BOUND_SECONDS = 10.0


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
            with psycopg.connect(database_url, autocommit=True) as other:
                end_sessions(other, other.info.dbname)
        with pytest.raises(DatabaseUnavailableError):
            await check_database(pool)
        await asyncio.gather(*(check_database(pool) for _ in range(3)))


def end_sessions(other: psycopg.Connection, database: str) -> None:
    """Do to all other sessions of a database what a restart of the server does."""
    other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = %s",
        (database,),
    )


@contextmanager
def away(database_url: str) -> Iterator[None]:
    """Nobody can connect to the database, and who was connected is not any more."""
    database = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(database_url, dbname="postgres", autocommit=True) as other:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
        name = sql.Identifier(database)
        other.execute(allow(name, sql.SQL("false")))
        end_sessions(other, database)
        try:
            yield
        finally:
            other.execute(allow(name, sql.SQL("true")))


async def test_a_pool_finds_back_however_many_have_waited_in_vain(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RECONNECT_SECONDS", 0.1)
    bounds = {"database_max_waiting": 2, "database_pool_timeout_seconds": 0.1}
    async with opened(fresh_database_url, **bounds) as pool:
        await check_database(pool)
        with away(fresh_database_url):
            end = monotonic() + 0.5
            while monotonic() < end:
                with pytest.raises(DatabaseUnavailableError) as caught:
                    await check_database(pool)
                await asyncio.sleep(0.01)
            assert isinstance(caught.value.__cause__, TooManyRequests)
        async with asyncio.timeout(BOUND_SECONDS):
            while not await _is_there(pool):
                await asyncio.sleep(0.01)


async def _is_there(pool: Pool) -> bool:
    try:
        await check_database(pool)
    except DatabaseUnavailableError:
        return False
    return True


def test_the_writers_pool_finds_back_however_many_have_waited_in_vain(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "RECONNECT_SECONDS", 0.1)
    monkeypatch.setattr(application, "CONNECT_TIMEOUT_SECONDS", 1)
    log = application.LogApplication(
        EventMapper([]), database_url=fresh_database_url, schema="piles"
    )
    connected = log.recorder.datastore.get_connection
    assert _answers(connected)
    with away(fresh_database_url), ThreadPoolExecutor(20) as threads:
        assert not any(threads.map(_answers, [connected] * 20))
    end = monotonic() + BOUND_SECONDS
    while not _answers(connected):
        assert monotonic() < end
    log.close()


NOTICING = {
    "TCP_KEEPIDLE": 3,
    "TCP_KEEPINTVL": 3,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 12_000,
}
NOTICING_OF_SERVER = {
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "12000",
}


async def test_both_ends_of_a_pool_s_connection_notice_that_the_other_vanished(
    fresh_database_url: str,
) -> None:
    async with opened(fresh_database_url) as pool, pool.connection() as lent:
        assert _of_client(lent.fileno()) == NOTICING
        shown = [await (await lent.execute(_show(each))).fetchone() for each in NOTICING_OF_SERVER]
    assert shown == [(each,) for each in NOTICING_OF_SERVER.values()]


def test_both_ends_of_the_writer_s_connection_notice_that_the_other_vanished(
    fresh_database_url: str,
) -> None:
    log = application.LogApplication(
        EventMapper([]), database_url=fresh_database_url, schema="piles"
    )
    with log.recorder.datastore.get_connection() as lent:
        assert _of_client(lent.fileno()) == NOTICING
        shown = {
            each: (lent.execute(_show(each)).fetchone() or {}).get(each)
            for each in (*NOTICING_OF_SERVER, "statement_timeout")
        }
    log.close()
    assert shown == {**NOTICING_OF_SERVER, "statement_timeout": "30s"}


def _of_client(descriptor: int) -> dict[str, int]:
    with socket.socket(fileno=os.dup(descriptor)) as end:
        return {
            name: end.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in NOTICING
        }


def _show(parameter: str) -> sql.Composed:
    return sql.SQL("SHOW {}").format(sql.Identifier(parameter))


def _answers(connected: Callable[[], AbstractContextManager[psycopg.Connection[Any]]]) -> bool:
    try:
        with connected() as connection:
            connection.execute("SELECT 1")
    except PersistenceError:
        return False
    return True


async def test_a_database_that_is_away_delays_a_start_but_does_not_end_it() -> None:
    address = "postgresql://u:secret@127.0.0.1:1/none"
    async with opened(address, database_pool_timeout_seconds=0.2) as pool:
        with pytest.raises(DatabaseUnavailableError) as caught:
            await check_database(pool)
    assert "secret" not in str(caught.value)
