"""The same small resource, on whatever class of routes a test wants to see at work."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.chassis.app import create_app
from services.chassis.auth import Caller, require
from services.chassis.eventstore.http import RequestHash
from services.chassis.parameters import IdempotencyKey, IfMatch
from services.chassis.problems import Problem
from services.chassis.responses import OrjsonResponse
from services.chassis.routes import DirectRoute
from tests.unit.chassis.conftest import StoneSettings, no_resources

STONE_ID = "8e03978e-40d5-43e8-bc93-6894a57f9324"
MAX_BODY_BYTES = 20_000
TOO_HEAVY = Problem("too-heavy", 409, "Nobody can lift that.")

Headers = Iterable[tuple[str, str]]


class TooHeavyError(Exception):
    """A stone that cannot be added."""


class Layer(BaseModel):
    """What a stone is made of."""

    model_config = ConfigDict(extra="forbid")
    depth: float
    veins: list["Layer"] = []


class Stone(BaseModel):
    """A body with something of everything that bodies have."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=20)
    weight: float = Field(allow_inf_nan=False)
    count: int = Field(default=1, ge=0, le=1_000_000)
    shape: Literal["round", "flat"] = "flat"
    layers: list[Layer] = Field(default=[], max_length=3)
    about: dict[str, Any] = {}


class Note(BaseModel):
    """A body that may be left out."""

    text: str | None = None


NO_NOTE = Note()


@dataclass
class Asked:
    """What the dependencies of a change come to."""

    caller: str
    key: str | None
    version: int
    request_hash: str


async def _pile(request: Request) -> str:
    return f"{request.method} pile"


Pile = Annotated[str, Depends(_pile)]


async def _asked(
    pile: Pile, key: IdempotencyKey, version: IfMatch, request_hash: RequestHash
) -> Asked:
    return Asked(pile, key, version, request_hash.hex())


def of_the_collection(route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(prefix="/v1/stones", tags=["stones"], route_class=route_class)

    @router.post("", status_code=201, response_model=Stone)
    async def add(body: Stone, pile: Pile) -> OrjsonResponse:
        """Add a stone."""
        return OrjsonResponse({"pile": pile, "body": body.model_dump()}, 201)

    @router.post("/many")
    async def add_many(body: list[Stone]) -> OrjsonResponse:
        return OrjsonResponse([each.model_dump() for each in body])

    @router.post("/raw")
    async def add_raw(body: Annotated[Any, Body(description="Anything.")]) -> OrjsonResponse:
        return OrjsonResponse({"body": repr(body)})

    @router.get("")
    async def find(shape: Annotated[str, Query(max_length=5)], pile: Pile) -> OrjsonResponse:
        return OrjsonResponse([shape, pile])

    @router.post("/fail/{how}")
    async def fail(how: str) -> Response:
        raise _FAILURES[how]

    return router


def of_one_stone(route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(prefix="/v1/stones", tags=["stones"], route_class=route_class)

    @router.get("/{stone_id}")
    async def show(stone_id: UUID, pile: Pile) -> OrjsonResponse:
        return OrjsonResponse([stone_id, pile])

    @router.delete("/{stone_id}")
    async def remove(stone_id: UUID) -> Response:
        return Response(status_code=204)

    @router.post("/{stone_id}/change", responses={409: {"description": "Too heavy."}})
    async def change(
        stone_id: UUID, body: Stone, asked: Annotated[Asked, Depends(_asked)]
    ) -> OrjsonResponse:
        return OrjsonResponse([stone_id, body.model_dump(), asked])

    @router.post("/{stone_id}/layers/{layer}")
    async def note(
        layer: Annotated[int, Path(ge=1, le=9)],
        stone_id: UUID,
        request: Request,
        body: Note = NO_NOTE,
    ) -> OrjsonResponse:
        return OrjsonResponse([layer, stone_id, request.method, body.text])

    @router.post("/{stone_id}/guarded")
    async def guarded(
        body: Stone, caller: Annotated[Caller, Depends(require("stones:write"))]
    ) -> OrjsonResponse:
        return OrjsonResponse([caller.id, body.name])

    return router


_FAILURES: dict[str, Exception] = {
    "mapped": TooHeavyError("No."),
    "http": HTTPException(418, "A teapot."),
    "invalid": RequestValidationError([{"type": "odd", "loc": ("body", "x"), "msg": "Odd."}]),
    "unexpected": ZeroDivisionError("secret"),
}


def pile_of(*routers: APIRouter) -> FastAPI:
    """A service of these routers that needs no issuer of tokens."""
    settings = StoneSettings(
        database_url="postgresql://u:p@127.0.0.1:1/none",
        nats_url="nats://127.0.0.1:1",
        jwks="no-such-file",
        max_body_bytes=MAX_BODY_BYTES,
    )
    return create_app(
        title="Stones",
        version="1",
        settings=settings,
        routers=routers,
        problems={TooHeavyError: TOO_HEAVY},
        lifespan=no_resources,
    )


PLAIN = pile_of(of_the_collection(APIRoute), of_one_stone(APIRoute))
DIRECT = pile_of(of_the_collection(DirectRoute), of_one_stone(DirectRoute))


@dataclass(frozen=True)
class Answered:
    """An answer without what is another one every time."""

    status: int
    allow: str | None
    media_type: str | None
    body: Any


def ask(
    app: FastAPI,
    method: str,
    path: str,
    *,
    headers: Headers = (),
    body: bytes | Iterable[bytes] = b"",
) -> Answered:
    """The application's answer to a request that comes in these pieces."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    sent: list[Any] = []
    received = iter(_messages(pieces))

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(_scope(method, path, headers), receive, send))
    return _answered(sent)


def _messages(pieces: list[bytes]) -> list[dict[str, Any]]:
    last = len(pieces) - 1
    return [
        {"type": "http.request", "body": piece, "more_body": number < last}
        for number, piece in enumerate(pieces)
    ] + [{"type": "http.disconnect"}]


def _scope(method: str, path: str, headers: Headers) -> dict[str, Any]:
    target, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": target,
        "raw_path": target.encode("utf-8", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": None,
        "server": None,
    }


def _answered(sent: list[Any]) -> Answered:
    start, *rest = sent
    headers = dict(start["headers"])
    content = b"".join(message.get("body", b"") for message in rest)
    document = orjson.loads(content) if content else None
    if isinstance(document, dict):
        document.pop("request_id", None)
    allow, media_type = headers.get(b"allow"), headers.get(b"content-type")
    return Answered(
        start["status"],
        allow.decode() if allow else None,
        media_type.decode() if media_type else None,
        document,
    )
