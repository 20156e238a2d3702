"""A query parameter that a route does not know is refused: a misspelt filter filters nothing."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.auth import RequireScopes
from services.chassis.parameters import RawParameter

MAX_PARAMETERS: Final = 100
MAX_SHOWN_CHARACTERS: Final = 100


def refusing_unknown_parameters(route: APIRoute) -> ASGIApp:
    """The route's application, behind a look at the names in the query string.

    Raises RequestValidationError, which names what there is instead; but who may not ask is told
    so before what was wrong with the asking, by what `RequireScopes` raises.
    """
    dependants = list(_all(route.dependant))
    known = sorted({name for each in dependants for name in _names(each)})
    rights = [each.call for each in dependants if isinstance(each.call, RequireScopes)]
    answer = route.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            faults = _faults(scope["query_string"].decode("latin-1"), known)
            if faults:
                for each in rights:
                    await each(Request(scope))
                raise RequestValidationError(faults)
        await answer(scope, receive, send)

    return app


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _all(each)


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    if isinstance(dependant.call, RawParameter) and dependant.call.place == "query":
        yield dependant.call.name


def _faults(query: str, known: list[str]) -> list[dict[str, Any]]:
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return [_fault("", f"at most {MAX_PARAMETERS} are taken")]
    there_is = f"there is {', '.join(known)}" if known else "this resource takes none"
    return [_fault(name, there_is) for name, _ in given if name not in known]


def _fault(name: str, there_is: str) -> dict[str, Any]:
    return {
        "type": "unknown_parameter",
        "loc": ("query", name[:MAX_SHOWN_CHARACTERS]),
        "msg": f"Not a parameter of this resource: {there_is}",
    }
