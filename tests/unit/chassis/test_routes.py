import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    FastAPI,
    Form,
    Header,
    Query,
    Request,
    Response,
    Security,
)
from fastapi.security import SecurityScopes
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, StreamingResponse
from structlog.testing import capture_logs

from services.chassis.routes import DirectRoute
from tests.unit.chassis.conftest import AppFactory, calling

Calls = list[str]


class Stone(BaseModel):
    name: str


def route(endpoint: Callable[..., Any], path: str = "/stones", **options: Any) -> DirectRoute:
    return DirectRoute(path, endpoint, methods=["POST"], **options)


async def answered(route: DirectRoute, make_app: AppFactory, **request: Any) -> httpx.Response:
    router = APIRouter()
    router.routes.append(route)
    async with calling(make_app(router)) as client:
        return await client.post(request.pop("path", "/stones"), **request)


# Dependencies, as simple as they may be and less so.


async def word() -> str:
    return "word"


async def method(request: Request) -> str:
    return request.method


async def sentence(
    first: Annotated[str, Depends(word)], verb: Annotated[str, Depends(method)]
) -> str:
    return f"{verb} {first}"


class Teller:
    """An instance of it is a dependency; so is the class, of another kind."""

    async def __call__(self) -> str:
        return "told"


def in_a_thread() -> str:
    return "from a thread"


async def generated() -> AsyncIterator[str]:
    yield "generated"


async def with_query(of: str = "query") -> str:
    return of


async def with_body(stone: Stone) -> str:
    return stone.name


async def with_scopes(scopes: SecurityScopes) -> str:
    return scopes.scope_str


async def with_response(response: Response) -> str:
    return type(response).__name__


# Handlers that are called directly.


async def says(text: Annotated[str, Depends(sentence)]) -> Response:
    return PlainTextResponse(text)


async def tells(text: Annotated[str, Depends(Teller())]) -> PlainTextResponse:
    return PlainTextResponse(text)


async def names(body: Stone, request: Request) -> "Response":
    return PlainTextResponse(f"{request.method} {body.name}")


async def counts(body: Annotated[list[int], Body()]) -> Response:
    return PlainTextResponse(str(sum(body)))


@pytest.mark.parametrize(
    ("handler", "body", "text"),
    [
        (says, None, "POST word"),
        (tells, None, "told"),
        (names, {"name": "granite"}, "POST granite"),
        (counts, [1, 2, 3], "6"),
    ],
)
async def test_a_simple_handler_is_called_directly(
    handler: Callable[..., Any], body: Any, text: str, make_app: AppFactory
) -> None:
    direct = route(handler)
    assert direct.is_direct
    assert (await answered(direct, make_app, json=body)).text == text


# Handlers that need what only FastAPI does.


async def returns_no_response() -> dict[str, str]:
    return {"name": "granite"}


async def says_not_what_it_returns():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return Stone(name="granite")


def is_not_async() -> Response:
    return PlainTextResponse("granite")


async def takes_a_query(name: str = "granite") -> Response:
    return PlainTextResponse(name)


async def takes_a_header(accept: Annotated[str, Header()]) -> Response:
    return PlainTextResponse(accept)


async def takes_a_cookie(name: Annotated[str, Cookie()] = "granite") -> Response:
    return PlainTextResponse(name)


async def takes_two_bodies(one: Stone, two: Stone) -> Response:
    return PlainTextResponse(one.name + two.name)


async def takes_an_embedded_body(one: Annotated[Stone, Body(embed=True)]) -> Response:
    return PlainTextResponse(one.name)


async def takes_a_default_to_be_validated(
    one: Annotated[Stone, Body(validate_default=True)] = {"name": "granite"},  # type: ignore[assignment]  # noqa: B006
) -> Response:
    return PlainTextResponse(one.name)


async def takes_the_response(response: Response) -> Response:
    return PlainTextResponse(type(response).__name__)


async def takes_background_tasks(tasks: BackgroundTasks) -> Response:
    return PlainTextResponse(str(len(tasks.tasks)))


async def takes_the_connection(connection: HTTPConnection) -> Response:
    return PlainTextResponse(str(connection.url.path))


