"""Cursors are opaque, go on where they say, and are nothing but what was given out."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.api.pages import (
    MAX_CURSOR_CHARACTERS,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
)


class Place(NamedTuple):
    name: str
    at: datetime
    number: int


FIRST = Place("", datetime(1, 1, 1, tzinfo=UTC), 0)
places = st.builds(
    Place,
    st.text(max_size=50),
    st.datetimes(timezones=st.just(UTC)),
    st.integers(-(2**63), 2**63 - 1),
)


@given(places)
def test_a_cursor_goes_on_behind_the_place_it_was_made_for(place: Place) -> None:
    cursor = encode_cursor(place)
    assert len(cursor) <= MAX_CURSOR_CHARACTERS
    assert decode_cursor(cursor, Place, FIRST) == place


def test_without_a_cursor_a_list_begins() -> None:
    assert decode_cursor(None, Place, FIRST) is FIRST


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "W10", "WzVd", "ä", "bnVsbA", "W1tbW1s"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(MalformedCursorError):
        decode_cursor(cursor, Place, FIRST)


@given(st.text(max_size=100))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        assert isinstance(decode_cursor(text, Place, FIRST), Place)
    except MalformedCursorError:
        return
