"""Snapshots: reads begin at them, and never tell anything else than the whole history does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.context import Actor, LoggedEvent
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.unit import AggregateKind, Answer, Command, Loaded, Unit, apply
from services.chassis.eventstore.writer import Writer, writing
from services.chassis.postgres import open_pool
from services.chassis.settings import ServiceSettings
from tests.integration.chassis.eventstore.conftest import SCHEMA, PileStarted, StoneAdded

ANA = Actor("ana", "human")
EVERY = "services.chassis.eventstore.snapshots.EVENTS_PER_SNAPSHOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heap:
    """A state that holds something of everything in an event and around it."""

    id: UUID
    place: str
    weights: tuple[float, ...]
    version: int
    position: int
    changed_at: datetime
    by: Actor


def evolve(heap: Heap | None, logged: LoggedEvent) -> Heap:
    assert logged.position is not None
    assert logged.recorded_at is not None
    event = logged.event
    if isinstance(event, PileStarted):
        place, weights = event.place, tuple[float, ...]()
    else:
        assert isinstance(event, StoneAdded)
        assert heap is not None
        place, weights = heap.place, (*heap.weights, event.weight)
    return Heap(
        id=logged.originator_id,
        place=place,
        weights=weights,
        version=logged.originator_version,
        position=logged.position,
        changed_at=logged.recorded_at,
        by=logged.context.actor,
    )


HEAP = AggregateKind("heap", PileStarted, evolve, state=Heap)


def no_index(cursor: Any, events: Sequence[LoggedEvent]) -> None:
    pass


def open_application(log_url: str) -> LogApplication:
    mapper = EventMapper([PileStarted, StoneAdded])
    return LogApplication(mapper, database_url=log_url, schema=SCHEMA, kinds=[HEAP])


def adding(heap: UUID, *weights: float, kind: AggregateKind[Any] = HEAP) -> Command:
    def decide(unit: Unit) -> Answer:
        begun = unit.find(kind, heap)
        first = () if begun else (PileStarted(place="pass"),)
        stones = [StoneAdded(weight=weight) for weight in weights]
        after = unit.record(kind, heap, *first, *stones)
        return Answer(200, str(after.state).encode(), etag=after.version)

    return Command(decide=decide, actor=ANA, correlation_id="c", touches=(heap,))


def reading(heap: UUID, found: list[Any]) -> Command:
    def decide(unit: Unit) -> Answer:
        found.append(unit.load(HEAP, heap))
        return Answer(200, b"")

    return Command(decide=decide, actor=ANA, correlation_id="c")


@asynccontextmanager
async def process(log_url: str) -> AsyncIterator[Writer]:
    async with writing(open_application(log_url), index=no_index) as writer:
        yield writer


@pytest.fixture
async def log(log_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventLog]:
    monkeypatch.setenv("CAIRN_DATABASE_URL", log_url)
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://unused")
    pool = await open_pool(ServiceSettings(service="goals", db_schema=SCHEMA, port=1, jwks="none"))
    yield EventLog(pool, EventMapper([PileStarted, StoneAdded]))
    await pool.close()


@pytest.fixture
def database(log_url: str) -> Any:
    with psycopg.connect(log_url, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {SCHEMA}")
        yield connection


async def replayed(log: EventLog, heap: UUID) -> list[Loaded[Heap]]:
    """The heap at each of its versions, by nothing but its events."""
    found: list[Loaded[Heap]] = []
    loaded: Loaded[Heap] | None = None
    for event in await log.history(heap):
        loaded = apply(loaded, HEAP, event)
        found.append(loaded)
    return found


def kept(database: Any, heap: UUID) -> list[int]:
    return [
        version
        for (version,) in database.execute(
            "SELECT originator_version FROM stored_snapshots WHERE originator_id = %s"
            " ORDER BY originator_version",
            [heap],
        )
    ]


def make_unreadable(database: Any, heap: UUID, first: int, last: int) -> None:
    """Who reads one of these events from now on, fails."""
    database.execute(
        "UPDATE stored_events SET topic = 'unknown'"
        " WHERE originator_id = %s AND originator_version BETWEEN %s AND %s",
        [heap, first, last],
    )


Commands = st.lists(
    st.tuples(st.integers(0, 1), st.booleans(), st.lists(st.integers(1, 9), max_size=7)),
    min_size=1,
    max_size=8,
)
Versions = st.sets(st.integers(1, 40))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), every=st.integers(1, 5), commands=Commands)
async def test_states_are_those_of_the_replay_whatever_became_of_the_snapshots(
    log_url: str,
    log: EventLog,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    data: st.DataObject,
    every: int,
    commands: list[tuple[int, bool, list[float]]],
) -> None:
    monkeypatch.setattr(EVERY, every)
    heap = uuid4()
    async with process(log_url) as one, process(log_url) as two:
        for writer, cold, weights in commands:
            if cold:
                (one, two)[writer]._cache.forget()
            await (one, two)[writer].submit(adding(heap, *weights))
        for sql in (
            "DELETE FROM stored_snapshots",
            "UPDATE stored_snapshots SET shape = 'heap.0.older', state = 'x'",
            "UPDATE stored_snapshots SET state = 'damaged'",
            "UPDATE stored_snapshots SET position = position + 1, state = '{}'",
        ):
            database.execute(
                f"{sql} WHERE originator_id = %s AND originator_version = ANY(%s)",
                [heap, list(data.draw(Versions, label=sql))],
            )
        expected = await replayed(log, heap)
        one._cache.forget()
        found: list[Loaded[Heap]] = []
        await one.submit(reading(heap, found))
        await two.submit(reading(heap, found))
    assert found == [expected[-1], expected[-1]]
    for each in data.draw(st.permutations(expected), label="order of reads"):
        assert await log.state(HEAP, heap, version=each.version) == each
        moment = each.state.changed_at
        assert await log.state(HEAP, heap, as_of=moment) == newest(expected, moment)
        assert await log.states(HEAP, [uuid4(), heap], as_of=moment) == [newest(expected, moment)]
    assert await log.state(HEAP, heap) == expected[-1]
    with pytest.raises(VersionNotReachedError, match=f"{len(expected)} is its newest"):
        await log.state(HEAP, heap, version=len(expected) + 1)
    with pytest.raises(AggregateNotFoundError):
        await log.state(HEAP, heap, as_of=expected[0].state.changed_at - timedelta(microseconds=1))


def newest(states: Sequence[Loaded[Heap]], moment: datetime) -> Loaded[Heap]:
    return [each for each in states if each.state.changed_at <= moment][-1]


async def test_neither_a_command_nor_a_state_of_a_long_history_reads_it_from_its_beginning(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heap = uuid4()
    async with process(log_url) as one:
        for _ in range(36):
            await one.submit(adding(heap, *range(1, 11)))
        expected = await replayed(log, heap)
        assert kept(database, heap) == [100, 200, 300]
        make_unreadable(database, heap, 1, 300)
        one._cache.forget()
        assert (await one.submit(adding(heap, 1))).etag == 362
    async with process(log_url) as two:
        assert (await two.submit(adding(heap, 1))).etag == 363
    assert (await log.state(HEAP, heap)).version == 363
    assert (await log.states(HEAP, [heap]))[0].version == 363
    assert await log.state(HEAP, heap, version=333) == expected[332]
    assert await log.state(HEAP, heap, version=200) == expected[199]


async def test_a_moment_long_past_costs_only_the_events_around_it(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 10)
    heap = uuid4()
    async with process(log_url) as one:
        for _ in range(15):
            await one.submit(adding(heap, 1, 1, 1))
    expected = await replayed(log, heap)
    make_unreadable(database, heap, 1, 10)
    make_unreadable(database, heap, 20, len(expected))
    moment = expected[15].state.changed_at
    assert await log.state(HEAP, heap, as_of=moment) == newest(expected, moment)


async def test_what_a_state_is_read_by_is_not_planned_anew_for_every_group(
    log_url: str, database: Any
) -> None:
    plans: list[dict[str, int]] = []

    def look(unit: Unit) -> Answer:
        cursor = unit.index().execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE 'SELECT asked.id%'"
        )
        plans.extend(cursor.fetchall())
        return Answer(200, b"")

    async with process(log_url) as one:
        for _ in range(30):
            await one.submit(adding(uuid4(), 1))
        await one.submit(Command(decide=look, actor=ANA, correlation_id="c"))
    assert [each["custom_plans"] for each in plans] == [5]  # PostgreSQL always begins with five
    assert plans[0]["generic_plans"] > 5


async def test_a_history_without_snapshots_gets_them_from_who_replays_it(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 10)
    read, commanded = uuid4(), uuid4()
    async with process(log_url) as one:
        await one.submit(adding(read, *range(1, 35)))
        await one.submit(adding(commanded, *range(1, 35)))
        database.execute("DELETE FROM stored_snapshots")
        one._cache.forget()
        await one.submit(adding(commanded, 1))
    assert kept(database, commanded) == [30]
    expected = await log.state(HEAP, read)
    assert kept(database, read) == [10, 20, 30]
    make_unreadable(database, read, 1, 30)
    assert await log.state(HEAP, read) == expected


async def test_a_log_that_was_rewound_and_went_on_is_not_fooled_by_what_came_after(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 10)
    heap = uuid4()
    async with process(log_url) as one:
        await one.submit(adding(heap, *range(1, 25)))
    database.execute("DELETE FROM stored_events WHERE originator_version > 15")
    assert (await log.state(HEAP, heap)).version == 15
    first_life = database.execute("SELECT max(recorded_at) FROM stored_snapshots").fetchone()
    async with process(log_url) as one:
        await one.submit(adding(heap, *range(101, 111)))
    database.execute("DELETE FROM stored_snapshots WHERE recorded_at > %s", first_life)
    assert kept(database, heap) == [10, 20]
    expected = await replayed(log, heap)
    assert expected[-1].version == 25
    assert await log.state(HEAP, heap) == expected[-1]
    assert await log.state(HEAP, heap, version=20) == expected[19]


async def test_a_refused_command_leaves_no_snapshot_of_what_was_not_recorded(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 2)
    heap = uuid4()

    def refuse(unit: Unit) -> Answer:
        unit.record(HEAP, heap, StoneAdded(weight=1))
        raise ZeroDivisionError

    async with process(log_url) as one:
        await one.submit(adding(heap))
        with pytest.raises(ZeroDivisionError):
            await one.submit(Command(decide=refuse, actor=ANA, correlation_id="c"))
    assert kept(database, heap) == []


def weighing_nothing(heap: Heap | None, logged: LoggedEvent) -> Heap:
    return replace(evolve(heap, logged), weights=(float("nan"),))


def named_by_number(heap: Heap | None, logged: LoggedEvent) -> Heap:
    return replace(evolve(heap, logged), place=7)  # type: ignore[arg-type]


def in_a_list(heap: Heap | None, logged: LoggedEvent) -> Heap:
    return replace(evolve(heap, logged), weights=[1.0])  # type: ignore[arg-type]


def holding_anything(heap: Heap | None, logged: LoggedEvent) -> Heap:
    return replace(evolve(heap, logged), place=object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "evolve_wrongly", [weighing_nothing, named_by_number, in_a_list, holding_anything]
)
async def test_a_state_that_would_not_come_back_equal_is_not_kept_and_harms_no_command(
    log_url: str, database: Any, monkeypatch: pytest.MonkeyPatch, evolve_wrongly: Any
) -> None:
    monkeypatch.setattr(EVERY, 2)
    heap = uuid4()
    odd = replace(HEAP, evolve=evolve_wrongly)
    async with process(log_url) as one:
        assert (await one.submit(adding(heap, 1, 1, 1, kind=odd))).etag == 4
    assert kept(database, heap) == []


async def test_a_state_too_large_to_keep_is_replayed(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 2)
    monkeypatch.setattr("services.chassis.eventstore.snapshots.MAX_STATE_BYTES", 10)
    heap = uuid4()
    async with process(log_url) as one:
        await one.submit(adding(heap, 1, 1, 1))
    assert (await log.state(HEAP, heap)).version == 4
    assert kept(database, heap) == []


async def test_a_reader_that_may_not_keep_snapshots_answers_all_the_same(
    log_url: str, log: EventLog, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 2)
    heap = uuid4()
    async with process(log_url) as one:
        await one.submit(adding(heap, 1, 1, 1))
    expected = await log.state(HEAP, heap)
    database.execute("DELETE FROM stored_snapshots")
    database.execute("ALTER TABLE stored_snapshots ADD CONSTRAINT full_disk CHECK (false)")
    assert await log.state(HEAP, heap) == expected
    assert kept(database, heap) == []


async def test_an_aggregate_of_another_kind_is_not_found_by_its_snapshot(
    log_url: str, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EVERY, 2)
    heap = uuid4()
    other = AggregateKind("other", StoneAdded, evolve, state=Heap)

    def look(unit: Unit) -> Answer:
        return Answer(200, str(unit.find(other, heap)).encode())

    async with process(log_url) as one:
        await one.submit(adding(heap, 1, 1, 1))
        one._cache.forget()
        answer = await one.submit(Command(decide=look, actor=ANA, correlation_id="c"))
    assert answer.body == b"None"
    with pytest.raises(AggregateNotFoundError):
        await log.state(other, heap)
