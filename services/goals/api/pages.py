"""Pages: opaque cursors, and the parameters that every list takes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from contracts.positions import MAX_POSITION
from services.chassis.responses import OrjsonResponse

T = TypeVar("T")

DEFAULT_PAGE_ITEMS: Final = 50
MAX_PAGE_ITEMS: Final = 200
_PLACE_BYTES: Final = 8
_FORM: Final = b"\x01"  # of cursors, so that another form can tell its own from these


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
    return urlsafe_b64encode(_FORM + place.to_bytes(_PLACE_BYTES)).decode("ascii")


def decode_cursor(cursor: str | None) -> int:
    """The place that a cursor goes on after, 0 without one. Raises MalformedCursorError."""
    if cursor is None:
        return 0
    try:
        decoded = urlsafe_b64decode(cursor.encode("ascii"))
    except ValueError:
        raise MalformedCursorError from None
    place = int.from_bytes(decoded[1:])
    if len(decoded) != 1 + _PLACE_BYTES or decoded[:1] != _FORM or place > MAX_POSITION:
        raise MalformedCursorError
    return place


def page_response(
    found: Sequence[T],
    limit: int,
    *,
    render: Callable[[T], dict[str, Any]],
    place: Callable[[T], int],
) -> OrjsonResponse:
    """The first `limit` of what was found (one more than that tells that there is a next page)."""
    shown = found[:limit]
    goes_on = len(found) > limit
    return OrjsonResponse(
        {
            "items": [render(each) for each in shown],
            "next": encode_cursor(place(shown[-1])) if goes_on else None,
        }
    )
