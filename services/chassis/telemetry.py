"""Which request and which trace the running code belongs to, and spans where someone collects them.

The trace context (W3C Trace Context) is carried whether or not spans are exported, because logs
and stored events name it too. OpenTelemetry is loaded only when an endpoint is configured.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

TRACEPARENT = "traceparent"
SpanKindName = Literal["internal", "server", "client", "producer", "consumer"]

_EXPORT_TIMEOUT_SECONDS = 2
_TRACEPARENT_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NO_TRACE_ID = "0" * 32
_NO_SPAN_ID = "0" * 16
_NO_SPAN = nullcontext()
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class Trace:
    """A position in a trace: 32 and 16 lower-case hexadecimal digits, as `traceparent` has them."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header value that names this position."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    @classmethod
    def parse(cls, header: str) -> "Trace | None":
        """Read a `traceparent` of any version; by the standard a malformed one is no trace."""
        match = _TRACEPARENT_FORM.match(header)
        if match is None or (header.startswith("00") and match.end() != len(header)):
            return None
        trace_id, span_id, flags = match.groups()
        if trace_id == _NO_TRACE_ID or span_id == _NO_SPAN_ID:
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))

    @classmethod
    def begin(cls) -> "Trace":
        """A new trace. Its ids need to be distinct, not unguessable, so no entropy is spent."""
        return cls(f"{_identifier(128):032x}", f"{_identifier(64):016x}")

    def child(self) -> "Trace":
        """A new position in the same trace."""
        return Trace(self.trace_id, f"{_identifier(64):016x}", self.sampled)


def _identifier(bits: int) -> int:
    return random.getrandbits(bits) or 1


_request_id: ContextVar[str | None] = ContextVar("cairn_request_id", default=None)
_trace: ContextVar[Trace | None] = ContextVar("cairn_trace", default=None)
_tracer: "Tracer | None" = None


def enter_request(request_id: str, trace: Trace) -> None:
    """Say which request the current task serves from here on."""
    _request_id.set(request_id)
    _trace.set(trace)


def current_request_id() -> str | None:
    """The id of the request being served, if one is."""
    return _request_id.get()


def current_trace() -> Trace | None:
    """Where in a trace the running code is, if it is in one."""
    return _trace.get()


def correlation_id() -> str:
    """What ties together everything one cause set off: the trace id, 32 hexadecimal digits."""
    trace = _trace.get()
    return trace.trace_id if trace is not None else Trace.begin().trace_id


def inject(headers: MutableMapping[str, str]) -> None:
    """Put the current trace into the headers of an outgoing message."""
    trace = _trace.get()
    if trace is not None:
        headers[TRACEPARENT] = trace.traceparent


def extract(headers: Mapping[str, str] | None) -> Trace | None:
    """The trace an incoming message belongs to, if its headers name one."""
    header = (headers or {}).get(TRACEPARENT)
    return Trace.parse(header) if header is not None else None


def tracing() -> bool:
    """Whether spans are recorded."""
    return _tracer is not None


def span(
    name: str, kind: SpanKindName = "internal", parent: Trace | None = None
) -> AbstractContextManager["Span | None"]:
    """Run a block as a span of the current trace, or of `parent` where one is given.

    With tracing off nothing is recorded and only the parent's trace is carried on.
    """
    if _tracer is not None:
        return _recorded_span(_tracer, name, kind, parent)
    return _NO_SPAN if parent is None else _within(parent)


@contextmanager
def _within(trace: Trace) -> Iterator[None]:
    token = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(token)


@contextmanager
def _recorded_span(
    tracer: "Tracer", name: str, kind: SpanKindName, parent: Trace | None
) -> Iterator["Span"]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415  loaded only where tracing is on

    context = _as_context(parent or _trace.get())
    with tracer.start_as_current_span(name, context, SpanKind[kind.upper()]) as recorded:
        position = recorded.get_span_context()
        trace = Trace(
            f"{position.trace_id:032x}", f"{position.span_id:016x}", position.trace_flags.sampled
        )
        with _within(trace):
            yield recorded


def _as_context(trace: Trace | None) -> "Context | None":
    from opentelemetry import trace as api  # noqa: PLC0415  loaded only where tracing is on

    if trace is None:
        return None
    position = api.SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=True,
        trace_flags=api.TraceFlags(int(trace.sampled)),
    )
    return api.set_span_in_context(api.NonRecordingSpan(position))


def start_tracing(service: str, exporter: "SpanExporter") -> Callable[[], None]:
    """Record spans from now on and hand them to `exporter`; returns what flushes and stops it."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  off unless asked for
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    global _tracer  # noqa: PLW0603  one process has one tracer, as it has one log
    provider = TracerProvider(resource=Resource.create({"service.name": f"cairn-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("cairn")

    def stop() -> None:
        global _tracer  # noqa: PLW0603
        _tracer = None
        provider.shutdown()

    return stop


def otlp_exporter(endpoint: str) -> "SpanExporter":
    """An exporter to the `/v1/traces` resource of an OTLP/HTTP collector."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT_SECONDS
    )