def handler_with(dependency: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    async def handler(text: Any = Depends(dependency, **options)) -> Response:
        return PlainTextResponse(str(text))

    return handler


async def secured(text: Annotated[str, Security(with_scopes, scopes=["a", "b"])]) -> Response:
    return PlainTextResponse(text)


async def narrowed(text: Annotated[str, Security(word, scopes=["a"])]) -> Response:
    return PlainTextResponse(text)


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (returns_no_response, '{"name":"granite"}'),
        (says_not_what_it_returns, '{"name":"granite"}'),
        (is_not_async, "granite"),
        (takes_a_query, "granite"),
        (takes_a_header, "*/*"),
        (takes_a_cookie, "granite"),
        (takes_a_default_to_be_validated, "granite"),
        (takes_the_response, "Response"),
        (takes_background_tasks, "0"),
        (takes_the_connection, "/stones"),
        (handler_with(in_a_thread), "from a thread"),
        (handler_with(generated), "generated"),
        (handler_with(with_query), "query"),
        (handler_with(with_response), "Response"),
        (handler_with(word, use_cache=False), "word"),
        (handler_with(word, scope="function"), "word"),
        (handler_with(word, max_concurrency=1), "word"),
        (handler_with(with_scopes), ""),
        (secured, "a b"),
        (narrowed, "word"),
    ],
)
async def test_a_handler_that_needs_more_is_left_to_fastapi(
    handler: Callable[..., Any], text: str, make_app: AppFactory
) -> None:
    general = route(handler)
    assert not general.is_direct
    assert (await answered(general, make_app)).text == text


@pytest.mark.parametrize(
    ("handler", "body", "text"),
    [
        (takes_two_bodies, {"one": {"name": "a"}, "two": {"name": "b"}}, "ab"),
        (takes_an_embedded_body, {"one": {"name": "a"}}, "a"),
        (handler_with(with_body), {"name": "granite"}, "granite"),
    ],
)
async def test_a_body_that_is_more_than_one_value_is_left_to_fastapi(
    handler: Callable[..., Any], body: Any, text: str, make_app: AppFactory
) -> None:
    general = route(handler)
    assert not general.is_direct
    assert (await answered(general, make_app, json=body)).text == text


async def test_a_dependency_that_takes_from_the_path_is_left_to_fastapi(
    make_app: AppFactory,
) -> None:
    async def with_path(stone_id: int) -> int:
        return stone_id

    general = route(handler_with(with_path), "/stones/{stone_id}")
    assert not general.is_direct
    assert (await answered(general, make_app, path="/stones/7")).text == "7"


def test_a_form_is_left_to_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    async def takes_a_form(stone: Annotated[Stone, Form()]) -> Response:
        return PlainTextResponse(stone.name)

    # What reads forms is not installed, and without it no form can be declared.
    monkeypatch.setitem(sys.modules, "python_multipart", SimpleNamespace(__version__="1.0"))
    assert not route(takes_a_form).is_direct


async def test_a_class_is_no_dependency_to_await(make_app: AppFactory) -> None:
    general = route(handler_with(Teller))
    assert not general.is_direct
    assert "Teller object" in (await answered(general, make_app)).text


async def test_a_bound_on_the_body_of_a_route_is_kept(make_app: AppFactory) -> None:
    general = route(names, max_body_size=5)
    assert not general.is_direct
    assert (await answered(general, make_app, json={"name": "granite"})).status_code == 413


async def test_a_route_that_takes_json_under_any_name_is_left_to_fastapi(
    make_app: AppFactory,
) -> None:
    general = route(names, strict_content_type=False)
    assert not general.is_direct
    assert (await answered(general, make_app, content=b'{"name": "x"}')).text == "POST x"


async def test_a_dependency_that_an_application_replaces_is_replaced() -> None:
    app = FastAPI()
    app.router.route_class = DirectRoute
    app.post("/stones")(says)
    app.dependency_overrides[word] = method
    async with calling(app) as client:
        assert (await client.post("/stones")).text == "POST POST"


