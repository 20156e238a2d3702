"""From the bus into the read models: in order, once, whoever leads and whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from contracts.cloudevents import CloudEvent
from contracts.subjects import GOALS_STREAM, event_subject
from services.chassis.background import working
from services.chassis.bus import Bus, Message
from services.chassis.following import follow
from services.chassis.postgres import connection
from services.projections.applying import Applier
from services.projections.lag import CatchingUpError, Lag
from services.projections.settings import ProjectionsSettings
from services.projections.waiting import PositionWatch
from tests.integration.projections.conftest import Service, Starting, Store
from tests.unit.projections.goals_log import GoalsLog
from tests.unit.projections.okrs.projected import Projected

BOUND_SECONDS = 30

Publishing = Callable[[Sequence[CloudEvent]], Awaitable[None]]


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    log.objective("company", {"growth": 1.0})
    log.objective("team", {"leads": 1.0})
    log.align("team", "company")
    for value in range(30):
        log.check_in("team", "leads", float(value))
    return log


@pytest.fixture
def on_the_bus(settings: ProjectionsSettings, nats_url: str) -> ProjectionsSettings:
    return ProjectionsSettings(
        database_url=settings.database_url, nats_url=nats_url, jwks=settings.jwks
    )


@pytest.fixture
async def bus(on_the_bus: ProjectionsSettings) -> AsyncIterator[Bus]:
    bus = await Bus.connect(on_the_bus)
    await bus.ensure_stream(GOALS_STREAM)
    yield bus
    await bus.close()


@pytest.fixture
def publish(bus: Bus) -> Publishing:
    async def publish(events: Sequence[CloudEvent]) -> None:
        state = (await bus.jetstream.stream_info(GOALS_STREAM)).state
        messages = [
            Message(event_subject(each.type, each.subject), each.headers(), each.data)
            for each in events
        ]
        await bus.publish_in_order(GOALS_STREAM, messages, last_sequence=state.last_seq)

    return publish


@asynccontextmanager
async def following(
    bus: Bus, applier: Applier, apply: Callable[[Sequence[CloudEvent]], Awaitable[None]]
) -> AsyncIterator[None]:
    work = follow(
        bus,
        stream=GOALS_STREAM,
        durable="projections-okrs",
        load_position=applier.position,
        apply=apply,
        batch_size=10,
    )
    async with working(work):
        yield


async def test_the_service_follows_the_goals_and_answers_from_them(
    starting: Starting, on_the_bus: ProjectionsSettings, log: GoalsLog, publish: Publishing
) -> None:
    async with starting(nats_url=on_the_bus.nats_url, min_position_wait_seconds=20) as service:
        await publish(log.events)
        position = f"goals:{log.events[-1].position}"
        tree = await service.get("/alignment-tree", min_position=position)
    assert tree["nodes"][0]["progress"] == pytest.approx(0.145)  # (0 + 0.29) / 2


async def test_a_second_process_goes_on_when_the_first_is_gone(
    starting: Starting, on_the_bus: ProjectionsSettings, log: GoalsLog, publish: Publishing
) -> None:
    changes = {"nats_url": on_the_bus.nats_url, "min_position_wait_seconds": 20}
    async with starting(**changes) as second:
        async with starting(**changes) as first:
            await publish(log.events[:20])
            await _see(first, log.events[19])
            await _see(second, log.events[19])
        await publish(log.events[20:])
        await _see(second, log.events[-1])


async def test_readers_who_hold_every_connection_keep_nobody_from_following(
    starting: Starting, on_the_bus: ProjectionsSettings, log: GoalsLog, publish: Publishing
) -> None:
    async with (
        starting(nats_url=on_the_bus.nats_url, database_pool_size=1) as service,
        connection(service.projections.pool),
        asyncio.timeout(BOUND_SECONDS),
    ):
        await publish(log.events)
        while service.projections.watch.reached < log.events[-1].position:
            await asyncio.sleep(0.01)


async def _see(service: Service, event: CloudEvent) -> None:
    await service.get("/cycles", min_position=f"goals:{event.position}")


async def test_a_crash_between_commit_and_acknowledgement_applies_nothing_twice(
    bus: Bus,
    applier: Applier,
    log: GoalsLog,
    publish: Publishing,
    store: Store,
    watch: PositionWatch,
) -> None:
    crashes = 0

    async def apply_and_crash(events: Sequence[CloudEvent]) -> None:
        nonlocal crashes
        await applier.apply(events)
        crashes += 1
        if crashes % 2:
            raise ConnectionError("the process is gone before it acknowledged")

    await publish(log.events)
    async with following(bus, applier, apply_and_crash):
        await watch.wait_for(log.events[-1].position, BOUND_SECONDS)
    assert crashes > 1
    assert store.versions() == Projected(log.events).versions()


async def test_a_stream_that_was_wiped_and_filled_again_is_followed_on(
    bus: Bus,
    applier: Applier,
    log: GoalsLog,
    publish: Publishing,
    store: Store,
    watch: PositionWatch,
) -> None:
    await publish(log.events[:20])
    async with following(bus, applier, applier.apply):
        await watch.wait_for(log.events[19].position, BOUND_SECONDS)
    await bus.jetstream.delete_stream(GOALS_STREAM)
    await bus.ensure_stream(GOALS_STREAM)
    await publish(log.events)
    async with following(bus, applier, applier.apply):
        await watch.wait_for(log.events[-1].position, BOUND_SECONDS)
    assert store.versions() == Projected(log.events).versions()


async def test_the_lag_is_how_far_the_stream_is_ahead(
    bus: Bus,
    applier: Applier,
    log: GoalsLog,
    publish: Publishing,
    watch: PositionWatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lag = Lag("okrs", GOALS_STREAM, watch)
    await lag.look(bus)
    await lag.check()
    await publish(log.events)
    monkeypatch.setattr("services.projections.lag.MAX_READY_LAG_POSITIONS", 10)
    await lag.look(bus)
    with pytest.raises(CatchingUpError, match=f"{log.events[-1].position} positions behind"):
        await lag.check()
    await applier.apply(log.events)
    await lag.look(bus)
    await lag.check()


async def test_without_a_stream_nothing_is_missing(bus: Bus, watch: PositionWatch) -> None:
    await bus.jetstream.delete_stream(GOALS_STREAM)
    lag = Lag("okrs", GOALS_STREAM, watch)
    await lag.look(bus)
    await lag.check()
