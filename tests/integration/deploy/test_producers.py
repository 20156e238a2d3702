"""The simulated producers against a real metrics service and a real bus, both of which go away."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGTERM

import pytest

from deploy.local.child_process import ChildProcess, Command
from deploy.local.environments import NatsLogin, producer_environment
from deploy.local.nats_server import CONFIGURATION, NatsPlace, NatsServer
from deploy.local.producers import HTTP_KPIS, HTTP_SOURCE, NATS_KPIS
from deploy.local.sample.kpi_loading import define_kpis
from deploy.local.sample.service import Service
from deploy.local.waiting import wait_until
from tests.integration.deploy.conftest import Services

USERS = ("goals", "metrics", "projections", "producer", "admin")
NATS_SOURCE = "simulator"
ARRIVAL_SECONDS = 30.0
STOP_SECONDS = 1.0


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[NatsServer]:
    """A bus of this test's own, with the accounts of the local stack."""
    server = NatsServer(
        NatsPlace(
            home=tmp_path / "nats",
            log=tmp_path / "nats.log",
            accounts=(CONFIGURATION / "accounts.conf").read_text(),
            variables={f"CAIRN_NATS_{user.upper()}_PASSWORD": user for user in USERS},
        )
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def metrics(fresh_database_url: str, bus: NatsServer, tmp_path: Path) -> Iterator[Services]:
    """Services of which only metrics runs, with the KPIs of the sample company."""
    services = Services(fresh_database_url, lambda user: login(bus, user), tmp_path)
    services.start("metrics")
    asyncio.run(define_sample_kpis(services))
    yield services
    services.close()


@pytest.fixture
def producers(metrics: Services, bus: NatsServer, tmp_path: Path) -> Iterator[ChildProcess]:
    process = ChildProcess(
        "producers",
        Command(
            arguments=[sys.executable, "-m", "deploy.local.producers"],
            environment=producer_environment(
                metrics_url=metrics.urls["metrics"],
                nats=login(bus, "producer"),
                token=metrics.tokens["producer"],
            ),
            working_directory=Path(__file__).parents[3],
            log=tmp_path / "producers.log",
        ),
    )
    yield process
    process.stop()


def login(bus: NatsServer, user: str) -> NatsLogin:
    return NatsLogin(bus.address(), user, user)


async def define_sample_kpis(services: Services) -> None:
    async with Service(services.urls["metrics"], services.tokens["admin"]) as metrics:
        await define_kpis(metrics)


def arrived(services: Services, since: datetime) -> dict[str, set[str]]:
    """Which sources told something of each live KPI after a moment."""
    found: dict[str, set[str]] = {}
    with services.client("metrics") as client:
        for key in (*HTTP_KPIS, *NATS_KPIS):
            answer = client.get(f"/v1/kpis/{key}/readings", params={"from": since.isoformat()})
            found[key] = {each["source"] for each in answer.raise_for_status().json()["items"]}
    return found


EVERYTHING = {key: {HTTP_SOURCE} for key in HTTP_KPIS} | {key: {NATS_SOURCE} for key in NATS_KPIS}


def test_producers_outlive_the_service_and_the_bus_and_stop_at_once(
    metrics: Services, bus: NatsServer, producers: ChildProcess
) -> None:
    start = datetime.now(UTC)
    assert wait_until(lambda: arrived(metrics, start) == EVERYTHING, ARRIVAL_SECONDS)

    metrics.stop("metrics")
    bus.stop()
    assert producers.wait(3) is None, producers.log_tail()
    bus.start()
    metrics.start("metrics")

    restart = datetime.now(UTC)
    assert wait_until(lambda: arrived(metrics, restart) == EVERYTHING, ARRIVAL_SECONDS)
    with metrics.client("metrics") as client:
        assert client.get("/v1/rejected-readings").json()["items"] == []

    producers.stop((SIGTERM, STOP_SECONDS))
    assert producers.exit_code() == 0, producers.log_tail()
