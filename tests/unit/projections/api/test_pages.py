"""Cursors lead back to the place they were made for."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.api.pages import MalformedCursorError, decode_cursor, encode_cursor


@given(st.dates(), st.uuids())
def test_a_cursor_leads_back(day: date, cycle: UUID) -> None:
    assert decode_cursor(encode_cursor((day, cycle)), tuple[date, UUID]) == (day, cycle)


@pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U=", "WzEsMl0=", "é", "//8="])
def test_what_was_not_made_here_is_refused(cursor: str) -> None:
    with pytest.raises(MalformedCursorError):
        decode_cursor(cursor, tuple[date, UUID])
