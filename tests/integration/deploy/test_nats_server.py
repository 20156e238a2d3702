"""Our own nats-server: its streams outlive it, its address stays, its secrets are closed."""

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import nats
import pytest

from deploy.local.nats_server import NatsPlace, NatsServer
from deploy.local.ports import LOOPBACK
from deploy.local.server_errors import PortTakenError, ServerError

ACCOUNTS = "accounts { A { jetstream: enabled, users: [{user: a, password: $A_PASSWORD}] } }"

MakeServer = Callable[..., NatsServer]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    made: list[NatsServer] = []

    def make(port: int | None = None, accounts: str = ACCOUNTS) -> NatsServer:
        place = NatsPlace(
            # A space in a path and a password of digits must survive the configuration's syntax.
            home=tmp_path / "my nats",
            log=tmp_path / "log",
            accounts=accounts,
            variables={"A_PASSWORD": "0123"},
            port=port,
        )
        made.append(NatsServer(place))
        return made[-1]

    yield make
    for server in made:
        server.stop()


async def test_a_stream_outlives_a_kill_of_its_server(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    address = server.url("a", "0123")
    client = await nats.connect(address)
    await client.jetstream().add_stream(name="STONES", subjects=["stones.>"])
    await client.jetstream().publish("stones.1", b"granite")
    await client.close()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(5)

    server.start()

    assert server.url("a", "0123") == address
    client = await nats.connect(address)
    message = await client.jetstream().get_last_msg("STONES", "stones.1")
    await client.close()
    assert message.data == b"granite"


def test_the_file_with_the_passwords_is_its_owners_alone(
    make_server: MakeServer, tmp_path: Path
) -> None:
    make_server().start()
    accounts = tmp_path / "my nats" / "accounts.conf"
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600


def test_acknowledged_messages_are_on_disk(make_server: MakeServer, tmp_path: Path) -> None:
    make_server().start()
    assert "sync_interval: always" in (tmp_path / "my nats" / "nats.conf").read_text()


def test_a_taken_port_is_named(make_server: MakeServer) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is taken"):
            make_server(port).start()


def test_a_server_that_cannot_start_says_why(make_server: MakeServer) -> None:
    with pytest.raises(ServerError, match="variable reference"):
        make_server(accounts="accounts { A { users: [{user: a, password: $NOT_SET}] } }").start()
