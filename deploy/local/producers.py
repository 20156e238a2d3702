"""Two simulated producers that keep publishing readings, one over HTTP and one over NATS.

Each publishes a few readings every INTERVAL_SECONDS. What could not be delivered is tried again
before anything newer is read, so nothing piles up while a service or the bus is away; a reading
that arrives twice is one reading.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Protocol

import httpx
import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.subjects import SOURCE_PATTERN, intake_subject
from deploy.local.sample.history import Reading, value_at
from deploy.local.sample.kpis import KPIS
from deploy.local.sample.periods import Quarter
from services.chassis.logs import configure_logs
from services.chassis.settings import describe

NAME: Final = "producers"
HTTP_SOURCE: Final = "web-shop"
HTTP_KPIS: Final = ("web.session_duration", "orders.defect_rate", "support.resolution_time")
NATS_KPIS: Final = ("sales.conversion", "delivery.on_time", "workshop.scrap_rate")
INBOX_PREFIX: Final = "_INBOX_producer"

INTERVAL_SECONDS: Final = 2.0
REPORT_SECONDS: Final = 60.0
REQUEST_SECONDS: Final = 5.0
CLOSING_SECONDS: Final = 0.5
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0
RECONNECT_SECONDS: Final = 2
PING_SECONDS: Final = 10

# A producer whose token ran out, or who is asked to slow down, has the same readings to deliver
# later on; all else that is refused would be refused again.
_REFUSED_FOR_NOW: Final = frozenset({401, 403, 408, 425, 429})

log = structlog.get_logger()


class ProducerSettings(BaseSettings):
    """Each is read from `CAIRN_` and its name in capitals; an empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix="CAIRN_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    metrics_url: str
    token: SecretStr
    nats_url: SecretStr
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    # The producer's name on the bus: it may publish to that subject and to no other.
    producer_source: Annotated[str, Field(pattern=f"^{SOURCE_PATTERN}$")] = "simulator"


class UndeliveredError(Exception):
    """The readings did not arrive, or nobody said that they did: they can be sent again."""


class RefusedError(Exception):
    """The readings arrived and will not be taken, however often they are sent."""


class Publisher(Protocol):
    """A way to the metrics service."""

    async def publish(self, readings: Sequence[Reading]) -> None:
        """Return when all of them are kept; raises UndeliveredError, RefusedError."""
        ...

    async def close(self) -> None:
        """Leave, without waiting for whatever is away."""
        ...


class HttpPublisher:
    """Publishes by POST to the metrics service."""

    def __init__(self, settings: ProducerSettings) -> None:
        token = settings.token.get_secret_value()
        self._client = httpx.AsyncClient(
            base_url=settings.metrics_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=REQUEST_SECONDS,
        )

    async def publish(self, readings: Sequence[Reading]) -> None:
        """See Publisher."""
        documents = [{**reading.document(), "source": HTTP_SOURCE} for reading in readings]
        try:
            answer = await self._client.post("/v1/readings", json=documents)
        except httpx.TransportError as error:
            raise UndeliveredError(type(error).__name__) from error
        if answer.is_success:
            return
        text = f"status {answer.status_code}"
        if answer.is_server_error or answer.status_code in _REFUSED_FOR_NOW:
            raise UndeliveredError(text)
        raise RefusedError(text)

    async def close(self) -> None:
        """See Publisher."""
        await self._client.aclose()


