"""Commands over HTTP: what of a request goes into the log's writer, and how its answer goes out."""

import hashlib
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.responses import Response

from contracts.positions import POSITION_HEADER, render_position
from services.chassis.eventstore.errors import (
    AggregateNotFoundError,
    CommandInFlightError,
    IdempotencyKeyReusedError,
    LogUnavailableError,
    StaleVersionError,
    VersionNotReachedError,
    WriterOverloadedError,
)
from services.chassis.eventstore.unit import Answer
from services.chassis.parameters import etag
from services.chassis.problems import NOT_FOUND, PRECONDITION_FAILED, Problem, ProblemTable

REPLAYED_HEADER: Final = "Idempotency-Replayed"

VERSION_NOT_FOUND: Final = Problem(
    "version-not-found", 404, "The resource has not come to that version."
)
KEY_REUSED: Final = Problem(
    "idempotency-key-reused", 422, "The Idempotency-Key was used with another request."
)
COMMAND_IN_FLIGHT: Final = Problem(
    "command-in-flight", 409, "The same command is being worked on.", retry_after_seconds=1
)
WRITER_OVERLOADED: Final = Problem(
    "overloaded", 503, "Too many commands are waiting.", retry_after_seconds=1
)
LOG_UNAVAILABLE: Final = Problem(
    "log-unavailable", 503, "The event log cannot be reached.", retry_after_seconds=1
)

# What the log raises; a service's own table stands beside it.
LOG_PROBLEMS: Final[ProblemTable] = {
    AggregateNotFoundError: NOT_FOUND,
    VersionNotReachedError: VERSION_NOT_FOUND,
    StaleVersionError: PRECONDITION_FAILED,
    IdempotencyKeyReusedError: KEY_REUSED,
    CommandInFlightError: COMMAND_IN_FLIGHT,
    WriterOverloadedError: WRITER_OVERLOADED,
    LogUnavailableError: LOG_UNAVAILABLE,
}


async def _request_hash(request: Request) -> bytes:
    """What makes two requests the same: method, target, precondition and body."""
    digest = hashlib.sha256()
    for part in (
        request.method.encode(),
        request.scope.get("raw_path") or request.url.path.encode(),
        request.scope["query_string"],
        request.headers.get("if-match", "").encode(),
        await request.body(),
    ):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


RequestHash = Annotated[bytes, Depends(_request_hash)]


def respond(answer: Answer, service: str) -> Response:
    """The HTTP response to a command: its body, version, position and, if new, its location."""
    headers: dict[str, str] = {}
    if answer.position is not None:
        headers[POSITION_HEADER] = render_position(service, answer.position)
    if answer.etag is not None:
        headers["ETag"] = etag(answer.etag)
    if answer.location is not None:
        headers["Location"] = answer.location
    if answer.replayed:
        headers[REPLAYED_HEADER] = "true"
    return Response(answer.body, answer.status, headers, media_type="application/json")
