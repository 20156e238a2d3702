"""The committed accounts: each user can do its work through our own bus, and nothing more."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from contracts.subjects import (
    GOALS_STREAM,
    INTAKE_STREAM,
    METRICS_STREAM,
    REJECTED_STREAM,
    rejected_subject,
)
from deploy.local.nats_server import CONFIGURATION, NatsPlace, NatsServer
from services.chassis.bus import Bus, Message
from services.chassis.following import Pull, sequence_after
from services.chassis.settings import ServiceSettings
from services.goals import following as goals
from services.metrics import intake

USERS = ("goals", "metrics", "projections", "producer", "admin")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    directory = tmp_path_factory.mktemp("nats")
    place = NatsPlace(
        home=directory / "home",
        log=directory / "log",
        accounts=(CONFIGURATION / "accounts.conf").read_text(),
        variables={f"CAIRN_NATS_{user.upper()}_PASSWORD": f"{user}-password" for user in USERS},
    )
    server = NatsServer(place)
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def bus_of(service: str, server: NatsServer) -> AsyncIterator[Bus]:
    settings = ServiceSettings(
        service=service,
        db_schema=service,
        port=8600,
        database_url=SecretStr("postgresql://unused"),
        nats_url=SecretStr(server.address()),
        nats_user=service,
        nats_password=SecretStr(f"{service}-password"),
        jwks="unused",
    )
    bus = await Bus.connect(settings)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def client_of(user: str, server: NatsServer, refusals: list[str]) -> AsyncIterator[Client]:
    async def remember(error: Exception) -> None:
        refusals.append(str(error))

    client = await nats.connect(
        server.address(),
        user=user,
        password=f"{user}-password",
        inbox_prefix=f"_INBOX_{user}".encode(),
        error_cb=remember,
    )
    try:
        yield client
    finally:
        await client.close()


async def publish_log(bus: Bus, stream: str, subject: str) -> None:
    await bus.ensure_stream(stream)
    sequence, _ = await bus.last_message(stream, with_header="ce-position")
    messages = [Message(subject, {"ce-position": str(sequence + n)}, b"{}") for n in range(1, 4)]
    assert await bus.publish_in_order(stream, messages, last_sequence=sequence) == sequence + 3


async def receive(bus: Bus, stream: str, durable: str) -> int:
    """Take what a stream holds, as a service does; return how many messages came first."""
    pull = await Pull.bind(bus, stream, ConsumerConfig(durable_name=durable), size=10)
    messages = await pull._batch()
    await messages[-1].ack_sync(timeout=2)
    await pull.close()
    return len(messages)


@pytest.mark.parametrize(
    ("publisher", "stream", "followers"),
    [
        ("goals", GOALS_STREAM, {"projections": "projections-okrs"}),
        ("metrics", METRICS_STREAM, {"goals": goals.DURABLE}),
    ],
)
async def test_a_log_is_published_and_followed(
    server: NatsServer, publisher: str, stream: str, followers: dict[str, str]
) -> None:
    async with bus_of(publisher, server) as bus:
        await publish_log(bus, stream, f"{publisher}.thing.1.happened")
    for follower, durable in followers.items():
        async with bus_of(follower, server) as bus:
            assert await sequence_after(bus, stream, 0) == 1
            with suppress(NotFoundError):
                await bus.jetstream.delete_consumer(stream, durable)
            assert await receive(bus, stream, durable) == 3
    async with bus_of(publisher, server) as bus:
        await bus.empty(stream)
        assert await bus.span(stream) == (4, 3)


async def test_a_producers_reading_reaches_metrics_which_can_reject_it(
    server: NatsServer,
) -> None:
    async with bus_of("metrics", server) as bus, client_of("producer", server, []) as producer:
        await bus.ensure_stream(INTAKE_STREAM)
        await bus.ensure_stream(REJECTED_STREAM)
        acknowledged = await producer.jetstream().publish("intake.readings.simulator", b"{}")
        assert acknowledged.stream == INTAKE_STREAM
        assert await receive(bus, INTAKE_STREAM, intake.DURABLE) == 1
        rejected = await bus.jetstream.publish(rejected_subject("simulator"), b"{}")
        assert rejected.stream == REJECTED_STREAM


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("goals", "metrics.kpi.sales.defined"),
        ("goals", "intake.readings.simulator"),
        ("goals", "$JS.API.STREAM.DELETE.GOALS"),
        ("goals", "$JS.API.STREAM.PURGE.METRICS"),
        ("goals", "$JS.API.STREAM.UPDATE.METRICS"),
        ("goals", "$JS.API.CONSUMER.MSG.NEXT.GOALS.projections-okrs"),
        ("goals", "$JS.API.CONSUMER.DELETE.METRICS.projections-okrs"),
        ("metrics", "goals.objective.1.drafted"),
        ("metrics", "$JS.API.STREAM.PURGE.GOALS"),
        ("metrics", "$JS.API.STREAM.MSG.DELETE.METRICS"),
        ("projections", "$JS.API.STREAM.PURGE.GOALS"),
        ("projections", "goals.objective.1.drafted"),
        ("projections", "metrics.kpi.sales.defined"),
        ("projections", "intake.readings.simulator"),
        ("projections", "$JS.API.STREAM.CREATE.GOALS"),
        ("producer", "intake.readings.another"),
        ("producer", "intake.rejected.simulator"),
        ("producer", "goals.objective.1.drafted"),
        ("producer", "$JS.API.STREAM.INFO.INTAKE"),
        ("producer", "$JS.API.DIRECT.GET.GOALS"),
    ],
)
async def test_what_is_not_a_users_work_is_refused(
    server: NatsServer, user: str, subject: str
) -> None:
    refusals: list[str] = []
    async with client_of(user, server, refusals) as client:
        await client.publish(subject, b"{}")
        await told(refusals, client)
    assert "permissions violation for publish" in refusals[0].lower()


@pytest.mark.parametrize("user", ["goals", "metrics", "projections", "producer"])
@pytest.mark.parametrize("subject", [">", "goals.>", "_INBOX.>", "_INBOX_admin.>"])
async def test_no_user_listens_to_what_is_not_meant_for_it(
    server: NatsServer, user: str, subject: str
) -> None:
    refusals: list[str] = []
    async with client_of(user, server, refusals) as client:
        await client.subscribe(subject)
        await told(refusals, client)
    assert "permissions violation for subscription" in refusals[0].lower()


async def told(refusals: list[str], client: Client) -> None:
    """Return once the server has answered, refusals included."""
    await client.flush()
    async with asyncio.timeout(5):
        while not refusals:
            await asyncio.sleep(0.005)


def test_every_user_of_the_accounts_is_tested_here() -> None:
    text = (Path(CONFIGURATION) / "accounts.conf").read_text()
    assert {line.split(":")[1].strip() for line in text.splitlines() if " user: " in line} == set(
        USERS
    )


def test_a_wrong_password_is_refused(server: NatsServer) -> None:
    address = urlsplit(server.address())
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b'CONNECT {"user": "goals", "pass": "guess", "verbose": true}\r\n')
        answers = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"Authorization Violation" in answers
