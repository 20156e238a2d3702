"""As of a moment a query has one answer: it waits for what may still belong to the moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from contracts.subjects import GOALS_STREAM, event_subject
from services.chassis.bus import Bus, Message
from services.chassis.postgres import Pool
from services.projections.lag import Lag
from services.projections.settings import ProjectionsSettings
from services.projections.waiting import SETTLES_WITHIN, PositionWatch
from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Service, Starting
from tests.unit.projections.goals_log import SECOND, GoalsLog

BOUND_SECONDS = 20


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    """One that nobody has told yet where the stream ends."""
    async with starting(min_position_wait_seconds=BOUND_SECONDS) as started:
        started.log.cycle()
        await started.projections.appliers["okrs"].apply(started.log.events)
        yield started


def end_of(log: GoalsLog) -> int:
    return log.events[-1].position


async def test_a_query_as_of_a_moment_waits_for_what_was_recorded_before_it(
    service: Service,
) -> None:
    log = service.log
    log.objective("late", active=False)
    moment = log.events[-1].time
    query = asyncio.create_task(service.get("/alignment-tree", as_of=moment.isoformat()))
    done, _ = await asyncio.wait([query], timeout=0.1)
    assert not done
    log.objective("later", active=False)
    await service.projections.appliers["okrs"].apply(log.events)
    async with asyncio.timeout(BOUND_SECONDS):
        answer = await query
    assert [each["title"] for each in answer["nodes"]] == ["late"]


async def test_a_moment_after_the_last_event_is_settled_once_the_stream_was_seen_to_end(
    service: Service,
) -> None:
    watch, end = service.projections.watch, end_of(service.log)
    moment = service.log.now
    query = asyncio.create_task(service.get("/cycles", as_of=moment.isoformat()))
    for position, at in (
        (end, moment),  # too soon: more may have been on its way
        (end + 1, moment + SETTLES_WITHIN),  # not all of it is applied
    ):
        watch.saw_end(position, at)
        done, _ = await asyncio.wait([query], timeout=0.1)
        assert not done
    watch.saw_end(end, moment + SETTLES_WITHIN)
    async with asyncio.timeout(BOUND_SECONDS):
        assert len((await query)["items"]) == 1


async def test_a_moment_that_does_not_settle_in_time_is_refused_with_the_lag(
    starting: Starting,
) -> None:
    async with starting(min_position_wait_seconds=0.05) as service:
        service.log.cycle()
        await service.apply()
        reached = end_of(service.log)
        service.projections.watch.saw_end(reached + 40, datetime.now(UTC))
        as_of = service.log.now.isoformat()
        response = await service.reader.get("/cycles", as_of=as_of)
        settled = (service.log.events[-1].time - SECOND / 2).isoformat()
        assert len((await service.get("/cycles", as_of=settled))["items"]) == 1
        assert len((await service.get("/cycles"))["items"]) == 1
    assert problem(response) == (503, "not-followed-yet")
    assert response.headers["Retry-After"] == "1"
    document = response.json()
    assert (document["reached"], document["lag"]) == (reached, 40)


async def test_a_read_model_that_was_set_back_answers_as_of_no_moment_it_had_reached(
    starting: Starting, pool: Pool
) -> None:
    async with starting(min_position_wait_seconds=0.05) as service:
        service.log.cycle()
        await service.apply()
        as_of = service.log.now.isoformat()
        await service.get("/cycles", as_of=as_of)
        async with pool.connection() as connection:
            await connection.execute("UPDATE checkpoints SET position = 0, recorded_at = NULL")
        response = await service.reader.get("/cycles", as_of=as_of)
    assert problem(response) == (503, "not-followed-yet")


async def test_the_end_of_the_stream_is_seen_on_the_bus(
    settings: ProjectionsSettings, nats_url: str, starting: Starting, watch: PositionWatch
) -> None:
    log = GoalsLog()
    log.cycle()
    moment = datetime.now(UTC) - timedelta(hours=1)
    bus = await Bus.connect(settings.model_copy(update={"nats_url": SecretStr(nats_url)}))
    lag = Lag("okrs", GOALS_STREAM, watch)
    async with starting() as service:
        await service.projections.appliers["okrs"].apply(log.events)
        # The stream was wiped, and ends before what was applied.
        await bus.ensure_stream(GOALS_STREAM)
        await lag.look(bus)
        assert not watch.is_settled(moment, await watch.look())
        messages = [
            Message(event_subject(each.type, each.subject), each.headers(), each.data)
            for each in log.events
        ]
        await bus.publish_in_order(GOALS_STREAM, messages, last_sequence=0)
        await lag.look(bus)
        assert watch.is_settled(moment, await watch.look())
        assert not watch.is_settled(datetime.now(UTC), await watch.look())
    await bus.close()
