"""A projections schema on a real PostgreSQL, and appliers that fill it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from services.chassis.postgres import Pool, open_pool
from services.projections.applying import Applier
from services.projections.okrs.group import OkrsGroup
from services.projections.okrs.rows import Alignment, Cycle, KeyResult, Objective, Progress
from services.projections.schema import migrate_schema
from services.projections.settings import ProjectionsSettings
from services.projections.timeline import Version
from tests.unit.projections.okrs.projected import by_kind_and_key

TABLES = {
    "okr_cycles": Cycle,
    "okr_objectives": Objective,
    "okr_progress": Progress,
    "okr_key_results": KeyResult,
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
                versions.append(Version(held, row["valid_from"], row["valid_to"]))
        return by_kind_and_key(versions)

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]

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


@pytest.fixture
def settings(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> ProjectionsSettings:
    monkeypatch.setenv("CAIRN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://127.0.0.1:1")
    monkeypatch.setenv("CAIRN_JWKS", "none")
    settings = ProjectionsSettings()
    migrate_schema(fresh_database_url, settings.db_schema)
    return settings


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
