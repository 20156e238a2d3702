"""Routes whose handlers are called directly, without FastAPI's general way of solving a request.

That way costs a write more than 100 microseconds. What a write needs is simple: path parameters,
one JSON body, and dependencies that take the request or each other. Such a route is declared as
any other, appears in the document as any other and validates with FastAPI's own fields. A route
that needs more, or that `include_router` puts into another router, is left to FastAPI.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

_MISSING_BODY = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class DirectRoute(APIRoute):
    """An APIRoute that calls its handler directly where it can: `APIRouter(route_class=…)`.

    Two things differ from an APIRoute, and are meant to. Dependencies come before the body, so
    that who may not ask is told so before what was wrong with the asking. The body is read by
    orjson, which takes only what RFC 8259 calls JSON: no NaN, no half of a surrogate pair, no
    encoding but UTF-8; a number is an IEEE double, or an integer of 64 bits. `is_direct` says
    whether the handler is called directly.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.is_direct = _is_simple(self)
        if self.is_direct:
            self.app = _direct_app(self.dependant, self.body_field)


def _is_simple(route: APIRoute) -> bool:
    general_settings = (
        route.dependency_overrides_provider,
        route.max_body_size,
        not route.strict_content_type,
        route._embed_body_fields,  # noqa: SLF001  FastAPI tells it nowhere else
    )
    return (
        not any(general_settings)
        and _takes_simple_body(route.body_field)
        and _gives_response(route.endpoint)
        and _takes_only_path_and_body(route.dependant)
        and _is_plain_call(route.dependant)
        and all(_is_simple_dependency(each) for each in _dependencies(route.dependant))
    )


def _takes_simple_body(field: ModelField | None) -> bool:
    return field is None or not (
        isinstance(field.field_info, Form) or field.field_info.validate_default
    )


def _gives_response(endpoint: Callable[..., Any]) -> bool:
    """Whether the handler renders its answer itself."""
    answer = inspect.signature(endpoint, eval_str=True).return_annotation
    return isinstance(answer, type) and issubclass(answer, Response)


def _takes_only_path_and_body(dependant: Dependant) -> bool:
    return not (dependant.query_params or dependant.header_params or dependant.cookie_params)


def _is_simple_dependency(dependant: Dependant) -> bool:
    takes_fields = dependant.path_params or dependant.body_params
    shared_otherwise = dependant.own_oauth_scopes or dependant.scope or dependant.concurrency
    return (
        not takes_fields
        and not shared_otherwise
        and dependant.use_cache
        and _takes_only_path_and_body(dependant)
        and _is_plain_call(dependant)
    )


def _is_plain_call(dependant: Dependant) -> bool:
    """Whether it is awaited, and asks for nothing but the request and results of dependencies."""
    call = dependant.call
    awaited = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    return awaited and not (
        dependant.websocket_param_name
        or dependant.http_connection_param_name
        or dependant.response_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
    )


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    """All dependencies, each after those that it needs itself."""
    for each in dependant.dependencies:
        yield from _dependencies(each)
        yield each


def _direct_app(dependant: Dependant, body_field: ModelField | None) -> ASGIApp:
    """What answers a request; what it raises is for `RequestMiddleware`."""
    steps, endpoint = _plan(dependant)
    path_fields = [(field, field.alias) for field in dependant.path_params]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for field, name in path_fields:
            _validate(field, scope["path_params"][name], ("path", name), values, errors)
        results: list[Any] = []
        for step in steps:
            results.append(await step.run(request, results, {}))
        if body_field is not None:
            await _read_body(body_field, request, values, errors)
        if errors:
            raise RequestValidationError(errors)
        response = await endpoint.run(request, results, values)
        await response(scope, receive, send)

    return app


@dataclass(frozen=True, slots=True)
class _Step:
    """A function to call, and where what it is given comes from."""

    call: Callable[..., Awaitable[Any]]
    request_name: str | None
    # Names of parameters, and the places of the results they take.
    arguments: tuple[tuple[str, int], ...]

    def run(self, request: Request, results: list[Any], values: dict[str, Any]) -> Awaitable[Any]:
        """Call it with these values, and with what earlier steps gave."""
        for name, place in self.arguments:
            values[name] = results[place]
        if self.request_name is not None:
            values[self.request_name] = request
        return self.call(**values)


def _plan(dependant: Dependant) -> tuple[list[_Step], _Step]:
    """All dependencies in the order in which they can be called, each once, and the endpoint."""
    places: dict[Any, int] = {}
    steps = []
    for each in _dependencies(dependant):
        if each.call not in places:
            steps.append(_step(each, places))
            places[each.call] = len(places)
    return steps, _step(dependant, places)


def _step(dependant: Dependant, places: dict[Any, int]) -> _Step:
    assert dependant.call is not None
    arguments = tuple(
        (each.name, places[each.call]) for each in dependant.dependencies if each.name is not None
    )
    return _Step(dependant.call, dependant.request_param_name, arguments)


async def _read_body(
    field: ModelField, request: Request, values: dict[str, Any], errors: list[Any]
) -> None:
    content = await request.body()
    if content:
        is_json = _is_json(request.headers.get("content-type"))
        body = _decode(content) if is_json else content
        _validate(field, body, ("body",), values, errors)
    elif field.field_info.is_required():
        errors.append(_MISSING_BODY)
    else:
        values[field.name] = field.get_default()


def _decode(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}]
        ) from error


def _is_json(content_type: str | None) -> bool:
    main, _, subtype = (content_type or "").partition(";")[0].strip().lower().partition("/")
    is_json = subtype == "json" or (subtype.endswith("+json") and "/" not in subtype)
    return main == "application" and is_json


def _validate(
    field: ModelField,
    value: Any,
    place: tuple[str, ...],
    values: dict[str, Any],
    errors: list[Any],
) -> None:
    validated, found = field.validate(value, {}, loc=place)
    if found:
        errors.extend(found)
    else:
        values[field.name] = validated
