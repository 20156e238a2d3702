"""What happens to every request: an id, a trace, a measured and logged answer, and its bounds.

The headers that mean the same in every service are read here too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl
from uuid import uuid4

import structlog
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.auth import CALLER_SCOPE_KEY
from services.chassis.health import Drain
from services.chassis.limits import BodyTooLargeError, BoundedBody, Bounds, Slots, declared_length
from services.chassis.problems import (
    BODY_TOO_LARGE,
    OVERLOADED,
    ProblemResponse,
    internal_error_response,
    problem_response,
)
from services.chassis.telemetry import TRACEPARENT, Trace, enter_request, span, tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

T = TypeVar("T")

PROBE_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
UNMATCHED_ROUTE = "unmatched"
# What nginx logs for it; no such status ever goes out.
CLIENT_CLOSED_REQUEST = 499

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "OTHER"
_REQUEST_ID_FORM = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_ETAG_FORM = re.compile(r'"(0|[1-9][0-9]{0,17})"')
_ANY_ETAG_FORM = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_RFC3339_FORM = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_INVALID_AS_OF = {
    "type": "datetime_form",
    "loc": ("query", "as_of"),
    "msg": "Input should be an RFC 3339 date and time with a zone (a plus sign is sent as %2B)",
}
_TRACEPARENT_HEADER = TRACEPARENT.encode()
_DURATION_BUCKETS_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

log = structlog.get_logger()


class RequestMetrics:
    """Counts and durations of requests by route template, method and status."""

    def __init__(self, registry: CollectorRegistry, slots: Slots) -> None:
        labels = ("method", "route", "status")
        self._durations = Histogram(
            "cairn_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            labels,
            registry=registry,
            buckets=_DURATION_BUCKETS_SECONDS,
        )
        self._refused = Counter(
            "cairn_http_requests_refused_total",
            "Requests answered early because too many were in flight.",
            registry=registry,
        )
        in_flight = Gauge(
            "cairn_http_requests_in_flight", "Requests being served now.", registry=registry
        )
        in_flight.set_function(lambda: slots.taken)
        # Looking a labelled child up costs more than observing it, so the children are kept.
        self._children: dict[tuple[str, str, int], Any] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method if method in _METHODS else _OTHER_METHOD, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._durations.labels(*key)
            self._children[key] = child
        child.observe(seconds)

    def count_refused(self) -> None:
        """Count one request that found every slot taken."""
        self._refused.inc()


class RequestMiddleware:
    """Gives each request its id and trace, bounds it, and records how it was answered.

    It is plain ASGI: Starlette's BaseHTTPMiddleware costs a task and two streams per request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        bounds: Bounds,
        drain: Drain,
        metrics: RequestMetrics,
        templates: Mapping[object, str],
    ) -> None:
        self._app = app
        self._max_body_bytes = bounds.max_body_bytes
        self._slots = bounds.slots
        self._drain = drain
        self._metrics = metrics
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, parent = _identity(scope)
        enter_request(request_id, parent.child() if parent else Trace.begin())
        body = BoundedBody(receive, self._max_body_bytes)
        exchange = _Exchange(scope, body, send, request_id, self._drain)
        try:
            if tracing():
                with span(scope["method"], "server", parent) as recorded:
                    await self._serve(exchange)
                    self._describe(recorded, exchange)
            else:
                await self._serve(exchange)
        finally:
            self._record(exchange)

    async def _serve(self, exchange: "_Exchange") -> None:
        """Answer early what cannot be served, and the rest by the application."""
        scope = exchange.scope
        if scope["path"] in PROBE_PATHS:
            await self._run(exchange)
        elif (declared_length(scope) or 0) > self._max_body_bytes:
            await exchange.answer(_too_large(scope, self._max_body_bytes))
        elif not self._slots.take():
            self._metrics.count_refused()
            await exchange.answer(problem_response(OVERLOADED, scope))
        else:
            try:
                await self._run(exchange)
            finally:
                self._slots.give_back()

    async def _run(self, exchange: "_Exchange") -> None:
        try:
            await self._app(exchange.scope, exchange.body.receive, exchange.send)
        except Exception as error:
            # An answer that has begun cannot become another: the server cuts it off instead.
            if exchange.started:
                raise
            await exchange.answer(internal_error_response(exchange.scope, error))

    def _describe(self, recorded: "Span | None", exchange: "_Exchange") -> None:
        if recorded is None:
            return
        route = self._route(exchange.scope)
        recorded.update_name(f"{exchange.scope['method']} {route}")
        recorded.set_attributes(
            {
                "http.request.method": exchange.scope["method"],
                "http.route": route,
                "http.response.status_code": exchange.status,
            }
        )

    def _record(self, exchange: "_Exchange") -> None:
        scope = exchange.scope
        seconds = perf_counter() - exchange.begun_at
        route = self._route(scope)
        self._metrics.observe(scope["method"], route, exchange.status, seconds)
        write = log.debug if scope["path"] in PROBE_PATHS else log.info
        write(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=exchange.status,
            duration_ms=round(seconds * 1_000, 3),
            caller=scope.get(CALLER_SCOPE_KEY),
        )

    def _route(self, scope: Scope) -> str:
        return self._templates.get(scope.get("endpoint"), UNMATCHED_ROUTE)


