"""The application every service is: its own routers in the chassis that all of them share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from services.chassis.auth import (
    KeySet,
    KeysUnavailableError,
    MissingScopeError,
    TokenVerifier,
    UnauthenticatedError,
)
from services.chassis.health import Check, Drain, health_router
from services.chassis.limits import Bounds, Slots
from services.chassis.migrations import MigrationError
from services.chassis.openapi import DocumentedApp
from services.chassis.parameters import (
    AsOfInFutureError,
    InvalidHeaderError,
    MissingIfMatchError,
    UnmatchableVersionError,
)
from services.chassis.postgres import DatabaseUnavailableError, UnsupportedServerError
from services.chassis.problems import (
    AS_OF_IN_FUTURE,
    INVALID_HEADER,
    MISSING_SCOPE,
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    ProblemTable,
)
from services.chassis.requests import RequestMetrics, RequestMiddleware
from services.chassis.route_index import RouteIndex
from services.chassis.settings import ServiceSettings
from services.chassis.telemetry import otlp_exporter, start_tracing
from services.chassis.unknown_parameters import refusing_unknown_parameters

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# What the chassis itself raises; a service's own table stands beside it.
CHASSIS_PROBLEMS: ProblemTable = {
    AsOfInFutureError: AS_OF_IN_FUTURE,
    DatabaseUnavailableError: UNAVAILABLE,
    InvalidHeaderError: INVALID_HEADER,
    KeysUnavailableError: UNAVAILABLE,
    MissingIfMatchError: PRECONDITION_REQUIRED,
    MissingScopeError: MISSING_SCOPE,
    UnauthenticatedError: UNAUTHENTICATED,
    UnmatchableVersionError: PRECONDITION_FAILED,
    # A query outside `postgres.connection` still must not make a 500 of a database that is away.
    psycopg.OperationalError: UNAVAILABLE,
}
# What keeps a service from running at all, in words meant for whoever operates it.
_REFUSALS = (DatabaseUnavailableError, MigrationError, UnsupportedServerError)

log = structlog.get_logger()

# The middleware opens the spans; FastAPI would look for providers on every request.
_NO_NATIVE_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app(
    *,
    title: str,
    version: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    problems: ProblemTable,
    lifespan: Lifespan,
    checks: Mapping[str, Check] | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    """Compose a service.

    The lifespan opens what the service needs and may add its checks to `app.state.checks`.
    `app.state` also holds `settings`, `verifier`, `drain` and the Prometheus `registry`.
    There are no documentation pages, since their scripts would come from elsewhere; the document
    itself is at `/openapi.json`.
    """
    app = DocumentedApp(
        title=title,
        version=version,
        lifespan=_whole_lifespan(settings, lifespan),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_NATIVE_TELEMETRY,
    )
    app.state.settings = settings
    app.state.verifier = verifier or _verifier(settings)
    app.state.drain = Drain()
    app.state.registry = _registry()
    app.state.checks = {"keys": app.state.verifier.keys.check, **(checks or {})}
    probes = health_router(app.state.checks, app.state.drain, app.state.registry)
    for route in (each for router in routers for each in router.routes):
        if isinstance(route, APIRoute):
            route.app = refusing_unknown_parameters(route)
    for router in (*routers, probes):
        # An included router would match each of its routes twice per request, which with thirty
        # routes costs more than the rest of the chassis; taken over, they are matched once.
        app.router.routes.extend(router.routes)
    # In place of the layers that FastAPI would build: what they do for errors and bounds, this one
    # does, and a request goes through five layers less. Exception handlers are not asked.
    app.middleware_stack = _requests(app, settings, {**CHASSIS_PROBLEMS, **problems})
    return app


def _verifier(settings: ServiceSettings) -> TokenVerifier:
    return TokenVerifier(KeySet(settings.jwks), issuer=settings.issuer, audience=settings.audience)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _requests(app: FastAPI, settings: ServiceSettings, problems: ProblemTable) -> RequestMiddleware:
    slots = Slots(settings.max_in_flight_requests)
    return RequestMiddleware(
        RouteIndex(app.router),
        bounds=Bounds(settings.max_body_bytes, slots),
        drain=app.state.drain,
        metrics=RequestMetrics(app.state.registry, slots),
        problems=problems,
        templates=_templates(app),
    )


def _templates(app: FastAPI) -> dict[object, str]:
    """The path template of every endpoint, as metrics and logs name it."""
    return {
        context.endpoint: context.path
        for context in iter_route_contexts(app.routes)
        if context.endpoint is not None and context.path is not None
    }


def _whole_lifespan(settings: ServiceSettings, lifespan: Lifespan) -> Lifespan:
    """The service's own lifespan within that of the chassis."""

    @asynccontextmanager
    async def whole(app: FastAPI) -> AsyncIterator[None]:
        stop_tracing = _start_tracing(settings)
        try:
            async with lifespan(app):
                yield
        except _REFUSALS as error:
            log.error("cannot_run", reason=str(error), cause=str(error.__cause__ or ""))  # noqa: TRY400  a clear line, not a story
            raise
        finally:
            await app.state.verifier.keys.close()
            await asyncio.to_thread(stop_tracing)

    return whole


def _start_tracing(settings: ServiceSettings) -> Callable[[], None]:
    if settings.otlp_endpoint is None:
        return lambda: None
    return start_tracing(settings.service, otlp_exporter(settings.otlp_endpoint))
