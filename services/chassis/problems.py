"""Errors on the wire (RFC 9457): one table per service says which error is which problem."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Scope

from services.chassis.responses import OrjsonResponse
from services.chassis.telemetry import current_request_id

MEDIA_TYPE = "application/problem+json"
MAX_REPORTED_FAULTS = 100
MAX_POINTER_CHARACTERS = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: `slug` ends its stable type URN, `title` is the same every time.

    `detail` replaces the error's own words where these are not for the caller.
    `retry_after_seconds` becomes the `Retry-After` header.
    """

    slug: str
    status: int
    title: str
    detail: str | None = None
    retry_after_seconds: int | None = None

    @property
    def type(self) -> str:
        """The URN that names this kind of problem for good."""
        return f"urn:cairn:problem:{self.slug}"


# The most specific class of an error that stands in the table decides.
ProblemTable = Mapping[type[Exception], Problem]

BAD_REQUEST = Problem("bad-request", 400, "The request cannot be understood.")
INVALID_HEADER = Problem("invalid-header", 400, "A header does not have the right form.")
UNAUTHENTICATED = Problem("unauthenticated", 401, "The request has no token that holds.")
MISSING_SCOPE = Problem("missing-scope", 403, "The token does not reach this far.")
NOT_FOUND = Problem("not-found", 404, "There is nothing here.")
METHOD_NOT_ALLOWED = Problem("method-not-allowed", 405, "This resource has no such method.")
PRECONDITION_FAILED = Problem("precondition-failed", 412, "The resource has another version.")
BODY_TOO_LARGE = Problem("body-too-large", 413, "The request body is too large.")
INVALID_REQUEST = Problem("invalid-request", 422, "The request does not have the right form.")
AS_OF_IN_FUTURE = Problem("as-of-in-future", 422, "That moment has not come yet.")
PRECONDITION_REQUIRED = Problem("precondition-required", 428, "The change needs an If-Match.")
INTERNAL_ERROR = Problem(
    "internal-error",
    500,
    "Something went wrong on our side.",
    detail="The request failed unexpectedly; its id names the log entry.",
)
UNAVAILABLE = Problem(
    "unavailable",
    503,
    "Something the service needs is not there.",
    detail="The service cannot do this right now; try again shortly.",
    retry_after_seconds=1,
)
OVERLOADED = Problem(
    "overloaded",
    503,
    "Too many requests are in flight.",
    detail="The service is working at its limit; try again shortly.",
    retry_after_seconds=1,
)

_BY_STATUS = {
    problem.status: problem
    for problem in (
        BAD_REQUEST,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        BODY_TOO_LARGE,
        INVALID_REQUEST,
        UNAUTHENTICATED,
        INTERNAL_ERROR,
        UNAVAILABLE,
    )
}

_NO_LETTERS = re.compile(r"[^a-z]+")

# These messages of pydantic repeat what was sent; the caller gets the rule instead.
_DETAIL_WITHOUT_INPUT = {
    "json_invalid": "The body is not valid JSON",
    "union_tag_invalid": "Input should carry one of the known tags",
    "uuid_parsing": "Input should be a valid UUID",
}


class ProblemResponse(OrjsonResponse):
    """A problem details document."""

    media_type = MEDIA_TYPE


