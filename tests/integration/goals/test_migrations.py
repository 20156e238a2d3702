"""A database of the first version: its log is read on, and its indexes say what the log says."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest

from services.chassis import migrations
from services.goals.persistence.log import migrate_schema
from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import Json, Starting, check_ins

FIRST: Final = slice(1)

CYCLE, OBJECTIVE, KEY_RESULT = UUID(int=1), UUID(int=2), UUID(int=3)
EARLY, LATE = UUID(int=4), UUID(int=5)
BEGAN: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
AHEAD: Final = timedelta(seconds=20)

# What the first version stored: (aggregate, topic, fields, seconds that the clock was ahead).
LIFE: Final[tuple[tuple[UUID, str, Mapping[str, Any], timedelta], ...]] = (
    (
        CYCLE,
        "goals.cycle.planned",
        {
            "name": "2026 Q1",
            "starts_on": "2026-01-01",
            "ends_on": "2026-03-31",
            "cadence": "quarter",
            "check_in_rhythm": "weekly",
        },
        timedelta(),
    ),
    (CYCLE, "goals.cycle.activated", {}, timedelta()),
    (
        OBJECTIVE,
        "goals.objective.drafted",
        {
            "cycle_id": str(CYCLE),
            "title": "Halve the bug rate",
            "description": "By Testing.",
            "owner": {"kind": "team", "id": "quality"},
            "ambition": "committed",
        },
        timedelta(),
    ),
    (
        OBJECTIVE,
        "goals.key_result.added",
        {
            "key_result_id": str(KEY_RESULT),
            "title": "Test coverage",
            "type": "increase",
            "baseline": 70,
            "target": 90,
            "stretch": None,
            "unit": "%",
            "weight": 1,
            "due_on": None,
        },
        timedelta(),
    ),
    (OBJECTIVE, "goals.objective.activated", {}, timedelta()),
    (
        OBJECTIVE,
        "goals.key_result.checked_in",
        {
            "key_result_id": str(KEY_RESULT),
            "check_in_id": str(EARLY),
            "value": 75,
            "confidence": None,
            "status": None,
            "comment": "",
        },
        AHEAD,
    ),
    (
        OBJECTIVE,
        "goals.key_result.checked_in",
        {
            "key_result_id": str(KEY_RESULT),
            "check_in_id": str(LATE),
            "value": 80,
            "confidence": None,
            "status": None,
            "comment": "",
        },
        timedelta(),
    ),
)


@pytest.fixture
def settings(settings: GoalsSettings, monkeypatch: pytest.MonkeyPatch) -> GoalsSettings:
    """Those of a database in which each track stands where it began, with a life in it."""
    load = migrations.load_migrations
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "load_migrations", lambda package: load(package)[FIRST])
        migrate_schema(settings)
    with psycopg.connect(
        settings.database_url.get_secret_value(), options=f"-c search_path={settings.db_schema}"
    ) as connection:
        write_log(connection)
        write_indexes(connection)
    return settings


def write_log(connection: psycopg.Connection) -> None:
    versions: dict[UUID, int] = {}
    for position, (aggregate, topic, fields, ahead) in enumerate(LIFE, 1):
        versions[aggregate] = versions.get(aggregate, 0) + 1
        context = {
            "actor": {"id": "lea", "kind": "human"},
            "effective_at": (recorded_at(position) + ahead).isoformat(),
            "command_id": str(UUID(int=position)),
            "correlation_id": "c",
        }
        state = json.dumps({"version": 1, "context": context, "event": fields}).encode()
        connection.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state,"
            " notification_id, recorded_at) VALUES (%s, %s, %s, %s, %s, %s)",
            (aggregate, versions[aggregate], topic, state, position, recorded_at(position)),
        )


def write_indexes(connection: psycopg.Connection) -> None:
    """As the first version wrote them, which kept neither descriptions nor check-ins."""
    connection.execute(
        "INSERT INTO cycles VALUES (%s, '2026 Q1', '2026-01-01', '2026-03-31', 'quarter',"
        " 'weekly', 'active', 2, %s, 1)",
        (CYCLE, recorded_at(2)),
    )
    connection.execute(
        "INSERT INTO objectives VALUES (%s, %s, 'team', 'quality', 'Halve the bug rate',"
        " 'active', 5, %s, 3)",
        (OBJECTIVE, CYCLE, recorded_at(7)),
    )


def recorded_at(position: int) -> datetime:
    return BEGAN + position * timedelta(seconds=1)


def rendered(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def test_what_the_first_version_kept_is_read_on(starting: Starting) -> None:
    async with starting() as service:
        shown = await service.shown({"id": str(OBJECTIVE)})
        assert (shown["version"], shown["description"]) == (5, "By Testing.")
        assert (shown["labels"], shown["delegates"], shown["predecessor_id"]) == ([], [], None)
        assert shown["key_results"][0]["value"] == 80
        told = await service.history(shown)
        assert [each["after_closing"] for each in told] == [False] * 5
        assert told[-1]["sentence"] == "lea checked in 80 % on “Test coverage” (was 75 %)."
        found = await service.reader.get("/objectives", text="testing")
        assert [each["id"] for each in found.json()["items"]] == [str(OBJECTIVE)]
        said = {"value": 82}
        path = check_ins(shown)
        await service.lead.done(path, said, version=5)


async def test_its_check_ins_are_of_the_times_that_their_objective_knows(
    starting: Starting,
) -> None:
    async def listed() -> list[Json]:
        page = await service.reader.get(f"/objectives/{OBJECTIVE}/check-ins")
        items: list[Json] = page.json()["items"]
        return items

    async with starting() as service:
        assert [(each["id"], each["effective_at"]) for each in await listed()] == [
            (str(EARLY), rendered(recorded_at(6))),
            (str(LATE), rendered(recorded_at(7))),
        ]
        path = f"{check_ins(await service.shown({'id': str(OBJECTIVE)}))}/{EARLY}/correct"
        await service.lead.done(path, {"value": 74, "reason": "Miscounted."}, version=5)
        assert [len(each["corrected"]) for each in await listed()] == [1, 0]
