"""Old answers and unused snapshots go, others stay, and a full table goes piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial

import psycopg
import pytest

from services.chassis.eventstore.retention import forget_old_answers, forget_unused_snapshots
from services.chassis.eventstore.snapshots import shape_of
from services.chassis.postgres import Pool, open_pool
from services.chassis.settings import ServiceSettings
from tests.integration.chassis.eventstore.conftest import PILE, SCHEMA

BOUND_SECONDS = 20
KEPT = "SELECT key FROM piles.commands ORDER BY key"
SNAPSHOTS = "SELECT originator_version FROM piles.stored_snapshots ORDER BY 1"


@pytest.fixture(autouse=True)
def settings(log_url: str, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("CAIRN_DATABASE_URL", log_url)
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://unused")
    monkeypatch.setattr("services.chassis.eventstore.retention.MAX_ROWS_PER_DELETE", 2)
    return ServiceSettings(service="goals", db_schema=SCHEMA, port=1, jwks="none")


@asynccontextmanager
async def forgetting(
    settings: ServiceSettings, work: Callable[[Pool], Coroutine[None, None, None]]
) -> AsyncIterator[None]:
    pool = await open_pool(settings)
    task = asyncio.ensure_future(work(pool))
    async with asyncio.timeout(BOUND_SECONDS):
        yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await pool.close()


async def test_only_answers_older_than_the_retention_are_forgotten(
    log_url: str, settings: ServiceSettings
) -> None:
    with psycopg.connect(log_url, autocommit=True) as database:
        database.execute(
            "INSERT INTO piles.commands"
            " SELECT 'ana', 'key-' || age, '', 200, '', NULL, NULL, 1,"
            " now() - age * interval '1 day'"
            " FROM generate_series(1, 12) AS age"
        )
        async with forgetting(settings, forget_old_answers):
            while len(kept := database.execute(KEPT).fetchall()) > 6:
                await asyncio.sleep(0.01)
    assert kept == [(f"key-{age}",) for age in range(1, 7)]


async def test_only_snapshots_of_shapes_that_no_kind_has_are_forgotten(
    log_url: str, settings: ServiceSettings
) -> None:
    with psycopg.connect(log_url, autocommit=True) as database:
        database.execute(
            "INSERT INTO piles.stored_snapshots SELECT gen_random_uuid(), now(), number,"
            " CASE WHEN number <= 5 THEN 'pile.0.older' ELSE %s END, number, ''"
            " FROM generate_series(1, 8) AS number",
            [shape_of(PILE)],
        )
        async with forgetting(settings, partial(forget_unused_snapshots, kinds=[PILE])):
            while len(kept := database.execute(SNAPSHOTS).fetchall()) > 3:
                await asyncio.sleep(0.01)
    assert kept == [(6,), (7,), (8,)]
