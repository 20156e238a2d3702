"""A projections schema on a real PostgreSQL, and appliers that fill it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from services.chassis.postgres import Pool, open_pool
from services.projections.alignment_tree.schemas import AlignmentTreeShape
from services.projections.api.shapes import Shape
from services.projections.applying import Applier
from services.projections.checkpoints import Checkpoints
from services.projections.cycle_dashboard.schemas import CycleDashboardShape, CyclesShape
from services.projections.main import create
from services.projections.okrs.group import OkrsGroup
from services.projections.okrs.persistence import StoredKeyResult
from services.projections.okrs.rows import Alignment, Cycle, KeyResult, Objective, Progress
from services.projections.runtime import Projections
from services.projections.schema import migrate_schema
from services.projections.settings import ProjectionsSettings
from services.projections.timeline import Version
from services.projections.waiting import PositionWatch
from tests.integration.goals.conftest import NOWHERE, Issuer
from tests.unit.projections.goals_log import GoalsLog
from tests.unit.projections.okrs.projected import by_kind_and_key

TABLES = {
    "okr_cycles": Cycle,
    "okr_objectives": Objective,
    "okr_progress": Progress,
    "okr_key_results": StoredKeyResult,
    "okr_alignments": Alignment,
}


class Store:
    """What is stored, read by a plain statement."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            options="-c search_path=projections -c timezone=UTC",
            row_factory=dict_row,
        )

    def close(self) -> None:
        self._connection.close()

    def versions(self) -> dict[Any, list[Version[Any]]]:
        """Every row in time, by kind and key, oldest first."""
        versions: list[Version[Any]] = []
        for table, row_type in TABLES.items():
            for row in self.rows(
                f"SELECT {', '.join(row_type.__struct_fields__)}, valid_from,"
                f" nullif(valid_to, 'infinity') AS valid_to FROM {table} AS stored"
                f" ORDER BY stored.valid_from",
            ):
                held = msgspec.convert(row, row_type)
                if isinstance(held, StoredKeyResult):
                    held = msgspec.json.decode(held.document, type=KeyResult)
                versions.append(Version(held, row["valid_from"], row["valid_to"]))
        return by_kind_and_key(versions)

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]

    def execute(self, statement: str, *parameters: object) -> None:
        self._connection.execute(statement, parameters)  # type: ignore[arg-type]

    def empty(self) -> None:
        """Make it as new."""
        self._connection.execute(
            "TRUNCATE okr_cycles, okr_objectives, okr_progress, okr_key_results, okr_alignments,"
            " okr_cycle_objectives, checkpoints, applied_versions, parked_aggregates,"
            " parked_events"
        )
        self._connection.execute(
            "INSERT INTO checkpoints (group_name, stream) VALUES ('okrs', 'GOALS')"
        )


SHAPES: dict[str, type[Shape]] = {
    "alignment-tree": AlignmentTreeShape,
    "cycles": CyclesShape,
    "cycle-dashboards": CycleDashboardShape,
}


class Caller:
    """Calls the service as somebody; a path without `/v1` in front."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def get(
        self, path: str, *, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        chosen = {**self._headers, **(headers or {})}
        return await self._client.get(f"/v1{path}", params=query, headers=chosen)

    async def post(self, path: str) -> httpx.Response:
        return await self._client.post(f"/v1{path}", headers=self._headers)


class Service:
    """A running application, those who call it, and the events that it is given."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, projections: Projections) -> None:
        self._client = client
        self._issuer = issuer
        self.projections = projections
        self.log = GoalsLog()
        self._applied = 0
        self.reader = self.caller("projections:read")
        self.admin = self.caller("projections:read projections:admin")

    def caller(self, scope: str) -> Caller:
        return Caller(self._client, self._issuer.headers("rea", scope))

    async def apply(self) -> str:
        """Apply what the log has got since the last time, which is all; the position reached."""
        await self.projections.appliers["okrs"].apply(self.log.events[self._applied :])
        self._applied = len(self.log.events)
        position = self.log.events[-1].position
        self.projections.watch.saw_end(position, datetime.now(UTC))
        return f"goals:{position}"

    async def get(
        self, path: str, *, min_position: str | None = None, **query: Any
    ) -> dict[str, Any]:
        """What a query that has to succeed is answered."""
        headers = {} if min_position is None else {"Cairn-Min-Position": min_position}
        response = await self.reader.get(path, headers=headers, **query)
        assert response.status_code == HTTPStatus.OK, response.text
        answer: dict[str, Any] = response.json()
        assert response.headers["Cairn-Position"] == answer["position"]
        SHAPES[path.split("/")[1]].model_validate(answer)
        return answer


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def settings(fresh_database_url: str, issuer: Issuer) -> ProjectionsSettings:
    settings = ProjectionsSettings(
        database_url=fresh_database_url, nats_url=NOWHERE, jwks=str(issuer.jwks)
    )
    migrate_schema(settings)
    return settings


Starting = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def starting(settings: ProjectionsSettings, issuer: Issuer) -> Starting:
    """Starts the service, as often as a test wants processes of it."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Service]:
        app = create(settings.model_copy(update=changes))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://projections") as client,
        ):
            service = Service(client, issuer, app.state.projections)
            await service.projections.appliers["okrs"].position()
            yield service

    return start


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting() as started:
        yield started


@pytest.fixture
async def pool(settings: ProjectionsSettings) -> AsyncIterator[Pool]:
    pool = await open_pool(settings)
    yield pool
    await pool.close()


@pytest.fixture
def new_applier(pool: Pool) -> Callable[[], Applier]:
    """Makes one more applier, as another process would have it: with nothing in memory."""
    return lambda: Applier(pool, OkrsGroup(), lambda _: None)


@pytest.fixture
async def applier(new_applier: Callable[[], Applier]) -> Applier:
    applier = new_applier()
    await applier.position()
    return applier


@pytest.fixture
def store(settings: ProjectionsSettings) -> Iterator[Store]:
    store = Store(settings.database_url.get_secret_value())
    yield store
    store.close()


@pytest.fixture
def watch(pool: Pool) -> PositionWatch:
    return PositionWatch(pool, Checkpoints("okrs", "GOALS"))
