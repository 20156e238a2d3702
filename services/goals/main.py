"""The composition root of the goals service: `python -m services.goals.main` runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from contracts.subjects import GOALS_STREAM
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
from services.goals.api import (
    alignments,
    check_ins,
    cycles,
    events,
    exchange,
    feedback,
    key_results,
    lifecycle,
    objectives,
    reviews,
    webhook_deliveries,
    webhooks,
)
from services.goals.api.problems import PROBLEMS
from services.goals.following import MetricsFollower
from services.goals.persistence.index import index_events
from services.goals.persistence.log import KINDS, event_mapper, migrate_schema, open_log
from services.goals.publishing import publish
from services.goals.runtime import Goals
from services.goals.settings import GoalsSettings
from services.goals.webhooks.delivering import WebhookDelivery
from services.goals.webhooks.runtime import Webhooks
from services.goals.webhooks.sending import sending

VERSION = "0.1.0"


def create(settings: GoalsSettings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """The application; settings come from the environment unless they are given."""
    chosen = settings or GoalsSettings.load()
    return create_app(
        title="Cairn goals",
        version=VERSION,
        settings=chosen,
        routers=[
            cycles.router,
            objectives.router,
            lifecycle.router,
            key_results.router,
            check_ins.router,
            alignments.router,
            feedback.router,
            reviews.router,
            exchange.router,
            events.router,
            webhooks.router,
            webhook_deliveries.router,
        ],
        problems=PROBLEMS,
        lifespan=partial(_lifespan, chosen),
        verifier=verifier,
    )


@asynccontextmanager
async def _lifespan(settings: GoalsSettings, app: FastAPI) -> AsyncIterator[None]:
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
        app.state.goals = Goals(writer, EventLog(pool, mapper), pool)
        sender = await opened.enter_async_context(sending(settings))
        app.state.webhooks = Webhooks(app.state.goals.log, pool, sender)
        own = Goals(writer, EventLog(background, mapper), background)
        delivery = WebhookDelivery(settings, Webhooks(own.log, background, sender))
        async with working(
            _on_the_bus(settings, own),
            lead(settings, "retention", partial(forget_old_answers, background)),
            lead(settings, "snapshots", partial(forget_unused_snapshots, background, KINDS)),
            lead(settings, "webhooks", delivery.run),
        ):
            yield


async def _on_the_bus(settings: GoalsSettings, goals: Goals) -> None:
    """Publish the log and follow the metrics, each in whichever process leads."""
    async with Bus.connected(settings) as bus:
        relay = Relay(goals.log, bus, settings=settings, stream=GOALS_STREAM, publish=publish)
        follower = MetricsFollower(bus, goals.pool, goals.writer)
        async with working(
            lead(settings, "relay", relay.run), lead(settings, "follower", follower.run)
        ):
            await until_cancelled()


def main() -> None:
    """Run the service until it is told to stop."""
    settings = GoalsSettings.load()
    serve(lambda: create(settings), settings)


if __name__ == "__main__":
    main()
