"""What happens to every request: an id, a trace, a measured and logged answer, and its bounds."""

import random
import re
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.auth import CALLER_SCOPE_KEY
from services.chassis.health import Drain
from services.chassis.limits import BodyTooLargeError, BoundedBody, Bounds, Slots, declared_length
from services.chassis.problems import (
    BODY_TOO_LARGE,
    OVERLOADED,
    ProblemResponse,
    ProblemTable,
    error_response,
    problem_response,
)
from services.chassis.telemetry import TRACEPARENT, Trace, enter_request, span, tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

PROBE_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
UNMATCHED_ROUTE = "unmatched"
# What nginx logs for it; no such status ever goes out.
CLIENT_CLOSED_REQUEST = 499

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "OTHER"
_REQUEST_ID_FORM = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
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
        problems: ProblemTable,
        templates: Mapping[object, str],
    ) -> None:
        self._app = app
        self._max_body_bytes = bounds.max_body_bytes
        self._slots = bounds.slots
        self._drain = drain
        self._metrics = metrics
        self._problems = problems
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
        except ClientDisconnect:
            # Nothing went wrong here, and nobody is left to be answered.
            return
        except Exception as error:
            # An answer that has begun cannot become another: the server cuts it off instead.
            if exchange.started:
                raise
            await exchange.answer(error_response(self._problems, exchange.scope, error))

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
    return request_id or _new_id(), parent


def _new_id() -> str:
    """32 hexadecimal digits. As with a trace, they need to be distinct, not unguessable."""
    return f"{random.getrandbits(128):032x}"


def _too_large(scope: Scope, max_bytes: int) -> ProblemResponse:
    refusal = BodyTooLargeError(max_bytes)
    return problem_response(BODY_TOO_LARGE, scope, detail=refusal.detail, headers=refusal.headers)
