"""PostgreSQL for the asynchronous side: a bounded pool, and one error for "not there now"."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypedDict

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.chassis.settings import ServiceSettings

CONNECT_TIMEOUT_SECONDS = 2
# The driver doubles the wait between two attempts to connect until it has tried for so long; left
# at its minutes, a service would notice that late that the database is there again.
RECONNECT_SECONDS = 1.0
KEEPALIVE_SECONDS = 3
LOST_KEEPALIVES = 3
UNANSWERED_SECONDS = KEEPALIVE_SECONDS * (LOST_KEEPALIVES + 1)
# What a process does on its own account at the same time: relay, follow, look after what is kept.
BACKGROUND_CONNECTIONS = 4
OLDEST_SUPPORTED_MAJOR = 15
NEWEST_TESTED_MAJOR = 18
_VERSION_NUMBERS_PER_MAJOR = 10_000

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

log = structlog.get_logger()


class DatabaseUnavailableError(Exception):
    """The database cannot be reached, is overloaded, or gave up on the statement; try again."""

    def __init__(self) -> None:
        super().__init__("The database is not available.")


class UnsupportedServerError(Exception):
    """The server is older than anything this was written for."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The parts of a connection URL, for libraries that want them one by one."""

    dbname: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, conninfo: str) -> "DatabaseAddress":
        """Read a connection URL or string; what it leaves out is PostgreSQL's own default."""
        parts = conninfo_to_dict(conninfo)
        user = str(parts.get("user") or "postgres")
        return cls(
            dbname=str(parts.get("dbname") or user),
            host=str(parts.get("host") or "127.0.0.1"),
            port=int(parts.get("port") or 5432),
            user=user,
            password=str(parts.get("password") or ""),
        )


class ConnectionOptions(TypedDict):
    """Connection parameters as libpq names them."""

    keepalives_idle: int
    keepalives_interval: int
    keepalives_count: int
    tcp_user_timeout: int
    options: str


class SessionOptions(ConnectionOptions):
    """Those of a session that is a service's own."""

    application_name: str
    connect_timeout: int


def session_options(settings: ServiceSettings, **parameters: str) -> SessionOptions:
    """Connection parameters that make every session of a service bounded and its own."""
    return {
        "application_name": f"cairn-{settings.service}",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **connection_options(
            search_path=settings.db_schema,
            statement_timeout=milliseconds(settings.database_statement_timeout_seconds),
            lock_timeout=milliseconds(settings.database_lock_timeout_seconds),
            timezone="UTC",
            **parameters,
        ),
    }


def connection_options(**parameters: str) -> ConnectionOptions:
    """Parameters by which each end notices within seconds that the other one vanished.

    Left alone, a client waits for minutes, and a server holds on to what a client had locked for
    hours. `parameters` are further ones of the server.
    """
    of_server = {
        "tcp_keepalives_idle": str(KEEPALIVE_SECONDS),
        "tcp_keepalives_interval": str(KEEPALIVE_SECONDS),
        "tcp_keepalives_count": str(LOST_KEEPALIVES),
        "tcp_user_timeout": milliseconds(UNANSWERED_SECONDS),
        **parameters,
    }
    return {
        "keepalives_idle": KEEPALIVE_SECONDS,
        "keepalives_interval": KEEPALIVE_SECONDS,
        "keepalives_count": LOST_KEEPALIVES,
        "tcp_user_timeout": UNANSWERED_SECONDS * 1_000,
        "options": " ".join(f"-c {name}={_escaped(value)}" for name, value in of_server.items()),
    }


def milliseconds(seconds: float) -> str:
    """A time as PostgreSQL's parameters take it."""
    return str(round(seconds * 1_000))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace(" ", r"\ ")


async def open_pool(settings: ServiceSettings, **parameters: str) -> Pool:
    """Open the pool of a service, with these of the server's parameters set in every session.

    Connections are in autocommit, so that a transaction exists only where one is asked for. The
    pool opens although the database is away: it connects as soon as it can, and until then
    `connection` raises DatabaseUnavailableError.
    """
    pool: Pool = AsyncConnectionPool(
        settings.database_url.get_secret_value(),
        kwargs={**session_options(settings, **parameters), "autocommit": True},
        min_size=1,
        max_size=settings.database_pool_size,
        max_waiting=settings.database_max_waiting,
        timeout=settings.database_pool_timeout_seconds,
        name=settings.service,
        reconnect_timeout=RECONNECT_SECONDS,
        # That begins anew. A request would not: as long as there is no connection, those that
        # waited in vain count as waiting, and when they are too many the pool refuses at once.
        reconnect_failed=AsyncConnectionPool.check,
        open=False,
    )
    await pool.open()
    return pool


async def open_background_pool(settings: ServiceSettings) -> Pool:
    """A pool for what a service does beside its requests, however many connections these hold."""
    own = settings.model_copy(update={"database_pool_size": BACKGROUND_CONNECTIONS})
    return await open_pool(own)


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection of the pool; raises DatabaseUnavailableError when there is none.

    Where one connection turns out broken the others most likely are too, so the pool looks
    through them at once: a restart of the database fails one request and not as many as the
    pool is large.
    """
    lent: Connection | None = None
    with unavailable_when_away():
        try:
            async with pool.connection() as lent:
                yield lent
        finally:
            if lent is not None and lent.broken:
                await pool.check()


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the driver's OperationalError into DatabaseUnavailableError.

    That class holds what has nothing to do with the statement: no connection, no free one in
    time, a time-out, a server that is shutting down. The words of the original name hosts and
    users, so they stay in its cause.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError from error


async def check_database(pool: Pool) -> None:
    """Readiness: the database answers."""
    async with connection(pool) as lent:
        await lent.execute("SELECT 1")


def check_server_version(number: int) -> None:
    """Refuse a server that is too old; say so once of one that is newer than what was tested.

    `number` is `server_version_num`: 180003 for 18.3.
    """
    major = number // _VERSION_NUMBERS_PER_MAJOR
    if major < OLDEST_SUPPORTED_MAJOR:
        raise UnsupportedServerError(
            f"PostgreSQL {major} is too old: {OLDEST_SUPPORTED_MAJOR} or newer is needed."
        )
    if major > NEWEST_TESTED_MAJOR:
        log.warning("untested_postgres", major=major, newest_tested=NEWEST_TESTED_MAJOR)
