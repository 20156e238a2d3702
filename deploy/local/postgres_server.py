"""Runs a PostgreSQL server of our own: creates its data, starts it, waits for it, stops it."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGQUIT

import psycopg

from deploy.local.child_process import ChildProcess, Command, Identity
from deploy.local.ports import LOOPBACK, launch_on_port
from deploy.local.postgres_programs import (
    PostgresPrograms,
    find_postgres_programs,
    reachable_programs,
)
from deploy.local.secret_files import kept_password
from deploy.local.server_errors import ServerError, UnreachableDirectoryError
from deploy.local.unprivileged import blocking_directory, unprivileged_identity

SUPERUSER = "postgres"
INITDB_SECONDS = 60.0
START_SECONDS = 30.0
# With what the other parts may take, a whole stack is down within ten seconds.
FAST_SHUTDOWN_SECONDS = 3.5
IMMEDIATE_SHUTDOWN_SECONDS = 1.0

_DEFAULT_SETTINGS = {
    "listen_addresses": LOOPBACK,
    # Only TCP: a socket's path has a length limit that a deep data directory would exceed.
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """Where a server keeps its files and listens.

    `home` becomes the server's own directory (data, password, perhaps programs); a `port` of
    None means any free one; `settings` are added to those of the command line. The server holds
    `lock` open for as long as it lives.
    """

    home: Path
    log: Path
    port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    lock: int | None = None


class PostgresServer:
    """One PostgreSQL server on the loopback address, run by an unprivileged user.

    Raises ServerError and its kin from `start`, and PortTakenError for a port that was asked for.
    """

    name = "PostgreSQL"

    def __init__(self, place: PostgresPlace) -> None:
        self._place = place
        self._identity = unprivileged_identity()
        self._port = place.port
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        """The server's process; the server must have been started."""
        assert self._process is not None, "the server was not started"
        return self._process

    def url(self, database: str = "postgres") -> str:
        """Return the superuser's address of a database."""
        password = self._password_file.read_text()
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self._port}/{database}"

    def start(self) -> None:
        """Create the data if there is none, start, and return once connections are accepted.

        A server that is started again keeps its port, so that its address stays true.
        """
        self._claim_home()
        programs = self._programs()
        if not self._data.exists():
            self._create_data(programs)
        self._refuse_other_version(programs)
        self._port = launch_on_port(self._port, lambda port: self._launch(programs, port))

    def stop(self) -> None:
        """Shut down fast; if that takes too long, immediately (recovery follows at next start)."""
        if self._process is not None:
            self._process.stop(
                (SIGINT, FAST_SHUTDOWN_SECONDS), (SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS)
            )

    @property
    def _data(self) -> Path:
        return self._place.home / "data"

    @property
    def _password_file(self) -> Path:
        return self._place.home / "password"

    def _claim_home(self) -> None:
        home, identity = self._place.home, self._identity
        home.parent.mkdir(parents=True, exist_ok=True)
        if identity is not None:
            _refuse_unreachable(home, identity)
        if not home.exists():
            home.mkdir(mode=0o700)
            self._hand_over(home)
        owner, user = home.stat().st_uid, identity.uid if identity else os.geteuid()
        if owner != user:
            raise ServerError(
                f"{home} belongs to uid {owner}, but PostgreSQL is to run as uid {user}: "
                "start the stack as the user who created it, or choose another CAIRN_HOME"
            )

    def _hand_over(self, path: Path) -> None:
        if self._identity is not None:
            os.chown(path, self._identity.uid, self._identity.gid)

    def _programs(self) -> PostgresPrograms:
        programs = find_postgres_programs()
        if self._identity is None:
            return programs
        return reachable_programs(programs, self._identity, self._place.home)

    def _create_data(self, programs: PostgresPrograms) -> None:
        """Run initdb beside the final place: only a finished data directory has its name."""
        self._create_password()
        unfinished = self._place.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        initdb = self._child(
            [
                programs.initdb,
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={self._password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ],
            log=self._place.log.with_name("initdb.log"),
        )
        if initdb.wait(INITDB_SECONDS) != 0:
            initdb.stop()
            raise ServerError(f"PostgreSQL's data could not be created:\n{initdb.log_tail()}")
        unfinished.rename(self._data)

    def _create_password(self) -> None:
        kept_password(self._password_file)
        self._hand_over(self._password_file)

    def _refuse_other_version(self, programs: PostgresPrograms) -> None:
        written_by = int((self._data / "PG_VERSION").read_text())
        if written_by != programs.major:
            raise ServerError(
                f"{self._data} was written by PostgreSQL {written_by}, but the programs found are "
                f"version {programs.major}: set CAIRN_HOME to a new directory, or remove this one "
                "to start from nothing"
            )

    def _launch(self, programs: PostgresPrograms, port: int) -> None:
        settings = {**_DEFAULT_SETTINGS, **self._place.settings, "port": str(port)}
        self._process = self._child(
            [programs.postgres, "-D", self._data, *_as_options(settings)], log=self._place.log
        )
        self._port = port
        address = self.url()
        self._process.await_ready(lambda: _accepts(address), START_SECONDS)

    def _child(self, arguments: Sequence[str | Path], log: Path) -> ChildProcess:
        command = Command(
            arguments=arguments,
            # Nothing of the caller's: a stray PG* variable would change what the server does.
            environment={"LC_ALL": "C", "PATH": os.defpath},
            working_directory=self._place.home,
            log=log,
            identity=self._identity,
            orphan_signal=SIGINT,
            lock=self._place.lock,
        )
        return ChildProcess(self.name, command)


def _refuse_unreachable(home: Path, identity: Identity) -> None:
    blocked = blocking_directory(home, identity)
    if blocked is not None:
        raise UnreachableDirectoryError(
            f"PostgreSQL refuses to run as root and so runs as uid {identity.uid}, which may not "
            f"enter {blocked}: choose a directory it can reach (for the stack, CAIRN_HOME)"
        )


def _as_options(settings: Mapping[str, str]) -> Iterable[str]:
    for name, value in settings.items():
        yield from ("-c", f"{name}={value}")


def _accepts(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True
