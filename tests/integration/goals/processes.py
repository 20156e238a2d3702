"""The goals service as processes of their own."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import Issuer, Service

BOUND_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(settings: GoalsSettings, issuer: Issuer) -> AsyncIterator[Service]:
    """The service as a process of its own."""
    async with _running(settings, issuer) as (service, running):
        try:
            yield service
        finally:
            if running.returncode is None:
                running.terminate()
            async with asyncio.timeout(BOUND_SECONDS):
                assert await running.wait() == 0


@asynccontextmanager
async def killed_process(settings: GoalsSettings, issuer: Issuer) -> AsyncIterator[Service]:
    """A process that is killed when the block ends."""
    async with _running(settings, issuer) as (service, _):
        yield service


@asynccontextmanager
async def _running(
    settings: GoalsSettings, issuer: Issuer
) -> AsyncIterator[tuple[Service, asyncio.subprocess.Process]]:
    port = free_port()
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.goals.main", env=_environment(settings, port)
    )
    try:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, timeout=BOUND_SECONDS) as client:
            await until_ready(client, running)
            yield Service(client, issuer), running
    finally:
        if running.returncode is None:
            running.kill()
        async with asyncio.timeout(BOUND_SECONDS):
            await running.wait()


def _environment(settings: GoalsSettings, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "CAIRN_DATABASE_URL": settings.database_url.get_secret_value(),
        "CAIRN_NATS_URL": settings.nats_url.get_secret_value(),
        "CAIRN_JWKS": settings.jwks,
        "CAIRN_PORT": str(port),
        "CAIRN_LOG_LEVEL": "error",
        "CAIRN_WEBHOOK_PRIVATE_HOSTS": str(settings.webhook_private_hosts),
        "CAIRN_WEBHOOK_RETRY_SECONDS": str(list(settings.webhook_retry_seconds)),
    }


async def until_ready(client: httpx.AsyncClient, running: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while running.returncode is None:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.02)
    raise AssertionError(f"the service ended with {running.returncode}")
