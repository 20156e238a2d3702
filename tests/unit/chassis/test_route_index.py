"""The route that the index finds is the one that the router would have chosen."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product
from uuid import UUID

import pytest
from fastapi import APIRouter, Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Scope

from services.chassis.route_index import RouteIndex
from services.chassis.routes import DirectRoute

Template = tuple[str, str, type[APIRoute]]


def as_path(parts: list[str]) -> str:
    return "/".join(["", *parts])


segments = st.sampled_from(
    ["stones", "heaps", "{name}", "{number:int}", "{id:uuid}", "{rest:path}"]
)
templates = st.tuples(
    st.sampled_from(["GET", "POST"]),
    # One name can stand in a template only once.
    st.lists(segments, min_size=1, max_size=2, unique=True).map(
        lambda parts: "/".join(["", *parts])
    ),
    st.sampled_from([DirectRoute, APIRoute]),
)
PARTS = ["stones", "heaps", "7", str(UUID(int=7)), "", "{name}", "stones\n"]
PATHS = [as_path(list(parts)) for length in range(3) for parts in product(PARTS, repeat=length)]


def telling(answer: str) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{answer} {request.path_params} {request.scope['endpoint']}")

    return endpoint


def a_router(chosen: list[Template]) -> APIRouter:
    """Each route tells its number and what it was given."""
    router = APIRouter(redirect_slashes=False)
    for number, (method, path, kind) in enumerate(chosen):
        router.routes.append(kind(path, telling(str(number)), methods=[method]))
    return router


async def ask(app: ASGIApp, path: str) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
    }
    # FastAPI's own routes want its middleware around them.
    await AsyncExitStackMiddleware(app)(scope, receive, send)
    return sent


async def ask_all(app: ASGIApp) -> list[list[Message]]:
    return [await ask(app, path) for path in PATHS]


@given(st.lists(templates, max_size=6))
def test_with_the_index_and_without_the_same_route_answers(chosen: list[Template]) -> None:
    router = a_router(chosen)
    assert asyncio.run(ask_all(RouteIndex(router))) == asyncio.run(ask_all(router))


@pytest.mark.parametrize(
    ("path", "is_found"),
    [
        ("/stones", True),
        ("/stones/7", True),
        ("/stones/7/heaps", True),
        ("/stones/special", False),
        ("/heaps/7", False),
        ("/stones/7/8/9", False),
    ],
)
async def test_a_direct_route_is_found_without_the_router(path: str, is_found: bool) -> None:
    router = a_router(
        [
            ("GET", "/stones", DirectRoute),
            ("GET", "/stones/special", APIRoute),
            ("GET", "/stones/{name}", DirectRoute),
            ("GET", "/stones/{name}/heaps", DirectRoute),
            ("GET", "/{rest:path}", APIRoute),
            ("GET", "/heaps/{name}", DirectRoute),
        ]
    )
    asked_router: list[str] = []

    async def note(scope: Scope, _receive: object, _send: object) -> None:
        asked_router.append(scope["path"])

    router.middleware_stack = note
    await ask(RouteIndex(router), path)
    assert asked_router == ([] if is_found else [path])
