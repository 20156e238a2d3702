"""A whole stack for tests and benchmarks: `cairn up` on a directory and ports of its own, empty."""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.databases import DATABASE
from deploy.local.home import StackHome
from deploy.local.ports import is_free
from deploy.local.postgres_server import PostgresPlace, PostgresServer
from deploy.local.running_stack import NoStackError, RunningStack
from deploy.local.tokens import Bearer, Role, TokenIssuer

START_SECONDS = 120.0
STOP_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.05
# Below the ports that the kernel gives to outgoing connections: one of those would take the port of
# a service that was killed, and hold it for another minute after its own end.
PORT_BASES = range(20_000, 32_000, 3)


class EmptyStack:
    """A running `cairn up`, empty unless the sample company is asked for."""

    def __init__(self, home: Path, *, sample: bool = False, log_level: str = "info") -> None:
        self._settings = {"CAIRN_SAMPLE": "yes" if sample else "no", "CAIRN_LOG_LEVEL": log_level}
        self.home = StackHome(home.absolute())
        self.port_base = free_port_base()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> RunningStack:
        """Where the parts of the stack are."""
        return RunningStack.read(self.home.running)

    def start(self) -> None:
        """Start it and wait until it is ready; a second start finds the data of the first."""
        settings = {
            "CAIRN_HOME": str(self.home.root),
            "CAIRN_PORT_BASE": str(self.port_base),
        } | self._settings
        with Path(self.home.root.parent, "cairn-up.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from deploy.local.cli import main; main()", "up"],
                env=os.environ | settings,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(LOOK_AGAIN_SECONDS)

    def stop(self) -> int:
        """Interrupt it and wait until it is gone; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_SECONDS)

    def output(self) -> str:
        """What it has printed so far, without the tokens."""
        printed = Path(self.home.root.parent, "cairn-up.log").read_text()
        return re.sub(r"\beyJ\S+", "(a token)", printed)

    def token(self, role: Role, *, subject: str | None = None, teams: tuple[str, ...] = ()) -> str:
        """A token that the stack accepts."""
        bearer = Bearer.of(role, subject=subject, teams=teams)
        issuer = TokenIssuer(self.home.keys)
        return issuer.mint(bearer, now=datetime.now(UTC), validity=timedelta(hours=1))

    def nats_login(self) -> dict[str, Any]:
        """How a producer of readings connects to the bus."""
        return {
            "servers": self.running.nats,
            "user": "producer",
            "password": self.home.password("nats-producer"),
            "inbox_prefix": b"_INBOX_producer",
        }

    def postgres_url(self) -> str:
        """The superuser's address of the stack's database, for a look past the services."""
        home = self.home.postgres()
        port = int((home / "data" / "postmaster.pid").read_text().splitlines()[3])
        place = PostgresPlace(home=home, log=self.home.log("postgres"), port=port)
        return PostgresServer(place).url(DATABASE)

    def process_of(self, part: str) -> int:
        """The id of the child process whose command line names the part."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                if _parent(process) == self.running.pid and part in _command(process):
                    return int(process.name)
        raise LookupError(part)

    def client(self, service: str, role: Role = Role.ADMIN) -> httpx.AsyncClient:
        """An HTTP client of one service, with a token of that role."""
        return httpx.AsyncClient(
            base_url=getattr(self.running, service),
            headers={"Authorization": f"Bearer {self.token(role)}"},
            timeout=30.0,
        )

    def _is_ready(self) -> bool:
        try:
            return bool(self.running.goals)
        except NoStackError:
            return False


@contextmanager
def empty_stack(*, sample: bool = False, log_level: str = "info") -> Iterator[EmptyStack]:
    """A stack that is stopped and whose files are removed in the end."""
    with tempfile.TemporaryDirectory(prefix="cairn-stack-") as directory:
        # Started by root, PostgreSQL runs as another user, who has to get past this directory.
        Path(directory).chmod(0o711)
        stack = EmptyStack(Path(directory) / "home", sample=sample, log_level=log_level)
        stack.start()
        try:
            yield stack
        finally:
            stack.stop()


def free_port_base() -> int:
    """The first of three neighbouring ports that nobody listens on."""
    while True:
        first = random.choice(PORT_BASES)
        if all(is_free(first + place) for place in range(3)):
            return first


def _parent(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def _command(process: Path) -> str:
    return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