def problem_response(
    problem: Problem,
    scope: Scope,
    *,
    detail: str | None = None,
    extensions: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Render `problem` as the answer to the request of `scope`.

    Extensions stand beside the standard members and never replace one.
    """
    document = {
        **(extensions or {}),
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or detail or problem.title,
        "instance": quote(scope["path"]),
        "request_id": current_request_id(),
    }
    return ProblemResponse(document, problem.status, _headers(problem, headers))


def _headers(problem: Problem, headers: Mapping[str, str] | None) -> dict[str, str]:
    retry_after = problem.retry_after_seconds
    default = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return {**default, **(headers or {})}


def find_problem(table: ProblemTable, error_class: type[BaseException]) -> Problem | None:
    """The problem of the most specific class of `error_class` in the table, if there is one."""
    return next((table[cls] for cls in error_class.__mro__ if cls in table), None)


def unmapped_errors(family: type[Exception], table: ProblemTable) -> list[type[Exception]]:
    """Every class of a family of errors that the table would leave to become a 500."""
    return [cls for cls in _with_subclasses(family) if find_problem(table, cls) is None]


def _with_subclasses(family: type[Exception]) -> Iterator[type[Exception]]:
    yield family
    for subclass in family.__subclasses__():
        yield from _with_subclasses(subclass)


def error_response(table: ProblemTable, scope: Scope, error: Exception) -> ProblemResponse:
    """The answer to whatever serving a request raised.

    An error of the table says what happened in `str(error)`. It may carry `extensions`, a mapping
    of further members of the document, and `headers`, where it was raised at the HTTP edge itself.
    An error that cannot say it is one that nobody expected.
    """
    try:
        return _expected_response(table, scope, error)
    except Exception as failure:  # noqa: BLE001  below this there is only the server's plain text
        return _internal_error_response(scope, failure)


def _expected_response(table: ProblemTable, scope: Scope, error: Exception) -> ProblemResponse:
    if isinstance(error, HTTPException):
        return _http_error_response(scope, error)
    if isinstance(error, RequestValidationError):
        return _invalid_request_response(scope, error)
    problem = find_problem(table, type(error))
    if problem is None:
        return _internal_error_response(scope, error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", problem=problem.slug, cause=_cause(error))
    return problem_response(
        problem,
        scope,
        detail=str(error),
        extensions=getattr(error, "extensions", None),
        headers=getattr(error, "headers", None),
    )


def _internal_error_response(scope: Scope, error: Exception) -> ProblemResponse:
    """The answer to an error nobody expected: its story goes to the log, not to the caller."""
    log.error("request_crashed", path=scope["path"], exc_info=error)
    return problem_response(INTERNAL_ERROR, scope)


def _cause(error: Exception) -> str:
    origin = error.__cause__ or error
    return f"{type(origin).__name__}: {origin}"


def _http_error_response(scope: Scope, error: HTTPException) -> ProblemResponse:
    problem = _BY_STATUS.get(error.status_code) or _of_status(error.status_code)
    phrase = HTTPStatus(error.status_code).phrase
    # Starlette fills in the bare phrase, which says less than the title does.
    detail = error.detail if error.detail != phrase else None
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed_methods(scope)
    return problem_response(problem, scope, detail=detail, headers=headers)


def _allowed_methods(scope: Scope) -> str:
    """Every method of the resource. The router names those of the first matching route only."""
    contexts = list(iter_route_contexts(scope["app"].routes))
    endpoint = scope["endpoint"]
    path = next(each.path for each in contexts if each.endpoint is endpoint)
    methods = {method for each in contexts if each.path == path for method in each.methods or ()}
    return ", ".join(sorted(methods))


def _of_status(status: int) -> Problem:
    phrase = HTTPStatus(status).phrase
    return Problem(_NO_LETTERS.sub("-", phrase.lower()), status, f"{phrase}.")


def _invalid_request_response(scope: Scope, error: RequestValidationError) -> ProblemResponse:
    faults = error.errors()
    return problem_response(
        INVALID_REQUEST,
        scope,
        detail=f"{len(faults)} part(s) of the request are not valid.",
        extensions={"errors": [_fault(each) for each in faults[:MAX_REPORTED_FAULTS]]},
    )


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    code = error["type"]
    # The decoder puts a character position where others put a field.
    location = error["loc"][:1] if code == "json_invalid" else error["loc"]
    return {
        "pointer": _pointer(location),
        "detail": _DETAIL_WITHOUT_INPUT.get(code, error["msg"]),
        "code": code,
    }


def _pointer(location: Iterable[object]) -> str:
    """A JSON Pointer (RFC 6901) whose first step says which part of the request is meant."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return "".join(f"/{step}" for step in steps)[:MAX_POINTER_CHARACTERS]


PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "Problem details as RFC 9457 defines them.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable name of the kind."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What happened this time."},
        "instance": {"type": "string", "format": "uri-reference"},
        "request_id": {"type": "string", "description": "Names the request in the logs."},
        "errors": {
            "type": "array",
            "description": "The parts of the request that are not valid.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string", "format": "json-pointer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}

_PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problem_responses(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The `responses` fragment of a route that answers with these problems, one per status."""
    kinds: dict[int, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.status, []).append(problem)
    return {
        status: {"description": " ".join(each.title for each in same), "content": _PROBLEM_CONTENT}
        for status, same in kinds.items()
    }
