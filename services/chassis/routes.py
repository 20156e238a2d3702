"""Routes whose handlers are called directly, without FastAPI's general way of solving a request.

That way costs a write about 150 microseconds. What a write needs is simple: path parameters, one
JSON body, and dependencies that take the request or each other. Such a route is declared as any
other, appears in the document as any other and validates with FastAPI's own fields; a route that
needs more is left to FastAPI.
"""

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
from starlette._utils import is_async_callable
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]

_MISSING_BODY = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class DirectRoute(APIRoute):
    """An APIRoute that calls its handler directly where it can: `APIRouter(route_class=…)`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        simple = not self._embed_body_fields and _is_simple(self.dependant, self.body_field)
        self._direct = _direct(self.dependant, self.body_field) if simple else None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is raised goes to the application's exception handlers."""
        if self._direct is None or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self._direct(Request(scope, receive, send))
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Step:
    """One dependency: what to call, and under which names its arguments are known."""

    result: int
    call: Callable[..., Awaitable[Any]]
    request_name: str | None
    arguments: tuple[tuple[str, int], ...]


def _is_simple(dependant: Dependant, body_field: ModelField | None) -> bool:
    own_fields = dependant.query_params or dependant.header_params or dependant.cookie_params
    if own_fields or isinstance(getattr(body_field, "field_info", None), Form):
        return False
    return _is_plain_call(dependant) and all(
        _is_plain_call(each) and not _takes_fields(each) for each in _all(dependant)
    )


def _is_plain_call(dependant: Dependant) -> bool:
    return is_async_callable(dependant.call) and not (
        dependant.websocket_param_name
        or dependant.http_connection_param_name
        or dependant.response_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
    )


def _takes_fields(dependant: Dependant) -> bool:
    return bool(
        dependant.path_params
        or dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or dependant.body_params
    )


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for each in dependant.dependencies:
        yield from _all(each)
        yield each


def _direct(dependant: Dependant, body_field: ModelField | None) -> Handler:
    endpoint = dependant.call
    assert endpoint is not None
    steps, results = _plan(dependant)
    arguments = _arguments(dependant, results)
    path_fields = tuple(dependant.path_params)

    async def handle(request: Request) -> Response:
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for field in path_fields:
            _validate(
                field, request.path_params[field.alias], ("path", field.alias), values, errors
            )
        # The order is FastAPI's: who may not ask is told so before what was wrong with the asking.
        solved: list[Any] = [None] * len(steps)
        for step in steps:
            given = {name: solved[place] for name, place in step.arguments}
            if step.request_name is not None:
                given[step.request_name] = request
            solved[step.result] = await step.call(**given)
        if body_field is not None:
            await _read_body(body_field, request, values, errors)
        if errors:
            raise RequestValidationError(errors)
        for name, place in arguments:
            values[name] = solved[place]
        if dependant.request_param_name is not None:
            values[dependant.request_param_name] = request
        response: Response = await endpoint(**values)
        return response

    return handle


def _plan(dependant: Dependant) -> tuple[list[_Step], dict[Any, int]]:
    """All dependencies in the order in which they can be called, each of them once."""
    steps: list[_Step] = []
    results: dict[Any, int] = {}
    for each in _all(dependant):
        if each.call in results:
            continue
        assert each.call is not None
        place = len(steps)
        steps.append(_Step(place, each.call, each.request_param_name, _arguments(each, results)))
        results[each.call] = place
    return steps, results


def _arguments(dependant: Dependant, results: dict[Any, int]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (each.name, results[each.call]) for each in dependant.dependencies if each.name is not None
    )


async def _read_body(
    field: ModelField, request: Request, values: dict[str, Any], errors: list[Any]
) -> None:
    content = await request.body()
    if not content:
        if field.field_info.is_required():
            errors.append(_MISSING_BODY)
        else:
            values[field.name] = field.get_default()
        return
    body: Any = _decode(content) if _is_json(request.headers.get("content-type")) else content
    _validate(field, body, ("body",), values, errors)


def _decode(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}]
        ) from error


def _is_json(content_type: str | None) -> bool:
    main, _, subtype = (content_type or "").partition(";")[0].strip().lower().partition("/")
    return main == "application" and (subtype == "json" or subtype.endswith("+json"))


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
