"""All three services as processes of their own, over the database and the bus of one test."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from deploy.databases import SERVICES
from deploy.local.environments import NatsLogin, service_environment
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.service_process import ServicePlan, ServiceProcess
from deploy.local.tokens import Bearer, Role, TokenIssuer


class Services:
    """goals, metrics and projections, each of which can be stopped and started again."""

    def __init__(self, database_url: str, login: Callable[[str], NatsLogin], home: Path) -> None:
        issuer = TokenIssuer(home / "keys")
        issuer.publish_keys()
        self.urls = {service: f"http://{LOOPBACK}:{free_port()}" for service in SERVICES}
        self.tokens = {
            str(role): issuer.mint(
                Bearer.of(role), now=datetime.now(UTC), validity=timedelta(hours=1)
            )
            for role in Role
        }
        self._lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR)
        self._processes = {
            service: ServiceProcess(
                ServicePlan(
                    name=service,
                    module=f"services.{service}.main",
                    environment=service_environment(
                        port=int(url.rpartition(":")[2]),
                        database_url=database_url,
                        nats=login(service),
                        jwks_file=issuer.jwks_file,
                    ),
                    log=home / f"{service}.log",
                    lock=self._lock,
                    ready_url=f"{url}/readyz",
                )
            )
            for service, url in self.urls.items()
        }

    def start(self, *services: str) -> None:
        for service in services:
            self._processes[service].launch()
        for service in services:
            self._processes[service].await_ready()

    def stop(self, *services: str) -> None:
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda service: self._processes[service].stop(), services))

    def close(self) -> None:
        self.stop(*SERVICES)
        os.close(self._lock)

    def client(self, service: str, role: Role = Role.ADMIN) -> httpx.Client:
        """Asks one service with the token of a role; the caller closes it."""
        return httpx.Client(
            base_url=self.urls[service],
            headers={"Authorization": f"Bearer {self.tokens[role]}"},
            timeout=10,
        )


@pytest.fixture
def services(fresh_database_url: str, nats_url: str, tmp_path: Path) -> Iterator[Services]:
    """The three services, none of which is started."""
    running = Services(fresh_database_url, lambda _: NatsLogin(nats_url), tmp_path)
    yield running
    running.close()
