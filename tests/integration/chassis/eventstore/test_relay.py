"""From the log to the bus and back: in order, nothing skipped, nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from nats.js.errors import NotFoundError
from structlog.testing import capture_logs

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.subjects import GOALS_STREAM
from services.chassis.background import cancel_until_ended
from services.chassis.bus import Bus, Message, PublishRefusedError
from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import LogBehindError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.relay import (
    MAX_TRICKLE_EVENTS,
    Publication,
    Relay,
    published_context,
)
from services.chassis.eventstore.writer import Writer
from services.chassis.following import LOOK_FOR_STREAM_SECONDS, follow
from services.chassis.leadership import lead
from services.chassis.postgres import open_pool
from services.chassis.settings import ServiceSettings
from tests.integration.chassis.eventstore.conftest import SCHEMA, PileStarted, StoneAdded
from tests.integration.chassis.eventstore.test_writer import add_stone, start_pile, writing

BOUND_SECONDS = 20
OpenLog = Callable[[], LogApplication]


class Something(PublishedEvent):
    TYPE = "cairn.goals.test.happened.v1"


def publish(logged: LoggedEvent) -> Publication:
    context = published_context(logged)
    return Publication(f"goals.pile.{logged.originator_id}.happened", Something(context=context))


@pytest.fixture
def settings(log_url: str, nats_url: str, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("CAIRN_DATABASE_URL", log_url)
    monkeypatch.setenv("CAIRN_NATS_URL", nats_url)
    return ServiceSettings(service="goals", db_schema=SCHEMA, port=1, jwks="none")


class Reader:
    """Applies what it follows, and remembers how often."""

    def __init__(self) -> None:
        self.applied: list[CloudEvent] = []
        self.batches = 0
        self.fail_next = False
        self._moved = asyncio.Event()

    async def load_position(self) -> int:
        return self.applied[-1].position if self.applied else 0

    async def apply(self, events: Sequence[CloudEvent]) -> None:
        if self.fail_next:
            self.fail_next = False
            raise RuntimeError("the database went away")
        self.batches += 1
        self.applied.extend(events)
        self._moved.set()

    async def reached(self, position: int | None) -> list[int]:
        assert position is not None
        async with asyncio.timeout(BOUND_SECONDS):
            while await self.load_position() < position:
                await self._moved.wait()
                self._moved.clear()
        return [event.position for event in self.applied]


@asynccontextmanager
async def running(*coroutines: object) -> AsyncIterator[None]:
    tasks = {asyncio.ensure_future(coroutine) for coroutine in coroutines}  # type: ignore[arg-type]
    try:
        yield
    finally:
        await cancel_until_ended(tasks)


@asynccontextmanager
async def wired(
    settings: ServiceSettings, open_log: OpenLog
) -> AsyncIterator[tuple[Bus, EventLog, Writer, Relay]]:
    bus = await Bus.connect(settings)
    pool = await open_pool(settings)
    log = EventLog(pool, EventMapper([PileStarted, StoneAdded]))
    relay = Relay(log, bus, settings=settings, stream=GOALS_STREAM, publish=publish)
    async with writing(open_log) as writer:
        yield bus, log, writer, relay
    await pool.close()
    await bus.close()


def following(bus: Bus, reader: Reader, *, durable: str = "reader") -> object:
    return follow(
        bus,
        stream=GOALS_STREAM,
        durable=durable,
        load_position=reader.load_position,
        apply=reader.apply,
    )


def positions(log_url: str) -> list[int]:
    with psycopg.connect(log_url) as connection:
        return [
            row[0]
            for row in connection.execute(
                "SELECT notification_id FROM piles.stored_events ORDER BY 1"
            )
        ]


async def fill(writer: Writer, pile: UUID, stones: int) -> int | None:
    answers = await asyncio.gather(*(writer.submit(add_stone(pile)) for _ in range(stones)))
    return max(answer.position or 0 for answer in answers)


async def test_what_is_recorded_arrives_once_and_in_order(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(lead(settings, "relay", relay.run), following(bus, reader)):
            last = await fill(writer, pile, 700)
            assert await reader.reached(last) == positions(log_url)
    assert [event.aggregate_version for event in reader.applied] == list(range(1, 702))
    assert reader.applied[0].previous_position == 0


async def test_a_long_backlog_is_published_in_full_batches(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        for _ in range(3):
            last = await fill(writer, pile, 500)
        async with running(relay.run(), following(bus, reader)):
            assert await reader.reached(last) == positions(log_url)


async def test_a_wiped_stream_is_filled_again_and_nothing_is_applied_twice(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader, newcomer = Reader(), Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(lead(settings, "relay", relay.run), following(bus, reader)):
            await reader.reached(await fill(writer, pile, 50))
            await bus.jetstream.delete_stream(GOALS_STREAM)
            last = await fill(writer, pile, 50)
            assert await reader.reached(last) == positions(log_url)
        async with running(following(bus, newcomer, durable="newcomer")):
            assert await newcomer.reached(last) == positions(log_url)


@pytest.mark.parametrize("harm", ["delete", "purge", "purge the beginning"])
async def test_a_stream_that_is_harmed_while_nothing_happens_is_filled_again(
    settings: ServiceSettings, open_log: OpenLog, log_url: str, harm: str
) -> None:
    reader, newcomer = Reader(), Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(lead(settings, "relay", relay.run), following(bus, reader)):
            last = await fill(writer, pile, 20)
            await reader.reached(last)
            if harm == "delete":
                await bus.jetstream.delete_stream(GOALS_STREAM)
            else:
                keep = 0 if harm == "purge" else 3
                await bus.jetstream.purge_stream(GOALS_STREAM, keep=keep)
            async with asyncio.timeout(BOUND_SECONDS):
                while await in_stream(bus) < 21:
                    await asyncio.sleep(0.05)
            last = await fill(writer, pile, 2)
            assert await reader.reached(last) == positions(log_url)
        async with running(following(bus, newcomer, durable="newcomer")):
            assert await newcomer.reached(last) == positions(log_url)


async def test_a_stream_that_was_harmed_while_nobody_looked_is_filled_again(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        last = await fill(writer, pile, 20)
        async with running(relay.run()):
            async with asyncio.timeout(BOUND_SECONDS):
                while await in_stream(bus) < 21:
                    await asyncio.sleep(0.05)
        await bus.jetstream.purge_stream(GOALS_STREAM, seq=10)
        async with running(relay.run(), following(bus, reader)):
            assert await reader.reached(last) == positions(log_url)


async def in_stream(bus: Bus) -> int:
    try:
        return (await bus.jetstream.stream_info(GOALS_STREAM)).state.messages
    except NotFoundError:
        return 0


async def test_a_reader_whose_stream_is_not_there_yet_waits_for_it(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        await writer.submit(start_pile(uuid4()))
        with capture_logs() as logs:
            async with running(following(bus, reader)):
                await asyncio.sleep(2.5 * LOOK_FOR_STREAM_SECONDS)
                async with running(relay.run()):
                    assert await reader.reached(1) == positions(log_url)
    assert [each["event"] for each in logs].count("stream_not_there_yet") == 1


async def test_a_reader_that_fails_gets_the_same_events_again(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    reader.fail_next = True
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(relay.run(), following(bus, reader)):
            last = await fill(writer, pile, 20)
            assert await reader.reached(last) == positions(log_url)


async def test_a_follower_goes_on_when_its_consumer_is_gone(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    """The server keeps consumers in memory only: after its restart there is none."""
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(relay.run(), following(bus, reader)):
            await reader.reached(await fill(writer, pile, 5))
            consumer = await bus.jetstream.consumer_info(GOALS_STREAM, "reader")
            assert consumer.config.mem_storage
            await bus.jetstream.delete_consumer(GOALS_STREAM, "reader")
            last = await fill(writer, pile, 5)
            assert await reader.reached(last) == positions(log_url)


@pytest.mark.parametrize("backlog", [MAX_TRICKLE_EVENTS, MAX_TRICKLE_EVENTS + 1])
async def test_only_a_flood_is_worth_an_atomic_batch(
    settings: ServiceSettings, open_log: OpenLog, backlog: int
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        last = await fill(writer, pile, backlog - 1)
        async with running(relay.run(), following(bus, reader)):
            await reader.reached(last)
        headers = [await bus.headers_at(GOALS_STREAM, each + 1) for each in range(backlog)]
    batched = ["Nats-Batch-Id" in (each or {}) for each in headers]
    assert batched == [backlog > MAX_TRICKLE_EVENTS] * backlog


@pytest.mark.parametrize("at_once", [2, 20])
async def test_two_relays_at_once_publish_every_event_once(
    settings: ServiceSettings, open_log: OpenLog, log_url: str, at_once: int
) -> None:
    """A paused leader and its successor: the lock has failed, the fence has not."""
    reader = Reader()

    async def insist(relay: Relay) -> None:
        while True:
            with suppress(PublishRefusedError):
                await relay.run()

    async with (
        wired(settings, open_log) as (bus, _, writer, one),
        wired(settings, open_log) as (_, _, _, two),
    ):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(insist(one), insist(two), following(bus, reader)):
            for _ in range(20):
                last = await fill(writer, pile, at_once)
            assert await reader.reached(last) == positions(log_url)
        state = (await bus.jetstream.stream_info(GOALS_STREAM)).state
    assert state.messages == len(positions(log_url))


async def test_a_relay_whose_stream_is_ahead_of_the_log_stops_and_says_so(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(relay.run(), following(bus, reader)):
            await reader.reached(await fill(writer, pile, 5))
        with psycopg.connect(log_url) as connection:
            connection.execute("DELETE FROM piles.stored_events WHERE notification_id > 3")
        with pytest.raises(LogBehindError, match=r"Position 6 was seen before, .* ends at 3"):
            await relay.run()


async def test_a_relay_whose_log_went_another_way_stops_and_says_so(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    """As after a restore: the positions are there, but other events stand at them."""
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile, other = uuid4(), uuid4()
        await writer.submit(start_pile(pile))
        async with running(relay.run(), following(bus, reader)):
            await reader.reached(await fill(writer, pile, 5))
        with psycopg.connect(log_url) as connection:
            connection.execute("DELETE FROM piles.stored_events WHERE notification_id > 3")
        await writer.submit(start_pile(other))
        assert await fill(writer, other, 5) == 9
        with pytest.raises(LogBehindError, match="Position 6 was seen before"):
            async with asyncio.timeout(BOUND_SECONDS):
                await relay.run()
        assert await in_stream(bus) == 6


async def test_what_is_not_an_event_is_passed_over(
    settings: ServiceSettings, open_log: OpenLog, log_url: str
) -> None:
    reader = Reader()
    async with wired(settings, open_log) as (bus, _, writer, relay):
        pile = uuid4()
        await writer.submit(start_pile(pile))
        async with running(following(bus, reader)):
            async with running(relay.run()):
                await reader.reached(await fill(writer, pile, 5))
            for sequence in (6, 7):
                garbage = Message("goals.nonsense", {"ce-id": "1"}, b"\xff")
                await bus.publish_in_order(GOALS_STREAM, [garbage], last_sequence=sequence)
            last = await fill(writer, pile, 1)
            async with running(relay.run()):
                assert await reader.reached(last) == positions(log_url)


async def test_a_publisher_that_lost_the_race_stores_nothing(
    settings: ServiceSettings, open_log: OpenLog
) -> None:
    async with wired(settings, open_log) as (bus, _, _, _):
        await bus.ensure_stream(GOALS_STREAM)
        messages = [Message("goals.a", {}, b"1"), Message("goals.b", {}, b"2")]
        assert await bus.publish_in_order(GOALS_STREAM, messages, last_sequence=0) == 2
        with pytest.raises(PublishRefusedError, match="wrong last sequence"):
            await bus.publish_in_order(GOALS_STREAM, messages, last_sequence=1)
        with pytest.raises(PublishRefusedError, match="wrong last sequence"):
            await bus.publish_in_order(GOALS_STREAM, messages[:1], last_sequence=1)
        assert (await bus.jetstream.stream_info(GOALS_STREAM)).state.messages == 2
