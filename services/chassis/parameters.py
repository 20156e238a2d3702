"""The parameters that mean the same in every service, read straight from the request."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from starlette.types import Scope

from services.chassis.bodies import RFC3339_FORM

T = TypeVar("T")

_ETAG_FORM = re.compile(r'"(0|[1-9][0-9]{0,17})"')
_ANY_ETAG_FORM = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_INVALID_AS_OF = {
    "type": "datetime_form",
    "loc": ("query", "as_of"),
    "msg": "Input should be an RFC 3339 date and time with a zone (a plus sign is sent as %2B)",
}


class MissingIfMatchError(Exception):
    """A change has to say which version of the resource it was made for."""

    def __init__(self) -> None:
        super().__init__('Send If-Match with the ETag you read, for example If-Match: "7".')


class InvalidHeaderError(Exception):
    """A header does not have the form it must have."""


class UnmatchableVersionError(Exception):
    """The ETag in If-Match is well formed, but no version of ours ever had it."""

    def __init__(self) -> None:
        super().__init__("The ETag in If-Match is not of any version of this resource.")


class AsOfInFutureError(Exception):
    """Nobody knows yet what will have been true then."""

    def __init__(self) -> None:
        super().__init__("as_of names a moment that has not come yet.")


def etag(version: int) -> str:
    """The ETag of a version of an aggregate."""
    return f'"{version}"'


def parse_if_match(value: str | None) -> int:
    """The version in an If-Match header.

    Raises MissingIfMatchError; InvalidHeaderError; and UnmatchableVersionError for an entity
    tag (RFC 9110, 8.8.3) that is none of ours.
    """
    if value is None:
        raise MissingIfMatchError
    ours = _ETAG_FORM.fullmatch(value)
    if ours is not None:
        return int(ours[1])
    if _ANY_ETAG_FORM.fullmatch(value):
        raise UnmatchableVersionError
    raise InvalidHeaderError('If-Match takes exactly one entity tag, for example "7".')


def parse_idempotency_key(value: str | None) -> str | None:
    """The key in an Idempotency-Key header: 1 to 200 visible ASCII characters, or none."""
    if value is not None and not _IDEMPOTENCY_KEY_FORM.fullmatch(value):
        raise InvalidHeaderError("Idempotency-Key takes 1 to 200 visible ASCII characters.")
    return value


def parse_as_of(value: str | None, now: datetime) -> datetime | None:
    """The moment an `as_of` parameter names, in UTC.

    Raises RequestValidationError where it is not RFC 3339, AsOfInFutureError where `now` is before.
    """
    if value is None:
        return None
    moment = _rfc3339(value)
    if moment is None:
        raise RequestValidationError([_INVALID_AS_OF])
    if moment > now:
        raise AsOfInFutureError
    return moment


def _rfc3339(value: str) -> datetime | None:
    if not RFC3339_FORM.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class RawParameter(Generic[T]):
    """A dependency that reads one header or query parameter straight from the request.

    FastAPI's own way costs 25 microseconds for each, and a write has three. `openapi.py` puts
    what is read like this into the document.
    """

    place: Literal["header", "query"]
    name: str
    description: str
    schema: Mapping[str, Any]
    parse: Callable[[str | None], T]
    required: bool = False

    async def __call__(self, request: Request) -> T:
        """What the parameter says; raises what `parse` raises. Repeated, its values are a list."""
        read = _header_values if self.place == "header" else _query_values
        values = read(request.scope, self.name)
        return self.parse(", ".join(values) if values else None)

    def document(self) -> dict[str, Any]:
        """The parameter as OpenAPI describes one."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.description,
            "schema": dict(self.schema),
        }


def _header_values(scope: Scope, name: str) -> list[str]:
    wanted = name.lower().encode("ascii")
    return [value.decode("latin-1") for key, value in scope["headers"] if key == wanted]


def _query_values(scope: Scope, name: str) -> list[str]:
    query = scope["query_string"].decode("latin-1")
    return [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]


IF_MATCH = RawParameter(
    place="header",
    name="If-Match",
    description="The ETag of the version the change is made for.",
    schema={"type": "string", "pattern": f"^{_ETAG_FORM.pattern}$"},
    parse=parse_if_match,
    required=True,
)
IDEMPOTENCY_KEY = RawParameter(
    place="header",
    name="Idempotency-Key",
    description="Sent again with the same body, the first answer is given again.",
    schema={"type": "string", "pattern": "^[!-~]{1,200}$"},
    parse=parse_idempotency_key,
)


AS_OF = RawParameter(
    place="query",
    name="as_of",
    description="Answer as it was known at this moment (RFC 3339), which must have come already.",
    schema={"type": "string", "format": "date-time"},
    parse=lambda value: parse_as_of(value, datetime.now(UTC)),
)

IfMatch = Annotated[int, Depends(IF_MATCH)]
IdempotencyKey = Annotated[str | None, Depends(IDEMPOTENCY_KEY)]
AsOf = Annotated[datetime | None, Depends(AS_OF)]
