"""A query parameter that a route does not know is refused: a misspelt filter filters nothing."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.parameters import RawParameter

MAX_PARAMETERS: Final = 100
MAX_SHOWN_CHARACTERS: Final = 100


def refusing_unknown_parameters(route: APIRoute) -> ASGIApp:
    """The route's application, behind a look at the names in the query string.

    Raises RequestValidationError, which names what there is instead.
    """
    known = sorted(set(_names(route.dependant)))
    answer = route.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            _refuse_unknown(scope["query_string"].decode("latin-1"), known)
        await answer(scope, receive, send)

    return app


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    if isinstance(dependant.call, RawParameter) and dependant.call.place == "query":
        yield dependant.call.name
    for each in dependant.dependencies:
        yield from _names(each)


def _refuse_unknown(query: str, known: list[str]) -> None:
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise RequestValidationError([_fault("", f"at most {MAX_PARAMETERS} are taken")]) from None
    there_is = f"there is {', '.join(known)}" if known else "this resource takes none"
    faults = [_fault(name, there_is) for name, _ in given if name not in known]
    if faults:
        raise RequestValidationError(faults)


def _fault(name: str, there_is: str) -> dict[str, Any]:
    return {
        "type": "unknown_parameter",
        "loc": ("query", name[:MAX_SHOWN_CHARACTERS]),
        "msg": f"Not a parameter of this resource: {there_is}",
    }
