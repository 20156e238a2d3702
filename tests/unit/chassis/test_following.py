"""What a follower makes of a batch: only what is new, only without a gap."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from contracts.cloudevents import CloudEvent
from services.chassis.following import GapError, RewrittenLogError, _deliver, contiguous
from services.chassis.telemetry import Trace, current_trace, start_tracing

POSITIONS = [2, 3, 7, 8, 12]


def message(position: int, previous: int) -> Any:
    event = CloudEvent(
        id=uuid4(),
        type="cairn.goals.test.happened.v1",
        source="/cairn/goals",
        subject="s",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        position=position,
        previous_position=previous,
        aggregate_version=1,
        data=b"{}",
    )
    return SimpleNamespace(headers=event.headers(), data=event.data, subject="goals.x")


LOG = [message(p, previous) for p, previous in zip(POSITIONS, [0, *POSITIONS], strict=False)]


def applied(messages: list[Any], position: int) -> list[int]:
    return [event.position for event in contiguous(messages, position)]


def test_a_batch_after_the_checkpoint_is_all_new() -> None:
    assert applied(LOG, 0) == POSITIONS


def test_what_was_applied_before_is_passed_over() -> None:
    assert applied(LOG, 7) == [8, 12]


def test_a_missing_event_is_a_gap() -> None:
    with pytest.raises(GapError, match="8 came after 3"):
        contiguous([LOG[3]], 3)


def test_a_chain_that_contradicts_the_checkpoint_is_another_log() -> None:
    with pytest.raises(RewrittenLogError, match="follows 7, but 9 was applied"):
        contiguous([message(10, 7)], 9)


def test_what_is_not_an_event_is_passed_over() -> None:
    garbage = SimpleNamespace(headers={"ce-id": "?"}, data=b"", subject="goals.x")
    assert applied([LOG[0], garbage, LOG[1]], 0) == [2, 3]


async def test_a_batch_continues_the_trace_of_the_command_behind_it() -> None:
    exporter = InMemorySpanExporter()
    stop = start_tracing("test", exporter)
    trace = Trace.begin()
    acknowledged: list[bool] = []

    async def ack() -> None:
        acknowledged.append(True)

    async def apply(events: Sequence[CloudEvent]) -> None:
        assert current_trace() is not None

    traced = message(2, 0)
    traced.headers["traceparent"] = trace.traceparent
    traced.ack = ack
    assert await _deliver([traced], 0, apply) == 2
    stop()
    (recorded,) = exporter.get_finished_spans()
    assert f"{recorded.context.trace_id:032x}" == trace.trace_id
    assert recorded.kind is SpanKind.CONSUMER
    assert acknowledged == [True]


@given(st.lists(st.sampled_from(LOG), max_size=30))
def test_whatever_is_redelivered_or_reordered_only_the_next_event_is_ever_applied(
    messages: list[Any],
) -> None:
    position, seen = 0, []
    for one in messages:
        try:
            events = contiguous([one], position)
        except GapError:
            continue
        seen += [event.position for event in events]
        position = seen[-1] if seen else 0
    assert seen == POSITIONS[: len(seen)]
