"""The composition root of the metrics service: `python -m services.metrics.main` runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI

from contracts.subjects import METRICS_STREAM
from services.chassis.app import create_app
from services.chassis.auth import TokenVerifier
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.relay import Relay
from services.chassis.eventstore.retention import forget_old_answers
from services.chassis.eventstore.writer import Writer
from services.chassis.leadership import BackOff, lead
from services.chassis.postgres import DatabaseUnavailableError, Pool, check_database, open_pool
from services.chassis.serve import serve
from services.metrics.api import kpis, readings
from services.metrics.api.problems import PROBLEMS
from services.metrics.intake import Intake
from services.metrics.persistence.index import index_events
from services.metrics.persistence.log import event_mapper, migrate_schema, open_log
from services.metrics.publishing import publish
from services.metrics.recorder import GroupRecorder
from services.metrics.rejections import RejectionPublisher
from services.metrics.rollups import Flusher
from services.metrics.runtime import Metrics
from services.metrics.settings import MetricsSettings

VERSION = "0.1.0"

log = structlog.get_logger()


def create(
    settings: MetricsSettings | None = None, verifier: TokenVerifier | None = None
) -> FastAPI:
    """The application; settings come from the environment unless they are given."""
    chosen = settings or MetricsSettings.load()
    return create_app(
        title="Cairn metrics",
        version=VERSION,
        settings=chosen,
        routers=[kpis.router, readings.router],
        problems=PROBLEMS,
        lifespan=partial(_lifespan, chosen),
        verifier=verifier,
    )


@asynccontextmanager
async def _lifespan(settings: MetricsSettings, app: FastAPI) -> AsyncIterator[None]:
    await _migrated(settings)
    async with AsyncExitStack() as opened:
        pool = await open_pool(settings)
        opened.push_async_callback(pool.close)
        app.state.checks["database"] = partial(check_database, pool)
        mapper = event_mapper()
        writer = await opened.enter_async_context(_writing(settings, mapper))
        recorder = await opened.enter_async_context(_recording(settings, pool))
        app.state.metrics = Metrics(writer, recorder, EventLog(pool, mapper), pool)
        await opened.enter_async_context(_working(settings, app.state.metrics))
        yield


async def _migrated(settings: MetricsSettings) -> None:
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
async def _writing(settings: MetricsSettings, mapper: EventMapper) -> AsyncIterator[Writer]:
    application = await asyncio.to_thread(open_log, settings, mapper)
    writer = Writer(application, index=index_events)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        application.close()


@asynccontextmanager
async def _recording(settings: MetricsSettings, pool: Pool) -> AsyncIterator[GroupRecorder]:
    recorder = GroupRecorder(pool, lanes=settings.recorder_lanes)
    recorder.start()
    try:
        yield recorder
    finally:
        await recorder.stop()


@asynccontextmanager
async def _working(settings: MetricsSettings, metrics: Metrics) -> AsyncIterator[None]:
    """What goes on beside the requests, and does not keep them waiting when NATS is away."""
    flusher = Flusher(
        metrics.pool, metrics.writer, interval_seconds=settings.rollup_interval_seconds
    )
    forget = partial(forget_old_answers, metrics.pool)
    tasks = [
        asyncio.create_task(_on_the_bus(settings, metrics)),
        asyncio.create_task(lead(settings, "rollups", flusher.run)),
        asyncio.create_task(lead(settings, "retention", forget)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _on_the_bus(settings: MetricsSettings, metrics: Metrics) -> None:
    """Publish the log where this process leads; take in readings beside all other processes."""
    bus = await _connected(settings)
    relay = Relay(metrics.log, bus, settings=settings, stream=METRICS_STREAM, publish=publish)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(lead(settings, "relay", relay.run))
            group.create_task(Intake(bus, metrics.recorder).run())
            group.create_task(RejectionPublisher(bus, metrics.pool).run())
    finally:
        await bus.close()


async def _connected(settings: MetricsSettings) -> Bus:
    back_off = BackOff()
    while True:
        try:
            return await Bus.connect(settings)
        except BusUnavailableError:
            log.warning("waiting_for_bus")
            await back_off.wait()


def main() -> None:
    """Run the service until it is told to stop."""
    settings = MetricsSettings.load()
    serve(lambda: create(settings), settings)


if __name__ == "__main__":
    main()
