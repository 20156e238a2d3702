"""Pages: opaque cursors, and the parameters that every list takes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import Query

from services.projections.errors import QueryError

K = TypeVar("K")

DEFAULT_PAGE_ITEMS: Final = 50
MAX_PAGE_ITEMS: Final = 200
MAX_CURSOR_CHARACTERS: Final = 1_000


class MalformedCursorError(QueryError):
    """The cursor was not made here."""

    def __init__(self) -> None:
        super().__init__("Send back what an earlier page gave as next, or no cursor to begin.")


Limit = Annotated[
    int, Query(ge=1, le=MAX_PAGE_ITEMS, description="How many items the page holds at most.")
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=MAX_CURSOR_CHARACTERS,
        description="Where to go on: `next` of the page before.",
    ),
]


def encode_cursor(place: object) -> str:
    """The cursor that goes on after a place: the values that the list is ordered by."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii")


def decode_cursor(cursor: str, place: type[K]) -> K:
    """The place that a cursor goes on after. Raises MalformedCursorError."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor.encode("ascii")), type=place)
    except ValueError:
        raise MalformedCursorError from None
