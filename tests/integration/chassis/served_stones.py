"""A small service that a test starts as a process of its own and then stops in some way."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from services.chassis import serve
from services.chassis.app import create_app
from services.chassis.auth import Caller, require
from services.chassis.eventstore.http import RequestHash
from services.chassis.migrations import MigrationError
from services.chassis.routes import DirectRoute
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


direct = APIRouter(route_class=DirectRoute)


@direct.post("/count-directly")
async def count_directly(body: Annotated[bytes, Body()], request_hash: RequestHash) -> Response:
    """Read the body twice: once for what tells requests apart, once for the count."""
    return PlainTextResponse(str(len(body)), headers={"X-Hash": request_hash.hex()})


@direct.post("/guarded")
async def guarded(
    body: Annotated[bytes, Body()], caller: Annotated[Caller, Depends(require("stones:write"))]
) -> Response:
    """Refuse everyone: the issuer of the tokens is nobody's."""
    return PlainTextResponse(f"{caller.id} {len(body)}")


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
            routers=[router, direct],
            problems={},
            lifespan=lifespan,
        )

    serve.serve(create, settings)


if __name__ == "__main__":
    main()
