"""The composition root of the metrics service: `python -m services.metrics.main` runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from contracts.subjects import METRICS_STREAM
from services.chassis.app import create_app
from services.chassis.auth import TokenVerifier
from services.chassis.background import until_cancelled, working
from services.chassis.bus import Bus
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.relay import Relay
from services.chassis.eventstore.retention import forget_old_answers, forget_unused_snapshots
from services.chassis.eventstore.writer import writing
from services.chassis.leadership import lead
from services.chassis.migrations import when_database_is_there
from services.chassis.postgres import check_database, open_background_pool, open_pool
from services.chassis.serve import serve
from services.metrics.api import kpis, readings
from services.metrics.api.problems import PROBLEMS
from services.metrics.intake import Intake
from services.metrics.meters import RecordingMeters
from services.metrics.persistence.index import index_events
from services.metrics.persistence.log import KINDS, event_mapper, migrate_schema, open_log
from services.metrics.publishing import publish
from services.metrics.recorder import GroupRecorder
from services.metrics.rejections import RejectionPublisher
from services.metrics.rollups import Flusher
from services.metrics.runtime import Metrics
from services.metrics.settings import MetricsSettings

VERSION = "0.1.0"


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
    await when_database_is_there(partial(migrate_schema, settings))
    async with AsyncExitStack() as opened:
        pool = await open_pool(settings)
        opened.push_async_callback(pool.close)
        background = await open_background_pool(settings)
        opened.push_async_callback(background.close)
        app.state.checks["database"] = partial(check_database, pool)
        mapper = event_mapper()
        application = await asyncio.to_thread(open_log, settings, mapper)
        writer = await opened.enter_async_context(writing(application, index=index_events))
        meters = RecordingMeters(app.state.registry)
        recorder = GroupRecorder(pool, meters, lanes=settings.recorder_lanes)
        await opened.enter_async_context(_recording(recorder))
        app.state.metrics = Metrics(writer, recorder, EventLog(pool, mapper), pool)
        interval = settings.rollup_interval_seconds
        flusher = Flusher(background, writer, interval_seconds=interval)
        own = Metrics(writer, recorder, EventLog(background, mapper), background)
        async with working(
            _on_the_bus(settings, own),
            lead(settings, "rollups", flusher.run),
            lead(settings, "retention", partial(forget_old_answers, background)),
            lead(settings, "snapshots", partial(forget_unused_snapshots, background, KINDS)),
        ):
            yield


@asynccontextmanager
async def _recording(recorder: GroupRecorder) -> AsyncIterator[None]:
    recorder.start()
    try:
        yield
    finally:
        await recorder.stop()


async def _on_the_bus(settings: MetricsSettings, metrics: Metrics) -> None:
    """Publish the log where this process leads; take in readings beside all other processes."""
    async with Bus.connected(settings) as bus:
        relay = Relay(metrics.log, bus, settings=settings, stream=METRICS_STREAM, publish=publish)
        async with working(
            lead(settings, "relay", relay.run),
            Intake(bus, metrics.recorder).run(),
            RejectionPublisher(bus, metrics.pool).run(),
        ):
            await until_cancelled()


def main() -> None:
    """Run the service until it is told to stop."""
    settings = MetricsSettings.load()
    serve(lambda: create(settings), settings)


if __name__ == "__main__":
    main()
