"""Pages: opaque cursors, and the parameters that every list takes."""

import struct
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Query

from contracts.positions import MAX_POSITION
from services.chassis.responses import OrjsonResponse

T = TypeVar("T")

DEFAULT_PAGE_ITEMS: Final = 50
MAX_PAGE_ITEMS: Final = 200
_PLACE_BYTES: Final = 8
# The forms of cursors: a place in the log or in a history, and a moment with an id beside it.
_BY_PLACE: Final = b"\x01"
_BY_TIME: Final = struct.Struct(">cq16s")
_BY_TIME_FORM: Final = b"\x02"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class MalformedCursorError(Exception):
    """The cursor was not made here."""

    def __init__(self) -> None:
        super().__init__("Send back what an earlier page gave as next, or no cursor to begin.")


Limit = Annotated[
    int, Query(ge=1, le=MAX_PAGE_ITEMS, description="How many items the page holds at most.")
]
Cursor = Annotated[
    str | None, Query(max_length=100, description="Where to go on: `next` of the page before.")
]


def encode_cursor(place: int) -> str:
    """The cursor that goes on after a place in a list."""
    return urlsafe_b64encode(_BY_PLACE + place.to_bytes(_PLACE_BYTES)).decode("ascii")


def decode_cursor(cursor: str | None) -> int:
    """The place that a cursor goes on after, 0 without one. Raises MalformedCursorError."""
    if cursor is None:
        return 0
    decoded = _decoded(cursor)
    place = int.from_bytes(decoded[1:])
    if len(decoded) != 1 + _PLACE_BYTES or decoded[:1] != _BY_PLACE or place > MAX_POSITION:
        raise MalformedCursorError
    return place


def encode_time_cursor(place: tuple[datetime, UUID]) -> str:
    """The cursor that goes on after a moment and an id, in a list in that order."""
    moment, identifier = place
    microseconds = (moment - _EPOCH) // _MICROSECOND
    packed = _BY_TIME.pack(_BY_TIME_FORM, microseconds, identifier.bytes)
    return urlsafe_b64encode(packed).decode("ascii")


def decode_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """What such a cursor goes on after, None without one. Raises MalformedCursorError."""
    if cursor is None:
        return None
    decoded = _decoded(cursor)
    if len(decoded) != _BY_TIME.size or decoded[:1] != _BY_TIME_FORM:
        raise MalformedCursorError
    _, microseconds, identifier = _BY_TIME.unpack(decoded)
    try:
        return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=identifier)
    except OverflowError:
        raise MalformedCursorError from None


def _decoded(cursor: str) -> bytes:
    try:
        return b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise MalformedCursorError from None


def page_response(
    found: Sequence[T],
    limit: int,
    *,
    render: Callable[[T], dict[str, Any]],
    cursor: Callable[[T], str],
) -> OrjsonResponse:
    """The first `limit` of what was found (one more than that tells that there is a next page)."""
    shown = found[:limit]
    goes_on = len(found) > limit
    return OrjsonResponse(
        {
            "items": [render(each) for each in shown],
            "next": cursor(shown[-1]) if goes_on else None,
        }
    )
