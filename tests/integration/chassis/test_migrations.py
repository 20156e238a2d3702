"""Migrations against a real server, alone and with several processes at once."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from services.chassis import migrations
from services.chassis.migrations import MigrationError, migrate
from services.chassis.postgres import DatabaseUnavailableError

FIRST = "CREATE TABLE stones (weight integer); INSERT INTO stones VALUES (1), (2);"
SECOND = "ALTER TABLE stones ADD colour text DEFAULT '100% grey';"


class Package:
    """A package of migrations that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    def write(self, name: str, statements: str) -> None:
        (self.folder / name).write_text(statements)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / f"migrations_{uuid.uuid4().hex}"
    folder.mkdir()
    package = Package(folder)
    package.write("0001_initial.sql", FIRST)
    return package


@pytest.fixture
def connection(fresh_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        yield connection


def history(connection: psycopg.Connection) -> list[tuple[int, str]]:
    rows = connection.execute("SELECT number, name FROM piles.schema_migrations ORDER BY number")
    return [(number, name) for number, name in rows]


def test_an_empty_database_is_brought_up_to_date_once(
    fresh_database_url: str, package: Package, connection: psycopg.Connection
) -> None:
    assert migrate(fresh_database_url, schema="piles", package=package.name) == ["0001_initial.sql"]
    assert migrate(fresh_database_url, schema="piles", package=package.name) == []
    package.write("0002_colour.sql", SECOND)
    assert migrate(fresh_database_url, schema="piles", package=package.name) == ["0002_colour.sql"]
    assert history(connection) == [(1, "0001_initial.sql"), (2, "0002_colour.sql")]
    rows = connection.execute("SELECT weight, colour FROM piles.stones ORDER BY weight").fetchall()
    assert rows == [(1, "100% grey"), (2, "100% grey")]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    fresh_database_url: str, package: Package, connection: psycopg.Connection
) -> None:
    package.write("0002_broken.sql", "CREATE TABLE half (n integer); SELECT 1/0;")
    with pytest.raises(MigrationError, match=r"0002_broken\.sql failed"):
        migrate(fresh_database_url, schema="piles", package=package.name)
    assert history(connection) == [(1, "0001_initial.sql")]
    assert connection.execute("SELECT to_regclass('piles.half')").fetchone() == (None,)


def test_an_applied_file_that_was_edited_is_refused(
    fresh_database_url: str, package: Package
) -> None:
    migrate(fresh_database_url, schema="piles", package=package.name)
    package.write("0001_initial.sql", FIRST + " -- one more thing")
    with pytest.raises(MigrationError, match=r"0001_initial\.sql was changed"):
        migrate(fresh_database_url, schema="piles", package=package.name)


def test_a_database_from_a_newer_version_is_refused(
    fresh_database_url: str, package: Package
) -> None:
    package.write("0002_colour.sql", SECOND)
    migrate(fresh_database_url, schema="piles", package=package.name)
    (package.folder / "0002_colour.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_colour\.sql, which this version does not know"):
        migrate(fresh_database_url, schema="piles", package=package.name)


def test_two_sequences_share_a_schema(fresh_database_url: str, package: Package) -> None:
    migrate(fresh_database_url, schema="piles", package=package.name)
    package.write("0001_initial.sql", "CREATE TABLE pebbles (n integer)")
    applied = migrate(fresh_database_url, schema="piles", package=package.name, track="pebbles")
    assert applied == ["0001_initial.sql"]


def test_processes_that_start_together_migrate_once(
    fresh_database_url: str, package: Package, connection: psycopg.Connection
) -> None:
    # The first migration takes its time, so that the others do come while it runs.
    package.write("0001_initial.sql", FIRST + " SELECT pg_sleep(0.3);")
    package.write("0002_colour.sql", SECOND)
    program = (
        "import sys; from services.chassis.migrations import migrate;"
        "print(migrate(sys.argv[1], schema='piles', package=sys.argv[2]))"
    )
    search = os.pathsep.join([str(Path.cwd()), str(package.folder.parent)])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, fresh_database_url, package.name],
            env={**os.environ, "PYTHONPATH": search},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=30)[0].strip().splitlines()[-1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(said) == ["['0001_initial.sql', '0002_colour.sql']", "[]", "[]"]
    assert connection.execute("SELECT count(*) FROM piles.stones").fetchone() == (2,)


async def test_threads_that_start_together_migrate_once(
    fresh_database_url: str, package: Package
) -> None:
    applied = await asyncio.gather(
        *(
            asyncio.to_thread(
                migrate, fresh_database_url, schema=f"piles{number % 2}", package=package.name
            )
            for number in range(6)
        )
    )
    assert sorted(applied) == [[], [], [], [], ["0001_initial.sql"], ["0001_initial.sql"]]


def test_whoever_waits_too_long_for_the_others_gives_up(
    fresh_database_url: str,
    package: Package,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 1)
    connection.execute("SELECT pg_advisory_lock(%s, hashtext('piles'))", (migrations._LOCK_CLASS,))
    with pytest.raises(DatabaseUnavailableError):
        migrate(fresh_database_url, schema="piles", package=package.name)


def test_a_role_that_may_only_use_its_schema_can_migrate_it(
    fresh_database_url: str, package: Package, connection: psycopg.Connection
) -> None:
    role = sql.Identifier(f"mason_{uuid.uuid4().hex[:12]}")
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'trowel'").format(role))
    connection.execute(sql.SQL("CREATE SCHEMA piles AUTHORIZATION {}").format(role))
    try:
        address = psycopg.conninfo.make_conninfo(
            fresh_database_url, user=role.as_string().strip('"'), password="trowel"
        )
        assert migrate(address, schema="piles", package=package.name) == ["0001_initial.sql"]
        with pytest.raises(MigrationError, match="may not create it"):
            migrate(address, schema="elsewhere", package=package.name)
    finally:
        connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def test_a_database_that_is_away_is_a_typed_error(package: Package) -> None:
    with pytest.raises(DatabaseUnavailableError):
        migrate("postgresql://u@127.0.0.1:1/none", schema="piles", package=package.name)
