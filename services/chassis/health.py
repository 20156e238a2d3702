"""The probes: is the process alive, is it ready for traffic, and what does it measure."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, Field

# A check returns when the thing it asks is well, and raises when it is not.
Check = Callable[[], Awaitable[None]]
CheckResult = Literal["ok", "failed"]

CHECK_TIMEOUT_SECONDS = 1.0

log = structlog.get_logger()


class Drain:
    """Whether the process is on its way out. It begins once and never ends."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        """True from the moment the process was told to stop."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Say that the process is stopping: it is no longer ready, streams should end."""
        self._begun.set()

    async def wait(self) -> None:
        """Return when the process was told to stop; an endless answer waits for this."""
        await self._begun.wait()


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether the process should get traffic, and how each thing it needs is doing."""

    status: Literal["ready", "not_ready", "draining"]
    checks: Annotated[dict[str, CheckResult], Field(description="Each thing the service needs.")]


def health_router(
    checks: Mapping[str, Check], drain: Drain, registry: CollectorRegistry
) -> APIRouter:
    """Routes `/livez`, `/readyz` and `/metrics`. They ask for no token and tell no secret."""
    router = APIRouter(tags=["health"])
    assessment = SharedAssessment(checks, drain)

    @router.get("/livez")
    async def livez() -> Liveness:
        """Say that the process runs. It asks nothing else: a restart cures what it shows."""
        return Liveness()

    @router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready."}})
    async def readyz(response: Response) -> Readiness:
        """Say whether everything the service needs is there, and what is not."""
        report = await assessment.result()
        response.status_code = 200 if report.status == "ready" else 503
        return report

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Show every measurement in the text format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


class SharedAssessment:
    """Lets all who ask at once share one run of the checks.

    Probes need no token, so without this anyone could make the service ask its database as often
    as they like.
    """

    def __init__(self, checks: Mapping[str, Check], drain: Drain) -> None:
        self._checks = checks
        self._drain = drain
        self._running: asyncio.Task[Readiness] | None = None

    async def result(self) -> Readiness:
        """What the run under way finds, or that of a new one."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(assess(self._checks, self._drain))
        # One prober that hangs up must not cancel the run for the others.
        return await asyncio.shield(self._running)


async def assess(checks: Mapping[str, Check], drain: Drain) -> Readiness:
    """Run all checks at once, each within `CHECK_TIMEOUT_SECONDS`."""
    results = await asyncio.gather(*(_result(name, check) for name, check in checks.items()))
    outcome = dict(zip(checks, results, strict=True))
    if drain.begun:
        return Readiness(status="draining", checks=outcome)
    ready = all(result == "ok" for result in results)
    return Readiness(status="ready" if ready else "not_ready", checks=outcome)


async def _result(name: str, check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001  whatever a check raises, it means "failed"
        # The reason may hold a host or a user name: it goes to the log, not to the caller.
        log.warning("check_failed", check=name, reason=f"{type(error).__name__}: {error}")
        return "failed"
    return "ok"
