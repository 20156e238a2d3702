"""A log in a schema of its own, with a toy aggregate: a pile of stones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import psycopg
import pytest

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.unit import AggregateKind
from services.chassis.migrations import load_migrations

SCHEMA = "piles"
EVENT_LOG = load_migrations("services.chassis.eventstore.migrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class PileStarted:
    TOPIC: ClassVar[str] = "test.pile.started"
    VERSION: ClassVar[int] = 1

    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneAdded:
    TOPIC: ClassVar[str] = "test.stone.added"
    VERSION: ClassVar[int] = 1

    weight: float


@dataclass(frozen=True, slots=True)
class Pile:
    place: str
    stones: int = 0


def evolve(pile: Pile | None, logged: LoggedEvent) -> Pile:
    match logged.event:
        case PileStarted(place=place):
            return Pile(place)
        case StoneAdded():
            assert pile is not None
            return replace(pile, stones=pile.stones + 1)
        case unknown:
            raise AssertionError(unknown)


PILE = AggregateKind("pile", PileStarted, evolve, state=Pile)


@pytest.fixture
def log_url(fresh_database_url: str) -> str:
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"SET search_path TO {SCHEMA}")
        for migration in EVENT_LOG:
            connection.execute(migration.statements.encode())
    return fresh_database_url


@pytest.fixture
def open_log(log_url: str) -> Iterator[Callable[[], LogApplication]]:
    """Opens the log once more, as another process would."""
    opened: list[LogApplication] = []

    def open_one() -> LogApplication:
        mapper = EventMapper([PileStarted, StoneAdded])
        opened.append(LogApplication(mapper, database_url=log_url, schema=SCHEMA, kinds=[PILE]))
        return opened[-1]

    yield open_one
    for application in opened:
        application.close()
