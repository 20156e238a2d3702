"""The metrics service in this process: whole, or its parts without the HTTP side."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg.rows import dict_row
from pydantic import SecretStr

from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.unit import Answer, Command, Loaded, Unit
from services.chassis.eventstore.writer import Writer
from services.chassis.postgres import Pool, open_pool
from services.metrics import application
from services.metrics.domain.events import Owner, Terms
from services.metrics.domain.kpi import Kpi
from services.metrics.main import create
from services.metrics.meters import RecordingMeters
from services.metrics.persistence.index import index_events
from services.metrics.persistence.log import event_mapper, migrate_schema, open_log
from services.metrics.reading_format import Batch, ReadingBody
from services.metrics.recorder import GroupRecorder
from services.metrics.recording import IntakeMessage, Recording, Submission
from services.metrics.rollups import Flusher
from services.metrics.settings import MetricsSettings
from tests.integration.goals.conftest import NOWHERE, Caller, Issuer, Json

MARIA = Actor("maria", "human")
TERMS = Terms(
    name="Revenue",
    unit="EUR",
    direction="higher",
    owner=Owner(kind="team", id="sales"),
    cadence="day",
    aggregation="sum",
    time_zone="Europe/Berlin",
)
REVENUE = "sales.revenue"


def reading(
    at: str, value: float, *, kpi: str = REVENUE, source: str = "pos-1", **more: Any
) -> ReadingBody:
    return ReadingBody(kpi=kpi, at=datetime.fromisoformat(at), value=value, source=source, **more)


def submission(*readings: ReadingBody, message: IntakeMessage | None = None) -> Submission:
    return Submission(
        batch=Batch(list(enumerate(readings))),
        actor="service:pos-1",
        may_write=lambda _: True,
        message=message,
    )


@dataclass(frozen=True)
class Kpis:
    """Defines, redefines and retires KPIs, as the service does on request."""

    writer: Writer

    async def define(self, key: str = REVENUE, **terms: Any) -> None:
        await self._run(lambda unit: application.define_kpi(unit, key, replace(TERMS, **terms)))

    async def redefine(self, key: str = REVENUE, *, version: int, **changes: Any) -> None:
        await self._run(
            lambda unit: application.redefine_kpi(
                unit, key, changes, version=version, reason="because"
            ),
            reason="because",
        )

    async def retire(self, key: str = REVENUE, *, version: int) -> None:
        await self._run(lambda unit: application.retire_kpi(unit, key, version=version))

    async def _run(
        self, use_case: Callable[[Unit], Loaded[Kpi]], reason: str | None = None
    ) -> None:
        def decide(unit: Unit) -> Answer:
            return Answer(200, b"", etag=use_case(unit).version)

        await self.writer.submit(
            Command(decide=decide, actor=MARIA, correlation_id="c", reason=reason)
        )


class Database:
    """Looks at the tables from outside."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(
            url, autocommit=True, options="-c search_path=metrics", row_factory=dict_row
        )

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        return self.connection.execute(query, parameters).fetchall()  # type: ignore[call-overload,no-any-return]

    def values(self, query: str, *parameters: Any) -> list[Any]:
        """The only column of each row."""
        return [next(iter(row.values())) for row in self.rows(query, *parameters)]

    def rollups(self, key: str = REVENUE) -> dict[tuple[int, datetime], tuple[float, int]]:
        """The value and the number of readings, by definition and start."""
        found = self.rows(
            "SELECT r.* FROM rollups AS r JOIN kpis AS k USING (kpi_no) WHERE k.key = %s", key
        )
        return {
            (row["definition"], row["period_start"]): (row["value"], row["readings"])
            for row in found
        }


class Service:
    """A running application, and those who call it."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        self.client = client
        self._issuer = issuer
        self.analyst = self.caller("ana", "kpis:read kpis:write")
        self.reader = self.caller("rea", "kpis:read")
        self.producer = self.caller(
            "till", "readings:write", kind="service", kpis=["sales.*", "web.visits"]
        )

    def caller(self, subject: str, scope: str, **claims: Any) -> Caller:
        return Caller(self.client, self._issuer.headers(subject, scope, **claims))

    def stranger(self, headers: dict[str, str] | None = None) -> Caller:
        return Caller(self.client, headers or {})

    async def define(self, key: str = REVENUE, **changes: Any) -> Json:
        return await self.analyst.done("/kpis", kpi_body(key, **changes))


def kpi_body(key: str = REVENUE, **changes: Any) -> Json:
    return {
        "key": key,
        "name": "Revenue",
        "unit": "EUR",
        "direction": "higher",
        "owner": {"kind": "team", "id": "sales"},
        "cadence": "day",
        "aggregation": "sum",
        "time_zone": "Europe/Berlin",
        **changes,
    }


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def settings(database_url: str, issuer: Issuer) -> MetricsSettings:
    # Making a schema anew takes a tenth of the time that a new database takes.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS metrics CASCADE")
    settings = MetricsSettings(
        database_url=SecretStr(database_url),
        nats_url=SecretStr(NOWHERE),
        jwks=str(issuer.jwks),
        rollup_interval_seconds=0.05,
    )
    migrate_schema(settings)
    return settings


Starting = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def starting(settings: MetricsSettings, issuer: Issuer) -> Starting:
    """Starts the service, as often as a test wants processes of it."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Service]:
        app = create(settings.model_copy(update=changes))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://metrics") as client,
        ):
            yield Service(client, issuer)

    return start


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting() as started:
        yield started


@pytest.fixture
def database(settings: MetricsSettings) -> Iterator[Database]:
    database = Database(settings.database_url.get_secret_value())
    yield database
    database.connection.close()


@pytest.fixture
async def pool(settings: MetricsSettings) -> AsyncIterator[Pool]:
    pool = await open_pool(settings)
    yield pool
    await pool.close()


@pytest.fixture
def log(pool: Pool) -> EventLog:
    return EventLog(pool, event_mapper())


@pytest.fixture
async def writer(settings: MetricsSettings) -> AsyncIterator[Writer]:
    application_ = open_log(settings, event_mapper())
    writer = Writer(application_, index=index_events)
    writer.start()
    yield writer
    await writer.stop()
    application_.close()


@pytest.fixture
def kpis(writer: Writer) -> Kpis:
    return Kpis(writer)


@pytest.fixture
async def new_recorder(pool: Pool) -> AsyncIterator[Callable[[], GroupRecorder]]:
    """Makes one more recorder, as another process would have it: with nothing in memory."""
    made: list[GroupRecorder] = []

    def make() -> GroupRecorder:
        recorder = GroupRecorder(pool, RecordingMeters(CollectorRegistry()))
        recorder.start()
        made.append(recorder)
        return recorder

    yield make
    for recorder in made:
        await recorder.stop()


@pytest.fixture
async def recorder(new_recorder: Callable[[], GroupRecorder]) -> GroupRecorder:
    return new_recorder()


@pytest.fixture
def flusher(pool: Pool, writer: Writer) -> Flusher:
    return Flusher(pool, writer, interval_seconds=0.05)


def told(recording: Recording) -> dict[str, Any]:
    """A recording, short enough to compare: counts that are not 0, and codes by index."""
    counts = {
        "accepted": recording.accepted,
        "duplicates": recording.duplicates,
        "corrections": recording.corrections,
        "rejected": {each.place: each.code for each in recording.rejections},
    }
    return {name: count for name, count in counts.items() if count}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