class NatsPublisher:
    """Publishes to the intake stream and waits until it is stored there."""

    def __init__(self, settings: ProducerSettings) -> None:
        self._settings = settings
        self._subject = intake_subject(settings.producer_source)
        self._client: Client | None = None

    async def publish(self, readings: Sequence[Reading]) -> None:
        """See Publisher. The first time it waits for as long as the bus is away."""
        documents = [reading.document() for reading in readings]
        client = await self._connected()
        try:
            await client.jetstream(timeout=REQUEST_SECONDS).publish(
                self._subject, json.dumps(documents).encode()
            )
        except (NatsError, OSError) as error:
            raise UndeliveredError(type(error).__name__) from error

    async def close(self) -> None:
        """See Publisher."""
        if self._client is not None:
            with suppress(TimeoutError, NatsError, OSError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await self._client.close()

    async def _connected(self) -> Client:
        if self._client is None or self._client.is_closed:
            password = self._settings.nats_password
            self._client = await nats.connect(
                self._settings.nats_url.get_secret_value(),
                user=self._settings.nats_user,
                password=password.get_secret_value() if password else None,
                name=f"cairn-{NAME}",
                inbox_prefix=INBOX_PREFIX.encode(),
                reconnect_time_wait=RECONNECT_SECONDS,
                max_reconnect_attempts=-1,
                ping_interval=PING_SECONDS,
                # While the bus is away nothing is buffered: what matters is tried again here.
                pending_size=0,
                error_cb=_ignore,
            )
        return self._client


async def _ignore(_error: Exception) -> None:
    """The client tries again by itself; what is not delivered is counted where it is sent."""


@dataclass(slots=True)
class Tally:
    """What became of a producer's readings and attempts since it was last reported."""

    delivered: int = 0
    refused: int = 0
    failed_attempts: int = 0
    last_failure: str | None = None


def read(kpis: Collection[str], now: datetime) -> list[Reading]:
    """One reading of each KPI, by keys, in the course that it has in the current quarter."""
    quarter = Quarter.containing(now.date())
    return [
        Reading(plan.key, now, value_at(plan, quarter, now)) for plan in KPIS if plan.key in kpis
    ]


def pauses() -> Iterator[float]:
    """How many seconds to wait after each failure in a row: longer and longer, within a bound."""
    seconds = FIRST_PAUSE_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 2, LONGEST_PAUSE_SECONDS)


class Producer:
    """Reads some KPIs again and again and delivers what it read, one batch at a time."""

    def __init__(self, name: str, kpis: Collection[str], publisher: Publisher) -> None:
        self.name = name
        self._kpis = kpis
        self._publisher = publisher
        self._tally = Tally()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.deliver(read(self._kpis, datetime.now(UTC)))
            await asyncio.sleep(INTERVAL_SECONDS)

    async def deliver(self, readings: Sequence[Reading]) -> None:
        """Publish the readings, again and again until they are kept or refused for good."""
        for pause_seconds in pauses():
            try:
                await self._publisher.publish(readings)
            except UndeliveredError as error:
                self._tally.failed_attempts += 1
                self._tally.last_failure = str(error)
                await asyncio.sleep(pause_seconds)
            except RefusedError as error:
                self._tally.refused += len(readings)
                self._tally.last_failure = str(error)
                return
            else:
                self._tally.delivered += len(readings)
                return

    def take_tally(self) -> Tally:
        """What happened since this was last asked."""
        tally, self._tally = self._tally, Tally()
        return tally

    async def close(self) -> None:
        """Leave the way to the metrics service."""
        await self._publisher.close()


async def produce(settings: ProducerSettings) -> None:
    """Run both producers until cancelled."""
    producers = (
        Producer("http", HTTP_KPIS, HttpPublisher(settings)),
        Producer("nats", NATS_KPIS, NatsPublisher(settings)),
    )
    try:
        async with asyncio.TaskGroup() as running:
            running.create_task(_report(producers))
            for producer in producers:
                running.create_task(producer.run())
    finally:
        await asyncio.gather(*(producer.close() for producer in producers))


async def _report(producers: Sequence[Producer]) -> None:
    """Write a line a minute on what both have done."""
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        log.info("published", **{each.name: asdict(each.take_tally()) for each in producers})


async def _produce_until_told_to_stop(settings: ProducerSettings) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await produce(settings)


def main() -> None:
    """Publish until SIGTERM or SIGINT, which end it at once and without complaint."""
    try:
        settings = ProducerSettings()
    except ValidationError as error:
        sys.exit(f"{NAME}: {describe(error)}")
    configure_logs("info", NAME)
    log.info("publishing", http=HTTP_KPIS, nats=NATS_KPIS)
    with suppress(asyncio.CancelledError):
        asyncio.run(_produce_until_told_to_stop(settings))


if __name__ == "__main__":
    main()
