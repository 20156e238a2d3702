import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevents import CloudEvent, MalformedEventError, event_id
from contracts.positions import MAX_POSITION

AGGREGATE = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVENT = CloudEvent(
    id=event_id(AGGREGATE, 7),
    type="cairn.goals.objective.drafted.v1",
    source="/cairn/goals",
    subject=str(AGGREGATE),
    time=datetime(2026, 1, 5, 9, 30, 0, 125, tzinfo=UTC),
    position=12,
    previous_position=9,
    aggregate_version=7,
    data=b"{}",
    traceparent=TRACEPARENT,
)
HEADERS = EVENT.headers()
OPTIONAL = {"traceparent", "content-type", "ce-datacontenttype"}

texts = st.text(min_size=1)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Inside the calendar's ends, where a time can still be told in UTC.
MIDDLE, CENTURIES = EVENT.time.replace(tzinfo=None), timedelta(days=700_000)
times = st.datetimes(MIDDLE - CENTURIES, MIDDLE + CENTURIES, timezones=zones)


@st.composite
def events(draw: st.DrawFn) -> CloudEvent:
    previous = draw(st.integers(0, MAX_POSITION - 1))
    return CloudEvent(
        id=draw(st.uuids()),
        type=draw(texts),
        source=draw(texts),
        subject=draw(texts),
        time=draw(times),
        position=draw(st.integers(previous + 1, MAX_POSITION)),
        previous_position=previous,
        aggregate_version=draw(st.integers(0, MAX_POSITION)),
        data=draw(st.binary()),
        traceparent=draw(st.none() | st.just(TRACEPARENT)),
    )


def on_the_wire(headers: dict[str, str]) -> bytes:
    """A NATS header block, by the letter of the protocol: nothing is cleaned on the way."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def off_the_wire(block: bytes) -> dict[str, str]:
    _, *lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
    return dict(line.decode().split(": ", 1) for line in lines)


def test_the_headers_are_those_of_the_binding() -> None:
    assert {
        "ce-specversion": "1.0",
        "ce-id": str(event_id(AGGREGATE, 7)),
        "ce-type": "cairn.goals.objective.drafted.v1",
        "ce-source": "/cairn/goals",
        "ce-subject": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
        "ce-time": "2026-01-05T09:30:00.000125+00:00",
        "ce-datacontenttype": "application/json",
        "ce-position": "12",
        "ce-previousposition": "9",
        "ce-aggregateversion": "7",
        "content-type": "application/json",
        "traceparent": TRACEPARENT,
    } == HEADERS


@given(events())
def test_an_event_comes_off_the_wire_as_it_went_on(event: CloudEvent) -> None:
    headers = off_the_wire(on_the_wire(event.headers()))
    assert CloudEvent.from_message(headers, event.data) == event


@given(events())
def test_no_value_can_end_its_header_line_or_begin_another(event: CloudEvent) -> None:
    headers = event.headers()
    assert all(re.fullmatch("[!-~]+", value) for value in headers.values())
    assert len(on_the_wire(headers).split(b"\r\n")) == len(headers) + 3


@pytest.mark.parametrize("field", ["type", "source", "subject"])
def test_an_injected_header_stays_inside_the_value(field: str) -> None:
    nasty: dict[str, Any] = {field: "x\r\nce-position: 99\r\n\r\nbody"}
    event = CloudEvent(**{name: getattr(EVENT, name) for name in EVENT.__slots__} | nasty)
    headers = off_the_wire(on_the_wire(event.headers()))
    assert headers["ce-position"] == "12"
    assert headers[f"ce-{field}"] == "x%0D%0Ace-position:%2099%0D%0A%0D%0Abody"


def test_the_binding_s_own_example_of_percent_encoding() -> None:
    told = {**HEADERS, "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80"}
    event = CloudEvent.from_message(told, b"")
    assert event.subject == "Euro \u20ac \U0001f600"
    assert event.headers()["ce-subject"] == told["ce-subject"]


@pytest.mark.parametrize("traceparent", ["", "00-xyz", f"{TRACEPARENT}\r\nce-type: other"])
def test_a_broken_trace_is_dropped_and_the_event_goes_on(traceparent: str) -> None:
    event = CloudEvent.from_message({**HEADERS, "traceparent": traceparent}, b"{}")
    assert event.traceparent is None
    assert "traceparent" not in event.headers()


@given(st.uuids(), st.integers(1, 10_000))
def test_an_event_has_one_id_and_no_other_event_has_it(aggregate: UUID, version: int) -> None:
    assert event_id(aggregate, version) == event_id(aggregate, version)
    assert event_id(aggregate, version) != event_id(aggregate, version + 1)


def test_ids_stay_the_same_for_ever() -> None:
    assert event_id(AGGREGATE, 7) == UUID("aea97272-cf0d-50bf-a42e-f6237071c2b9")


@pytest.mark.parametrize("headers", [None, {}])
def test_a_message_without_headers_is_refused(headers: dict[str, str] | None) -> None:
    with pytest.raises(MalformedEventError, match="the header 'ce-id' is missing"):
        CloudEvent.from_message(headers, b"{}")


@pytest.mark.parametrize("name", sorted(HEADERS.keys() - OPTIONAL))
def test_a_missing_header_is_named(name: str) -> None:
    headers = {other: value for other, value in HEADERS.items() if other != name}
    with pytest.raises(MalformedEventError, match=f"'{name}' is missing"):
        CloudEvent.from_message(headers, b"{}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce-specversion", "0.3"),
        ("ce-id", "7"),
        ("ce-type", ""),
        ("ce-subject", "%C0%A0"),
        ("ce-time", "yesterday"),
        ("ce-time", "2026-01-05T09:30:00"),
        ("ce-position", "9"),
        ("ce-position", "8"),
        *(
            (name, value)
            for name in ("ce-position", "ce-previousposition", "ce-aggregateversion")
            for value in ("", "-1", "+1", " 1", "1_0", "1.0", "\u0663", str(MAX_POSITION + 1))
        ),
    ],
)
def test_a_malformed_header_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedEventError):
        CloudEvent.from_message({**HEADERS, name: value}, b"{}")


@given(
    st.dictionaries(
        st.sampled_from(sorted(HEADERS)), st.text() | st.sampled_from([*HEADERS.values()])
    )
)
def test_any_headers_are_an_event_or_refused(some: dict[str, str]) -> None:
    for headers in (some, {**HEADERS, **some}):
        try:
            event = CloudEvent.from_message(headers, b"{}")
        except MalformedEventError:
            continue
        assert event.previous_position < event.position <= MAX_POSITION
        assert event.time.utcoffset() is not None
