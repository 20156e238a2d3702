"""Old answers go, young ones stay, and a full table goes piece by piece."""

import asyncio
from contextlib import suppress

import psycopg
import pytest

from services.chassis.eventstore.retention import forget_old_answers
from services.chassis.postgres import open_pool
from services.chassis.settings import ServiceSettings
from tests.integration.chassis.eventstore.conftest import SCHEMA

BOUND_SECONDS = 20
KEPT = "SELECT key FROM piles.commands ORDER BY key"


async def test_only_answers_older_than_the_retention_are_forgotten(
    log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAIRN_DATABASE_URL", log_url)
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://unused")
    monkeypatch.setattr("services.chassis.eventstore.retention.MAX_ROWS_PER_DELETE", 2)
    with psycopg.connect(log_url, autocommit=True) as database:
        database.execute(
            "INSERT INTO piles.commands"
            " SELECT 'ana', 'key-' || age, '', 200, '', NULL, NULL, 1,"
            " now() - age * interval '1 day'"
            " FROM generate_series(1, 12) AS age"
        )
        pool = await open_pool(
            ServiceSettings(service="goals", db_schema=SCHEMA, port=1, jwks="none")
        )
        forgetting = asyncio.ensure_future(forget_old_answers(pool))
        async with asyncio.timeout(BOUND_SECONDS):
            while len(kept := database.execute(KEPT).fetchall()) > 6:
                await asyncio.sleep(0.01)
        forgetting.cancel()
        with suppress(asyncio.CancelledError):
            await forgetting
        await pool.close()
    assert kept == [(f"key-{age}",) for age in range(1, 7)]