async def test_what_an_including_router_asks_for_is_asked(make_app: AppFactory) -> None:
    calls: Calls = []

    async def guard(kind: Annotated[str, Query()]) -> None:
        calls.append(kind)

    inner, outer = APIRouter(route_class=DirectRoute), APIRouter(prefix="/v1")
    inner.post("/stones")(says)
    outer.include_router(inner, prefix="/{pile}", dependencies=[Depends(guard)])
    async with calling(make_app(outer)) as client:
        assert (await client.post("/v1/1/stones")).status_code == 422
        assert (await client.post("/v1/1/stones?kind=x")).text == "POST word"
    assert calls == ["x"]


async def test_each_dependency_is_called_once_and_after_those_it_needs(
    make_app: AppFactory,
) -> None:
    calls: Calls = []

    async def ground() -> str:
        calls.append("ground")
        return "ground"

    async def left(on: Annotated[str, Depends(ground)]) -> str:
        calls.append("left")
        return f"left on {on}"

    async def right(on: Annotated[str, Depends(ground)], by: Annotated[str, Depends(left)]) -> str:
        calls.append("right")
        return f"right on {on} by {by}"

    async def gate() -> None:
        calls.append("gate")

    async def handler(
        a: Annotated[str, Depends(right)],
        b: Annotated[str, Depends(left)],
        c: Annotated[str, Depends(ground)],
        d: Annotated[str, Depends(ground)],
    ) -> Response:
        return PlainTextResponse(f"{a} / {b} / {c} / {d}")

    direct = route(handler, dependencies=[Depends(gate), Depends(gate)])
    assert direct.is_direct
    answer = await answered(direct, make_app)
    assert answer.text == "right on ground by left on ground / left on ground / ground / ground"
    assert calls == ["gate", "ground", "left", "right"]


async def test_a_request_is_measured_and_logged_by_its_template(make_app: AppFactory) -> None:
    router = APIRouter(prefix="/v1", route_class=DirectRoute)

    @router.post("/stones/{stone_id}/turn")
    async def turn(stone_id: int) -> Response:
        return PlainTextResponse(str(stone_id))

    async with calling(make_app(router)) as client:
        with capture_logs() as lines:
            await client.post("/v1/stones/7/turn")
            await client.post("/v1/stones/seven/turn")
            await client.get("/v1/stones/7/turn")
        metrics = (await client.get("/metrics")).text
    assert {line["route"] for line in lines} == {"/v1/stones/{stone_id}/turn"}
    assert [line["status"] for line in lines] == [200, 422, 405]
    for verb, status in (("POST", 200), ("POST", 422), ("GET", 405)):
        labels = f'method="{verb}",route="/v1/stones/{{stone_id}}/turn",status="{status}"'
        assert f"cairn_http_request_duration_seconds_count{{{labels}}} 1.0" in metrics


async def test_what_an_answer_leaves_to_do_is_done(make_app: AppFactory) -> None:
    done: Calls = []

    async def do(what: str) -> None:
        done.append(what)

    async def handler() -> Response:
        return PlainTextResponse("soon", background=BackgroundTask(do, "later"))

    assert (await answered(route(handler), make_app)).text == "soon"
    assert done == ["later"]


async def test_an_answer_may_come_in_pieces(make_app: AppFactory) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "gra"
        yield "nite"

    async def handler() -> StreamingResponse:
        return StreamingResponse(pieces())

    direct = route(handler)
    assert direct.is_direct
    assert (await answered(direct, make_app)).text == "granite"


class Bounded(BaseModel):
    name: Annotated[str, Field(max_length=3)]


async def test_all_that_is_wrong_is_told_at_once(make_app: AppFactory) -> None:
    async def handler(first: int, second: int, body: Bounded) -> Response:
        return PlainTextResponse(f"{first} {second} {body.name}")

    direct = route(handler, "/stones/{first}/{second}")
    answer = await answered(direct, make_app, path="/stones/a/b", json={"name": "long"})
    assert [each["pointer"] for each in answer.json()["errors"]] == [
        "/path/first",
        "/path/second",
        "/body/name",
    ]
