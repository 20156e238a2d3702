"""Cursors lead on from where a page ended, and only our own are taken."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.positions import MAX_POSITION
from services.goals.api.pages import (
    MalformedCursorError,
    decode_cursor,
    decode_time_cursor,
    encode_cursor,
    encode_time_cursor,
    page_response,
)


@given(st.integers(0, MAX_POSITION))
def test_a_cursor_leads_to_where_it_was_made(place: int) -> None:
    assert decode_cursor(encode_cursor(place)) == place


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_leads_to_the_moment_and_id_that_it_was_made_of(
    moment: datetime, id_: UUID
) -> None:
    assert decode_time_cursor(encode_time_cursor((moment, id_))) == (moment, id_)


def test_without_a_cursor_a_list_begins_at_its_beginning() -> None:
    assert decode_cursor(None) == 0
    assert decode_time_cursor(None) is None


@given(st.text(max_size=30))
def test_whatever_else_is_sent_is_refused_or_a_place(text: str) -> None:
    with suppress(MalformedCursorError):
        assert 0 <= decode_cursor(text) <= MAX_POSITION


@given(st.binary(max_size=40))
def test_whatever_bytes_a_cursor_holds_it_is_refused_or_a_moment(held: bytes) -> None:
    with suppress(MalformedCursorError):
        decode_time_cursor(urlsafe_b64encode(held).decode("ascii"))


def test_a_moment_beyond_the_calendar_is_refused() -> None:
    beyond = b"\x02" + (2**62).to_bytes(8) + bytes(16)
    with pytest.raises(MalformedCursorError):
        decode_time_cursor(urlsafe_b64encode(beyond).decode("ascii"))


def test_a_cursor_of_one_kind_of_list_is_refused_by_the_other() -> None:
    with pytest.raises(MalformedCursorError):
        decode_cursor(encode_time_cursor((datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1))))
    with pytest.raises(MalformedCursorError):
        decode_time_cursor(encode_cursor(7))


@pytest.mark.parametrize(
    "cursor", ["", "7", "é", "AAAAAAAAAAAA", "Af_________8=", "AQ==", "AQAAAAAAAAAAAA=="]
)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(MalformedCursorError):
        decode_cursor(cursor)
    with pytest.raises(MalformedCursorError):
        decode_time_cursor(cursor)


@pytest.mark.parametrize(
    ("found", "items", "next_place"),
    [([], [], None), ([1, 2], [1, 2], None), ([1, 2, 3], [1, 2], 20)],
)
def test_a_page_names_the_next_one_only_where_there_is_more(
    found: list[int], items: list[int], next_place: int | None
) -> None:
    response = page_response(
        found, 2, render=lambda each: {"n": each}, cursor=lambda each: encode_cursor(each * 10)
    )
    page = json.loads(bytes(response.body))
    assert page["items"] == [{"n": each} for each in items]
    assert page["next"] == (encode_cursor(next_place) if next_place else None)
