"""Batches are decoded whatever their form, and bad rows are told apart from bad bodies."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics import reading_format
from services.metrics.reading_format import (
    MAX_QUOTED_CHARACTERS,
    MAX_READINGS,
    Batch,
    MalformedBatchError,
    ReadingBody,
    TooManyReadingsError,
    decode_batch,
    quote,
)

GOOD: dict[str, Any] = {
    "kpi": "sales.revenue",
    "at": "2026-03-04T12:00:00Z",
    "value": 5,
    "source": "pos-1",
}
READING = ReadingBody(
    kpi="sales.revenue", at=datetime(2026, 3, 4, 12, tzinfo=UTC), value=5.0, source="pos-1"
)


def decode(document: object) -> Batch:
    return decode_batch(json.dumps(document).encode())


def places(batch: Batch) -> tuple[list[int], list[int]]:
    """The indexes of the good rows and of the bad ones."""
    return [place for place, _ in batch.readings], [row.place for row in batch.malformed]


@pytest.mark.parametrize("document", [GOOD, [GOOD], {"readings": [GOOD]}])
def test_one_reading_an_array_and_an_envelope_are_the_same(document: object) -> None:
    batch = decode(document)
    assert batch.readings == [(0, READING)]
    assert (len(batch), batch.malformed) == (1, ())


@pytest.mark.parametrize("body", [b"[]", b'{"readings":[]}', b" \n\t[ ]"])
def test_a_batch_may_be_empty(body: bytes) -> None:
    assert len(decode_batch(body)) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"{",
        b"[1,",
        b"5",
        b'"text"',
        b"null",
        b'{"readings": 5}',
        b'{"readings": {}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_body_that_holds_no_readings_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBatchError):
        decode_batch(body)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"value": "5"}, "Expected `float`, got `str` - at `$.value`."),
        ({"value": True}, "Expected `float`, got `bool` - at `$.value`."),
        ({"value": None}, "Expected `float`, got `null` - at `$.value`."),
        ({"value": 10**400}, "Number out of range - at `$.value`."),
        ({"at": "\ud800"}, "A text holds half of a surrogate pair."),
        ({"at": "yesterday"}, "Invalid RFC3339 encoded datetime - at `$.at`."),
        ({"at": 1767225600}, "Expected `datetime`, got `int` - at `$.at`."),
        ({"corection": True}, "Object contains unknown field `corection`."),
        ({"readings": []}, "Object contains unknown field `readings`."),
    ],
)
def test_a_malformed_row_is_refused_alone(changes: dict[str, Any], detail: str) -> None:
    batch = decode([GOOD, {**GOOD, **changes}, GOOD])
    assert places(batch) == ([0, 2], [1])
    assert (batch.malformed[0].code, batch.malformed[0].detail) == ("malformed", detail)
    assert json.loads(batch.unreadable[1]) == {**GOOD, **changes}


@pytest.mark.parametrize("field", ["kpi", "at", "value"])
def test_a_row_that_lacks_something_is_refused_alone(field: str) -> None:
    lacking = {name: value for name, value in GOOD.items() if name != field}
    batch = decode([lacking, GOOD])
    assert places(batch) == ([1], [0])
    assert batch.malformed[0].detail == f"Object missing required field `{field}`."


@pytest.mark.parametrize("row", [5, None, "text", [], True])
def test_a_row_that_is_no_object_is_refused_alone(row: object) -> None:
    assert places(decode([row, GOOD])) == ([1], [0])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 5_000])
def test_words_that_json_has_not_are_read_to_be_refused_by_name(word: str) -> None:
    row = json.dumps({**GOOD, "value": 0}).replace('"value": 0', f'"value": {word}')
    batch = decode_batch(f"[{row}]".encode())
    [(_, reading)] = batch.readings
    assert not math.isfinite(reading.value)


def test_a_batch_has_a_bound() -> None:
    assert len(decode([GOOD] * MAX_READINGS)) == MAX_READINGS
    for rows in ([GOOD] * (MAX_READINGS + 1), [5] * (MAX_READINGS + 1)):
        with pytest.raises(TooManyReadingsError, match="at most 10000"):
            decode(rows)


def test_a_quotation_says_what_was_sent_and_no_more() -> None:
    assert json.loads(quote(READING)) == {**GOOD, "at": "2026-03-04 12:00:00+00:00"}


def test_what_is_too_deep_to_be_quoted_is_not() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert reading_format._quote(deep) == ""


def test_a_quotation_has_a_bound() -> None:
    row = {**GOOD, "note": "x" * 10_000, "value": "5"}
    assert len(decode([row]).unreadable[0]) == MAX_QUOTED_CHARACTERS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["readings", *ReadingBody.__struct_fields__]), inner)
    ),
    max_leaves=8,
)


@given(json_values | st.lists(json_values))
def test_any_json_is_a_batch_or_malformed(document: object) -> None:
    try:
        batch = decode(document)
    except MalformedBatchError:
        return
    good, bad = places(batch)
    assert sorted(good + bad) == list(range(len(batch)))
    assert sorted(batch.unreadable) == bad


@given(st.binary())
def test_any_bytes_are_a_batch_or_malformed(body: bytes) -> None:
    try:
        decode_batch(body)
    except MalformedBatchError:
        return
