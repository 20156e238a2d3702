"""Pages: opaque cursors, and the parameters that every list takes."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Query

from services.chassis.responses import OrjsonResponse

T = TypeVar("T")
P = TypeVar("P", bound=tuple[Any, ...])

DEFAULT_PAGE_ITEMS: Final = 50
MAX_PAGE_ITEMS: Final = 1_000
MAX_CURSOR_CHARACTERS: Final = 1_000


class MalformedCursorError(Exception):
    """The cursor was not made here, or not for this list."""

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


def encode_cursor(place: tuple[Any, ...]) -> str:
    """The cursor that goes on behind a place in a list."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii").rstrip("=")


def decode_cursor(cursor: str | None, form: type[P], first: P) -> P:
    """The place that a cursor goes on behind, `first` without one. Raises MalformedCursorError."""
    if cursor is None:
        return first
    try:
        padding = "=" * (-len(cursor) % 4)
        encoded = b64decode(cursor + padding, altchars=b"-_", validate=True)
        place: P = msgspec.json.decode(encoded, type=form)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise MalformedCursorError from None
    return place


def page_response(
    found: Sequence[T],
    limit: int,
    *,
    render: Callable[[T], dict[str, Any]],
    place: Callable[[T], tuple[Any, ...]],
) -> OrjsonResponse:
    """The first `limit` of what was found (one more than that tells that there is a next page)."""
    shown = found[:limit]
    return OrjsonResponse(
        {
            "items": [render(each) for each in shown],
            "next": encode_cursor(place(shown[-1])) if len(found) > limit else None,
        }
    )
