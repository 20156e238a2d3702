"""The composition root of the projection service: `python -m services.projections.main` runs it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI

from services.chassis.app import create_app
from services.chassis.auth import TokenVerifier
from services.chassis.background import until_cancelled, working
from services.chassis.bus import Bus
from services.chassis.following import follow
from services.chassis.leadership import lead
from services.chassis.migrations import when_database_is_there
from services.chassis.postgres import check_database, open_background_pool
from services.chassis.serve import serve
from services.projections.alignment_tree import routes as alignment_tree
from services.projections.api import parked_aggregates
from services.projections.api.problems import PROBLEMS
from services.projections.applying import Applier
from services.projections.checkpoints import Checkpoints
from services.projections.cycle_dashboard import routes as cycle_dashboard
from services.projections.lag import Lag
from services.projections.okrs.group import OKRS
from services.projections.runtime import Projections, open_query_pool
from services.projections.schema import migrate_schema
from services.projections.settings import ProjectionsSettings
from services.projections.waiting import PositionWatch

VERSION: Final = "0.1.0"
# As many events are applied in one transaction while the read models catch up.
BATCH_EVENTS: Final = 2_000


def create(
    settings: ProjectionsSettings | None = None, verifier: TokenVerifier | None = None
) -> FastAPI:
    """The application; settings come from the environment unless they are given."""
    chosen = settings or ProjectionsSettings.load()
    return create_app(
        title="Cairn projections",
        version=VERSION,
        settings=chosen,
        routers=[alignment_tree.router, cycle_dashboard.router, parked_aggregates.router],
        problems=PROBLEMS,
        lifespan=partial(_lifespan, chosen),
        verifier=verifier,
    )


@asynccontextmanager
async def _lifespan(settings: ProjectionsSettings, app: FastAPI) -> AsyncIterator[None]:
    await when_database_is_there(partial(migrate_schema, settings))
    async with AsyncExitStack() as opened:
        pool = await open_query_pool(settings)
        opened.push_async_callback(pool.close)
        background = await open_background_pool(settings)
        opened.push_async_callback(background.close)
        watch = PositionWatch(pool, Checkpoints(OKRS.name, OKRS.stream))
        appliers = {OKRS.name: Applier(background, OKRS, watch.announce)}
        lag = Lag(OKRS.name, OKRS.stream, watch)
        lag.measure(app.state.registry)
        app.state.checks["database"] = partial(check_database, pool)
        app.state.checks[OKRS.name] = lag.check
        app.state.projections = Projections(
            pool, watch, appliers, settings.min_position_wait_seconds
        )
        await opened.enter_async_context(working(_on_the_bus(settings, appliers, lag)))
        yield


async def _on_the_bus(
    settings: ProjectionsSettings, appliers: Mapping[str, Applier], lag: Lag
) -> None:
    """Keep the chosen groups up to date, each in whichever process leads, and see how far."""
    async with Bus.connected(settings) as bus:
        leading = (
            lead(settings, f"projections-{name}", partial(_follow, bus, appliers[name]))
            for name in settings.projections_groups
        )
        async with working(lag.observe(bus), *leading):
            await until_cancelled()


async def _follow(bus: Bus, applier: Applier) -> None:
    await follow(
        bus,
        stream=applier.group.stream,
        durable=f"projections-{applier.group.name}",
        load_position=applier.position,
        apply=applier.apply,
        batch_size=BATCH_EVENTS,
    )


def main() -> None:
    """Run the service until it is told to stop."""
    settings = ProjectionsSettings.load()
    serve(lambda: create(settings), settings)


if __name__ == "__main__":
    main()
