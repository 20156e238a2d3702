"""One PostgreSQL and one NATS for the whole test run, shared fairly between its workers.

The process that was started as `pytest` starts both servers before its workers and stops them
after them; a worker is only told where they are. Should that process be killed, the kernel ends
the servers. Tests under tests/unit need no server, so a run of those alone starts none.
"""

import asyncio
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import psycopg
import pytest
from psycopg import sql

from deploy.local.nats_server import NatsPlace, NatsServer
from deploy.local.postgres_server import PostgresPlace, PostgresServer

# Workers are named gw0, gw1, ...; a worker that crashed is replaced under a new number.
MAX_WORKERS = 16
UNIT_TESTS = Path(__file__).parent / "unit"


class Servers:
    """The run's two servers and the directory that holds their files."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="cairn-tests-"))
        # Started by root, PostgreSQL runs as another user, who has to get past this directory.
        self._home.chmod(0o711)
        self._nats_passwords = {f"W{n}": secrets.token_hex(8) for n in range(MAX_WORKERS)}
        self._postgres = PostgresServer(
            PostgresPlace(
                home=self._home / "postgres",
                log=self._home / "postgres.log",
                # The data is thrown away after the run, so the disk need not be waited for.
                settings={"fsync": "off", "max_connections": "300"},
            )
        )
        self._nats = NatsServer(
            NatsPlace(
                home=self._home / "nats",
                log=self._home / "nats.log",
                accounts=_one_account_each(self._nats_passwords),
            )
        )

    def start(self) -> None:
        self._postgres.start()
        self._nats.start()

    def addresses(self) -> dict[str, Any]:
        """Say where the servers are: plain values, as they travel to the workers."""
        return {
            "postgres": self._postgres.url(),
            "nats": [self._nats.url(*user) for user in self._nats_passwords.items()],
        }

    def stop(self) -> None:
        self._nats.stop()
        self._postgres.stop()
        shutil.rmtree(self._home)


ADDRESSES = pytest.StashKey[dict[str, Any]]()


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[ADDRESSES] = worker_input["server_addresses"]
        return
    config.stash[ADDRESSES] = {}
    if config.option.collectonly or _only_unit_tests(config):
        return
    servers = Servers()
    config.add_cleanup(servers.stop)
    servers.start()
    config.stash[ADDRESSES] = servers.addresses()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["server_addresses"] = node.config.stash[ADDRESSES]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what a test wrote fit for the way to the controller, which takes only valid UTF-8."""
    report = yield
    report.sections = [(title, _valid(text)) for title, text in report.sections]
    return report


def _valid(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """The superuser's address of the run's PostgreSQL, shared with all other workers."""
    address: str = _addresses(pytestconfig)["postgres"]
    return address


@pytest.fixture(scope="session")
def database_url(postgres_url: str) -> Iterator[str]:
    """A database of this worker's own, kept for the whole run."""
    with _new_database(postgres_url) as address:
        yield address


@pytest.fixture
def fresh_database_url(postgres_url: str) -> Iterator[str]:
    """An empty database for one test."""
    with _new_database(postgres_url) as address:
        yield address


@pytest.fixture
def nats_url(pytestconfig: pytest.Config) -> str:
    """This worker's own NATS account, with JetStream and without any stream left of a test."""
    address: str = _addresses(pytestconfig)["nats"][_worker_number(pytestconfig)]
    asyncio.run(_delete_streams(address))
    return address


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can pass, as PostgreSQL's must; pytest's own are closed."""
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


def _one_account_each(passwords: dict[str, str]) -> str:
    accounts = (
        f'{user}: {{jetstream: enabled, users: [{{user: "{user}", password: "{password}"}}]}}'
        for user, password in passwords.items()
    )
    return "accounts {\n" + "\n".join(accounts) + "\n}"


def _only_unit_tests(config: pytest.Config) -> bool:
    chosen = [Path(config.invocation_params.dir, name.split("::")[0]) for name in config.args]
    return all(path.resolve().is_relative_to(UNIT_TESTS) for path in chosen)


def _addresses(config: pytest.Config) -> dict[str, Any]:
    addresses = config.stash[ADDRESSES]
    assert addresses, "tests/unit runs without servers: a test that needs one belongs elsewhere"
    return addresses


def _worker_number(config: pytest.Config) -> int:
    worker_input = getattr(config, "workerinput", None)
    number = int(worker_input["workerid"].removeprefix("gw")) if worker_input else 0
    assert number < MAX_WORKERS, f"there are NATS accounts for {MAX_WORKERS} test workers"
    return number


@contextmanager
def _new_database(postgres_url: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        # A service under test that was killed may have left connections behind.
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _delete_streams(address: str) -> None:
    client = await nats.connect(address)
    try:
        streams = client.jetstream()
        for stream in await streams.streams_info():
            await streams.delete_stream(str(stream.config.name))
    finally:
        await client.close()
