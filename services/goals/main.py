"""The composition root of the goals service: `python -m services.goals.main` runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI

from contracts.subjects import GOALS_STREAM
from services.chassis.app import create_app
from services.chassis.auth import TokenVerifier
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.relay import Relay
from services.chassis.eventstore.retention import forget_old_answers
from services.chassis.eventstore.writer import Writer
from services.chassis.leadership import BackOff, lead
from services.chassis.postgres import DatabaseUnavailableError, check_database, open_pool
from services.chassis.serve import serve
from services.goals.api import cycles, events, key_results, objectives
from services.goals.api.problems import PROBLEMS
from services.goals.following import MetricsFollower
from services.goals.persistence.index import index_events
from services.goals.persistence.log import event_mapper, migrate_schema, open_log
from services.goals.publishing import publish
from services.goals.runtime import Goals
from services.goals.settings import GoalsSettings

VERSION = "0.1.0"

log = structlog.get_logger()


def create(settings: GoalsSettings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """The application; settings come from the environment unless they are given."""
    chosen = settings or GoalsSettings.load()
    return create_app(
        title="Cairn goals",
        version=VERSION,
        settings=chosen,
        routers=[cycles.router, objectives.router, key_results.router, events.router],
        problems=PROBLEMS,
        lifespan=partial(_lifespan, chosen),
        verifier=verifier,
    )


@asynccontextmanager
async def _lifespan(settings: GoalsSettings, app: FastAPI) -> AsyncIterator[None]:
    await _migrated(settings)
    async with AsyncExitStack() as opened:
        pool = await open_pool(settings)
        opened.push_async_callback(pool.close)
        app.state.checks["database"] = partial(check_database, pool)
        mapper = event_mapper()
        writer = await opened.enter_async_context(_writing(settings, mapper))
        app.state.goals = Goals(writer, EventLog(pool, mapper), pool)
        await opened.enter_async_context(_working(settings, app.state.goals))
        yield


async def _migrated(settings: GoalsSettings) -> None:
    """Migrate, once the database is there: services start in any order."""
    back_off = BackOff()
    while True:
        try:
            await asyncio.to_thread(migrate_schema, settings)
        except DatabaseUnavailableError:
            log.warning("waiting_for_database")
            await back_off.wait()
        else:
            return


@asynccontextmanager
async def _writing(settings: GoalsSettings, mapper: EventMapper) -> AsyncIterator[Writer]:
    application = await asyncio.to_thread(open_log, settings, mapper)
    writer = Writer(application, index=index_events)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        application.close()


@asynccontextmanager
async def _working(settings: GoalsSettings, goals: Goals) -> AsyncIterator[None]:
    """What goes on beside the requests, and does not keep them waiting when NATS is away."""
    tasks = [
        asyncio.create_task(_on_the_bus(settings, goals)),
        asyncio.create_task(lead(settings, "retention", partial(forget_old_answers, goals.pool))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _on_the_bus(settings: GoalsSettings, goals: Goals) -> None:
    """Publish the log and follow the metrics, each in whichever process leads."""
    bus = await _connected(settings)
    relay = Relay(goals.log, bus, settings=settings, stream=GOALS_STREAM, publish=publish)
    follower = MetricsFollower(bus, goals.pool, goals.writer)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(lead(settings, "relay", relay.run))
            group.create_task(lead(settings, "follower", follower.run))
    finally:
        await bus.close()


async def _connected(settings: GoalsSettings) -> Bus:
    back_off = BackOff()
    while True:
        try:
            return await Bus.connect(settings)
        except BusUnavailableError:
            log.warning("waiting_for_bus")
            await back_off.wait()


def main() -> None:
    """Run the service until it is told to stop."""
    settings = GoalsSettings.load()
    serve(lambda: create(settings), settings)


if __name__ == "__main__":
    main()
