"""A small service that a test starts as a process of its own and then stops in some way."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request

from services.chassis import serve
from services.chassis.app import create_app
from services.chassis.migrations import MigrationError
from services.chassis.settings import ServiceSettings


class StoneSettings(ServiceSettings):
    service: str = "stones"
    db_schema: str = "stones"
    port: int = 9999


router = APIRouter()


@router.get("/until-stopping")
async def until_stopping(request: Request) -> str:
    """Finish a little after the process was told to stop."""
    print("held", flush=True)  # noqa: T201  the test waits for it
    await request.app.state.drain.wait()
    await asyncio.sleep(0.3)
    return "finished"


@router.get("/forever")
async def forever() -> None:
    print("held", flush=True)  # noqa: T201  the test waits for it
    await asyncio.Event().wait()


@router.post("/count")
async def count(request: Request) -> int:
    return len(await request.body())


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    if "STONES_REFUSE" in os.environ:
        raise MigrationError("The stones do not fit.")
    if "STONES_WAIT" in os.environ:
        print("waiting", flush=True)  # noqa: T201  the test waits for it
        await asyncio.Event().wait()
    yield
    print("closed", flush=True)  # noqa: T201  the test looks for it
    if "STONES_HANG" in os.environ:
        time.sleep(60)  # noqa: ASYNC251  it stands for a library that never comes back


def main() -> None:
    settings = StoneSettings.load()
    if "STONES_HANG" in os.environ:
        serve.CLOSING_SECONDS = 1

    def create() -> FastAPI:
        return create_app(
            title="Stones",
            version="1",
            settings=settings,
            routers=[router],
            problems={},
            lifespan=lifespan,
        )

    serve.serve(create, settings)


if __name__ == "__main__":
    main()
