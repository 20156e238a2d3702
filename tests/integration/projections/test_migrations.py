"""A database of an earlier version: its rows are made anew, from the first event on."""

from collections.abc import Callable

import psycopg
import pytest

from services.chassis import migrations
from services.projections.applying import Applier, BrokenChainError
from services.projections.schema import migrate_schema
from services.projections.settings import ProjectionsSettings
from tests.integration.goals.conftest import NOWHERE, Issuer
from tests.integration.projections.conftest import Store
from tests.unit.projections.goals_log import Q1, GoalsLog
from tests.unit.projections.okrs.projected import Projected

FIRST, SECOND = slice(1), slice(2)


@pytest.fixture(params=[FIRST, SECOND])
def settings(
    fresh_database_url: str,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> ProjectionsSettings:
    """Those of a database in which each track stands where an earlier version left it."""
    settings = ProjectionsSettings(
        database_url=fresh_database_url, nats_url=NOWHERE, jwks=str(issuer.jwks)
    )
    load = migrations.load_migrations
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "load_migrations", lambda package: load(package)[request.param])
        migrate_schema(settings)
    return settings


def a_life_so_far(store: Store, log: GoalsLog) -> None:
    """What an earlier version left: a cycle, a parked aggregate, and another group's place."""
    store.execute(
        "INSERT INTO okr_cycles VALUES (%s, 'Q1', '2026-01-01', '2026-03-31', 'quarter',"
        " 'weekly', 'active', %s, 'infinity')",
        Q1,
        log.events[0].time,
    )
    for group in ("okrs", "others"):
        store.execute(
            "INSERT INTO checkpoints VALUES (%s, 'GOALS', %s, %s, 7, 3)",
            group,
            log.events[1].position,
            log.events[1].time,
        )
        store.execute("INSERT INTO applied_versions VALUES (%s, %s, 2)", group, str(Q1))
        store.execute("INSERT INTO parked_aggregates VALUES (%s, 'x', 'not understood')", group)


async def test_rows_of_an_earlier_version_are_made_anew(
    settings: ProjectionsSettings, store: Store, new_applier: Callable[[], Applier]
) -> None:
    log = GoalsLog()
    log.cycle()
    log.objective("homepage", active=False)
    log.key_result("homepage", "uptime", type="maintain", lower=99.99)
    log.activate("homepage")
    log.check_in("homepage", "uptime", 100.0)
    a_life_so_far(store, log)
    migrate_schema(settings)
    assert store.versions() == {}
    before = store.rows("SELECT group_name, position, revision FROM checkpoints ORDER BY 1")
    assert before == [
        {"group_name": "okrs", "position": 0, "revision": before[0]["revision"]},
        {"group_name": "others", "position": log.events[1].position, "revision": 7},
    ]
    assert before[0]["revision"] > 7
    for table in ("applied_versions", "parked_aggregates"):
        assert store.rows(f"SELECT group_name FROM {table}") == [{"group_name": "others"}]
    # A process of the earlier version that still runs must not fill them up again.
    with pytest.raises(psycopg.errors.NotNullViolation):
        store.execute(
            "INSERT INTO okr_progress (objective_id, own_progress, progress, valid_from, valid_to)"
            " VALUES (gen_random_uuid(), 0.5, 0.5, now(), 'infinity')"
        )
    applier = new_applier()
    assert await applier.position() == 0
    with pytest.raises(BrokenChainError):
        await applier.apply(log.events[2:])
    await applier.apply(log.events)
    assert store.versions() == Projected(log).versions()
