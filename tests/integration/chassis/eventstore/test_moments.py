"""A state as of a moment is final: what may still belong to the moment is waited for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.eventstore.writer import Writer, writing
from services.chassis.parameters import AsOfInFutureError
from services.chassis.postgres import DatabaseUnavailableError, open_pool
from services.chassis.settings import ServiceSettings
from tests.integration.chassis.eventstore.conftest import PILE, SCHEMA, PileStarted, StoneAdded

ANA = Actor("ana", "human")
BOUND_SECONDS = 20
OpenLog = Callable[[], LogApplication]


@pytest.fixture
def settings(log_url: str) -> ServiceSettings:
    return ServiceSettings(
        service="goals",
        db_schema=SCHEMA,
        port=1,
        jwks="none",
        database_url=log_url,
        nats_url="nats://unused",
    )


@pytest.fixture
async def log(settings: ServiceSettings) -> AsyncIterator[EventLog]:
    pool = await open_pool(settings)
    yield EventLog(pool, EventMapper([PileStarted, StoneAdded]))
    await pool.close()


class OpenGroup:
    """A group that has its moment of recording and is not committed until it may go on."""

    def __init__(self, pile: UUID) -> None:
        self._pile = pile
        self._is_open = threading.Event()
        self._may_go_on = threading.Event()
        self.moment = datetime.max.replace(tzinfo=UTC)

    def command(self) -> Command:
        return Command(decide=self._decide, actor=ANA, correlation_id="c")

    @asynccontextmanager
    async def submitted_to(self, writer: Writer) -> AsyncIterator[None]:
        recording = asyncio.create_task(writer.submit(self.command()))
        try:
            assert await asyncio.to_thread(self._is_open.wait, BOUND_SECONDS)
            yield
        finally:
            self.go_on()
            await recording

    def go_on(self) -> None:
        self._may_go_on.set()

    def _decide(self, unit: Unit) -> Answer:
        self.moment = unit.now
        self._is_open.set()
        assert self._may_go_on.wait(BOUND_SECONDS)
        return Answer(200, b"", etag=unit.record(PILE, self._pile, PileStarted(place="x")).version)


def index_nothing(*_: object) -> None:
    pass


async def test_a_state_as_of_now_waits_for_the_group_that_is_open(
    open_log: OpenLog, log: EventLog
) -> None:
    pile = uuid4()
    group = OpenGroup(pile)
    async with (
        writing(open_log(), index=index_nothing) as writer,
        group.submitted_to(writer),
    ):
        read = asyncio.create_task(log.state(PILE, pile, as_of=datetime.now(UTC)))
        present = asyncio.create_task(log.states(PILE, [pile]))
        async with asyncio.timeout(BOUND_SECONDS):
            assert await present == []
            done, _ = await asyncio.wait([read], timeout=0.1)
            assert not done
            group.go_on()
            assert (await read).version == 1
        assert [each.version for each in await log.states(PILE, [pile], as_of=group.moment)] == [1]


async def test_what_is_long_past_is_not_waited_for(open_log: OpenLog, log: EventLog) -> None:
    group = OpenGroup(uuid4())
    async with (
        writing(open_log(), index=index_nothing) as writer,
        group.submitted_to(writer),
    ):
        async with asyncio.timeout(BOUND_SECONDS):
            long_past = datetime.now(UTC) - timedelta(hours=1)
            assert await log.states(PILE, [uuid4()], as_of=long_past) == []


async def test_a_group_that_takes_too_long_is_told_of(
    open_log: OpenLog, settings: ServiceSettings
) -> None:
    group = OpenGroup(uuid4())
    pool = await open_pool(settings.model_copy(update={"database_lock_timeout_seconds": 0.05}))
    impatient = EventLog(pool, EventMapper([PileStarted]))
    async with (
        writing(open_log(), index=index_nothing) as writer,
        group.submitted_to(writer),
    ):
        with pytest.raises(DatabaseUnavailableError):
            await impatient.states(PILE, [uuid4()], as_of=datetime.now(UTC))
    await pool.close()


async def test_a_moment_that_comes_soon_by_the_clock_of_the_log_is_waited_for(
    log: EventLog,
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    await log.close(soon)
    assert datetime.now(UTC) > soon
    with pytest.raises(AsOfInFutureError):
        await log.close(datetime.now(UTC) + timedelta(minutes=1))


async def test_of_two_groups_the_second_is_of_a_later_moment_though_the_clock_was_set_back(
    open_log: OpenLog, log: EventLog, log_url: str
) -> None:
    group, next_group = OpenGroup(uuid4()), OpenGroup(uuid4())
    group.go_on()
    next_group.go_on()
    async with writing(open_log(), index=index_nothing) as writer:
        await writer.submit(group.command())
    with psycopg.connect(log_url) as connection:
        connection.execute(
            f"UPDATE {SCHEMA}.stored_events SET recorded_at = recorded_at + interval '1 hour'"
        )
    last = (await log.after(0))[-1].recorded_at
    assert last is not None
    await log.close(last)
    async with writing(open_log(), index=index_nothing) as writer:
        await writer.submit(next_group.command())
    assert next_group.moment > last
