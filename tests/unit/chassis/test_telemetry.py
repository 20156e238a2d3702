import asyncio

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from services.chassis import telemetry
from services.chassis.telemetry import (
    Trace,
    correlation_id,
    current_trace,
    enter_request,
    extract,
    inject,
    span,
    start_tracing,
)
from tests.unit.chassis.conftest import AppFactory, calling
from tests.unit.chassis.test_requests import TRACE, echo


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (TRACE, True),
        (TRACE[:-2] + "00", False),
        (TRACE[:-2] + "03", True),
        ("cc" + TRACE[2:] + "-what-the-future-will-be", True),
    ],
)
def test_a_traceparent_is_read(header: str, sampled: bool) -> None:
    assert Trace.parse(header) == Trace(
        "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        TRACE.upper(),
        "ff" + TRACE[2:],
        TRACE + "-more",
        TRACE + "\n",
        "00-" + "0" * 32 + TRACE[35:],
        TRACE[:36] + "0" * 16 + "-01",
    ],
)
def test_a_malformed_traceparent_is_none(header: str) -> None:
    assert Trace.parse(header) is None


def test_a_new_trace_reads_back_and_is_its_own() -> None:
    first, second = Trace.begin(), Trace.begin()
    assert Trace.parse(first.traceparent) == first
    assert first.trace_id != second.trace_id
    assert first.child().trace_id == first.trace_id
    assert first.child().span_id != first.span_id


async def test_a_message_carries_the_trace_it_was_sent_in() -> None:
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}
    trace = Trace.begin()
    enter_request("r", trace)
    inject(headers)
    assert extract(headers) == trace
    assert correlation_id() == trace.trace_id


async def test_what_one_task_serves_is_not_what_another_serves() -> None:
    async def serve(trace: Trace) -> bool:
        enter_request("r", trace)
        await asyncio.sleep(0)
        return current_trace() is trace

    assert all(await asyncio.gather(*(serve(Trace.begin()) for _ in range(10))))
    assert current_trace() is None


def test_without_a_trace_each_cause_is_its_own() -> None:
    assert extract(None) is None
    assert extract({}) is None
    assert len(correlation_id()) == 32
    assert correlation_id() != correlation_id()


def test_with_tracing_off_a_span_only_carries_its_parent_on() -> None:
    parent = Trace.begin()
    with span("work", "consumer", parent) as recorded:
        assert recorded is None
        assert current_trace() is parent
    assert current_trace() is None
    assert span("work") is span("other work")


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    monkeypatch.setattr(telemetry, "_tracer", None)
    return InMemorySpanExporter()


def test_spans_are_exported_and_nested(exported: InMemorySpanExporter) -> None:
    remote = Trace.begin()
    stop = start_tracing("stones", exported)
    with span("outer", "consumer", remote), span("inner"):
        trace = current_trace()
    stop()
    inner, outer = exported.get_finished_spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert outer.kind is SpanKind.CONSUMER
    assert outer.resource.attributes["service.name"] == "cairn-stones"
    assert f"{outer.context.trace_id:032x}" == remote.trace_id
    assert f"{outer.parent.span_id:016x}" == remote.span_id
    assert inner.parent.span_id == outer.context.span_id
    assert trace is not None
    assert trace.span_id == f"{inner.context.span_id:016x}"
    assert not telemetry.tracing()


async def test_each_request_is_a_server_span_named_by_its_route(
    make_app: AppFactory, exported: InMemorySpanExporter
) -> None:
    stop = start_tracing("stones", exported)
    async with calling(make_app(echo())) as client:
        answer = await client.get("/v1/me/a", headers={"traceparent": TRACE})
    stop()
    (served,) = exported.get_finished_spans()
    assert served.name == "GET /v1/me/{name}"
    assert served.kind is SpanKind.SERVER
    assert served.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/me/{name}",
        "http.response.status_code": 200,
    }
    assert f"{served.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert answer.json()["traceparent"] == (
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{served.context.span_id:016x}-01"
    )