class _Exchange:
    """One request and the answer to it, as far as it has come."""

    __slots__ = (
        "_drain",
        "_send",
        "begun_at",
        "body",
        "request_id",
        "scope",
        "started",
        "status",
    )

    def __init__(
        self, scope: Scope, body: BoundedBody, send: Send, request_id: str, drain: Drain
    ) -> None:
        self.scope = scope
        self.body = body
        self.request_id = request_id
        self.begun_at = perf_counter()
        self.started = False
        # What the log says of a request whose client went away before it was answered.
        self.status = CLIENT_CLOSED_REQUEST
        self._send = send
        self._drain = drain

    async def answer(self, response: ProblemResponse) -> None:
        await response(self.scope, self.body.receive, self.send)

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on, with the headers every answer has."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            await self._send({**message, "headers": self._headers(message)})
        elif self.status == BODY_TOO_LARGE.status and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self.body.linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send(message)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        if self._drain.begun:
            headers.append((b"connection", b"close"))
        return headers


def _identity(scope: Scope) -> tuple[str, Trace | None]:
    """The id the caller gave the request, or a new one, and the trace it came with."""
    request_id = parent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID_FORM.fullmatch(value):
            request_id = value.decode("ascii")
        elif name == _TRACEPARENT_HEADER:
            parent = Trace.parse(value.decode("latin-1"))
    return request_id or str(uuid4()), parent


def _too_large(scope: Scope, max_bytes: int) -> ProblemResponse:
    refusal = BodyTooLargeError(max_bytes)
    return problem_response(BODY_TOO_LARGE, scope, detail=refusal.detail, headers=refusal.headers)


class MissingIfMatchError(Exception):
    """A change has to say which version of the resource it was made for."""

    def __init__(self) -> None:
        super().__init__('Send If-Match with the ETag you read, for example If-Match: "7".')


class InvalidHeaderError(Exception):
    """A header does not have the form it must have."""


class UnmatchableVersionError(Exception):
    """The ETag in If-Match is well formed, but no version of ours ever had it."""

    def __init__(self) -> None:
        super().__init__("The ETag in If-Match is not of any version of this resource.")


class AsOfInFutureError(Exception):
    """Nobody knows yet what will have been true then."""

    def __init__(self) -> None:
        super().__init__("as_of names a moment that has not come yet.")


def etag(version: int) -> str:
    """The ETag of a version of an aggregate."""
    return f'"{version}"'


def parse_if_match(value: str | None) -> int:
    """The version in an If-Match header.

    Raises MissingIfMatchError; InvalidHeaderError; and UnmatchableVersionError for an entity
    tag (RFC 9110, 8.8.3) that is none of ours.
    """
    if value is None:
        raise MissingIfMatchError
    ours = _ETAG_FORM.fullmatch(value)
    if ours is not None:
        return int(ours[1])
    if _ANY_ETAG_FORM.fullmatch(value):
        raise UnmatchableVersionError
    raise InvalidHeaderError('If-Match takes exactly one entity tag, for example "7".')


def parse_idempotency_key(value: str | None) -> str | None:
    """The key in an Idempotency-Key header: 1 to 200 visible ASCII characters, or none."""
    if value is not None and not _IDEMPOTENCY_KEY_FORM.fullmatch(value):
        raise InvalidHeaderError("Idempotency-Key takes 1 to 200 visible ASCII characters.")
    return value


def parse_as_of(value: str | None, now: datetime) -> datetime | None:
    """The moment an `as_of` parameter names, in UTC.

    Raises RequestValidationError where it is not RFC 3339, AsOfInFutureError where `now` is before.
    """
    if value is None:
        return None
    moment = _rfc3339(value)
    if moment is None:
        raise RequestValidationError([_INVALID_AS_OF])
    if moment > now:
        raise AsOfInFutureError
    return moment


def _rfc3339(value: str) -> datetime | None:
    if not _RFC3339_FORM.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class RawParameter(Generic[T]):
    """A dependency that reads one header or query parameter straight from the request.

    FastAPI's own way costs 25 microseconds for each, and a write has three. `openapi.py` puts
    what is read like this into the document.
    """

    place: Literal["header", "query"]
    name: str
    description: str
    schema: Mapping[str, Any]
    parse: Callable[[str | None], T]
    required: bool = False

    async def __call__(self, request: Request) -> T:
        """What the parameter says; raises what `parse` raises. Repeated, its values are a list."""
        read = _header_values if self.place == "header" else _query_values
        values = read(request.scope, self.name)
        return self.parse(", ".join(values) if values else None)

    def document(self) -> dict[str, Any]:
        """The parameter as OpenAPI describes one."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.description,
            "schema": dict(self.schema),
        }


def _header_values(scope: Scope, name: str) -> list[str]:
    wanted = name.lower().encode("ascii")
    return [value.decode("latin-1") for key, value in scope["headers"] if key == wanted]


def _query_values(scope: Scope, name: str) -> list[str]:
    query = scope["query_string"].decode("latin-1")
    return [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]


IF_MATCH = RawParameter(
    place="header",
    name="If-Match",
    description="The ETag of the version the change is made for.",
    schema={"type": "string", "pattern": f"^{_ETAG_FORM.pattern}$"},
    parse=parse_if_match,
    required=True,
)
IDEMPOTENCY_KEY = RawParameter(
    place="header",
    name="Idempotency-Key",
    description="Sent again with the same body, the first answer is given again.",
    schema={"type": "string", "pattern": "^[!-~]{1,200}$"},
    parse=parse_idempotency_key,
)


AS_OF = RawParameter(
    place="query",
    name="as_of",
    description="Answer as it was known at this moment (RFC 3339), which must have come already.",
    schema={"type": "string", "format": "date-time"},
    parse=lambda value: parse_as_of(value, datetime.now(UTC)),
)

IfMatch = Annotated[int, Depends(IF_MATCH)]
IdempotencyKey = Annotated[str | None, Depends(IDEMPOTENCY_KEY)]
AsOf = Annotated[datetime | None, Depends(AS_OF)]
