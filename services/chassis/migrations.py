"""Forward-only SQL migrations, run at start-up by whichever process comes first."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

import psycopg
import structlog
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from services.chassis.leadership import BackOff
from services.chassis.postgres import (
    CONNECT_TIMEOUT_SECONDS,
    DatabaseUnavailableError,
    check_server_version,
    unavailable_when_away,
)

LOCK_TIMEOUT_SECONDS = 60
HISTORY_TABLE = "schema_migrations"

# The first key of the advisory lock: no one else in this database uses "cair" as theirs.
_LOCK_CLASS = int.from_bytes(b"cair")
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")

log = structlog.get_logger()


class MigrationError(Exception):
    """The schema in the database and the migrations of this version do not belong together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: what it does to the schema, and a checksum that shows if it was edited."""

    number: int
    name: str
    statements: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file in hexadecimal digits."""
        return hashlib.sha256(self.statements.encode()).hexdigest()


def load_migrations(package: str) -> list[Migration]:
    """The files `NNNN_name.sql` of a package in the order of their numbers, which start at 1.

    Raises MigrationError where a number is missing or used twice.
    """
    found = sorted(
        (
            Migration(int(match[1]), entry.name, entry.read_text("utf-8"))
            for entry in files(package).iterdir()
            if (match := _FILE_NAME.fullmatch(entry.name))
        ),
        key=lambda migration: migration.number,
    )
    numbers = [migration.number for migration in found]
    if not found or numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"The migrations of {package} are not numbered 1, 2, 3…: {numbers}.")
    return found


def migrate(database_url: str, *, schema: str, package: str, track: str = "service") -> list[str]:
    """Bring `schema` up to the last migration of `package`; returns the names of those applied.

    It blocks: call it before the event loop runs, or in a thread. Processes that start together
    wait for each other here. `track` tells several sequences in one schema apart. Raises
    MigrationError, UnsupportedServerError and DatabaseUnavailableError.
    """
    migrations = load_migrations(package)
    with unavailable_when_away(), _locked(database_url, schema) as connection:
        check_server_version(connection.info.server_version)
        _create_schema(connection, schema)
        applied = _history(connection, track)
        _check_history(applied, migrations)
        pending = migrations[len(applied) :]
        for migration in pending:
            _apply(connection, migration, track)
    return [migration.name for migration in pending]


@contextmanager
def _locked(database_url: str, schema: str) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name=f"cairn-migrations-{schema}",
        options=f"-c search_path={schema} -c lock_timeout={LOCK_TIMEOUT_SECONDS}s",
    ) as connection:
        # The lock ends with the session, however the process ends.
        connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_LOCK_CLASS, schema))
        yield connection


def _create_schema(connection: Connection[TupleRow], schema: str) -> None:
    """Create the schema only where it is missing, since the role may be allowed just to use it."""
    exists = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
    if exists.fetchone() is not None:
        return
    try:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"The schema {schema} is missing and {connection.info.user} may not create it: "
            "create it for that role first."
        ) from error


def _history(connection: Connection[TupleRow], track: str) -> list[tuple[int, str, str]]:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            track text NOT NULL,
            number integer NOT NULL,
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (track, number)
        )
        """
    )
    rows = connection.execute(
        "SELECT number, name, checksum FROM schema_migrations WHERE track = %s ORDER BY number",
        (track,),
    )
    return [(number, name, checksum) for number, name, checksum in rows]


def _check_history(
    applied: Sequence[tuple[int, str, str]], migrations: Sequence[Migration]
) -> None:
    """Refuse to go on from a history that is not the beginning of ours."""
    known = {migration.number: migration for migration in migrations}
    for number, name, checksum in applied:
        migration = known.get(number)
        if migration is None:
            raise MigrationError(
                f"The database has migration {name}, which this version does not know: "
                "it was migrated by a newer version, or the file was removed."
            )
        if migration.checksum != checksum:
            raise MigrationError(
                f"Migration {migration.name} was changed after it was applied (as {name}): "
                "restore the file and write a new migration instead."
            )


def _apply(connection: Connection[TupleRow], migration: Migration, track: str) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.statements.encode())
            connection.execute(
                "INSERT INTO schema_migrations (track, number, name, checksum)"
                " VALUES (%s, %s, %s, %s)",
                (track, migration.number, migration.name, migration.checksum),
            )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MigrationError(f"Migration {migration.name} failed: {error}") from error
    log.info("migrated", migration=migration.name, track=track)


async def when_database_is_there(migrate_schema: Callable[[], object]) -> None:
    """Migrate as soon as the database can be reached: services start in any order."""
    back_off = BackOff()
    while True:
        try:
            await asyncio.to_thread(migrate_schema)
        except DatabaseUnavailableError:
            log.warning("waiting_for_database")
            await back_off.wait()
        else:
            return
