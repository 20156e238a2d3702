"""Readings on the wire: JSON of one reading, of an array, or of an object that holds an array.

A batch in good form is decoded in one step, straight into structs. Only where that fails is it
looked at row by row, so that one bad row costs nothing but itself. Then NaN and Infinity are
understood too (JSON has no such words, but Python and others write them), to be refused by name.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from services.metrics.domain.readings import Rejection, SubmittedReading

MEDIA_TYPE: Final = "application/json"
MAX_READINGS: Final = 10_000
MAX_QUOTED_CHARACTERS: Final = 2_000
# Python reads whole numbers of 4,300 digits at most.
MAX_DIGITS: Final = 4_000
_LOOKED_AT_BYTES: Final = 64


class MalformedBatchError(ValueError):
    """The bytes are no JSON, or JSON of nothing like readings."""


class TooManyReadingsError(ValueError):
    """The batch has more rows than are taken at once."""

    def __init__(self, found: int) -> None:
        super().__init__(f"A batch has at most {MAX_READINGS} readings; this one has {found}.")


class UnsupportedFormatError(ValueError):
    """The batch is in a format that is not understood here."""

    def __init__(self) -> None:
        super().__init__(f"Readings are sent as {MEDIA_TYPE}.")


class ReadingBody(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One reading as producers send it. A misspelt field is refused rather than ignored."""

    kpi: str
    at: datetime
    value: float
    source: str = ""
    id: str | None = None
    note: str | None = None
    correction: bool = False
    reason: str | None = None


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    readings: list[ReadingBody]


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch: its readings with their indexes, and the rows that are none.

    `unreadable` quotes, by index, what those rows held.
    """

    readings: Sequence[tuple[int, SubmittedReading]]
    malformed: Sequence[Rejection] = ()
    unreadable: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many rows the batch had, good and bad."""
        return len(self.readings) + len(self.malformed)


_ARRAY: Final = msgspec.json.Decoder(list[ReadingBody])
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ONE: Final = msgspec.json.Decoder(ReadingBody)

_Form = Callable[[bytes], Sequence[ReadingBody]]
_ARRAY_FORMS: Final[tuple[_Form, ...]] = (_ARRAY.decode,)
# One reading or an envelope: their field names tell them apart.
_OBJECT_FORMS: Final[tuple[_Form, ...]] = (
    lambda body: [_ONE.decode(body)],
    lambda body: _ENVELOPE.decode(body).readings,
)


def require_supported(content_type: str | None) -> None:
    """Let JSON pass, and what does not say what it is. Raises UnsupportedFormatError."""
    if content_type and content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedFormatError


def decode_batch(body: bytes) -> Batch:
    """The readings in a body. Raises MalformedBatchError, TooManyReadingsError."""
    readings = _decode_quickly(body)
    if readings is None:
        return _decode_row_by_row(_rows(body))
    _require_bounded(readings)
    return Batch(list(enumerate(readings)))


def quote(reading: SubmittedReading) -> str:
    """A reading in words, cut to a bounded length, to be shown with its refusal."""
    return _quote(
        {
            name: getattr(reading, name)
            for name in ReadingBody.__struct_fields__
            if getattr(reading, name) not in (None, "", False)
        }
    )


def quote_bytes(body: bytes) -> str:
    """The beginning of a body, whatever it is, in characters that can be kept."""
    return body[:MAX_QUOTED_CHARACTERS].decode("utf-8", "replace").replace("\0", "\ufffd")


def _decode_quickly(body: bytes) -> Sequence[ReadingBody] | None:
    """All rows at once, or None where anything at all is unusual about them."""
    is_array = body[:_LOOKED_AT_BYTES].lstrip()[:1] == b"["
    for decode in _ARRAY_FORMS if is_array else _OBJECT_FORMS:
        with suppress(msgspec.MsgspecError, RecursionError, ValueError):
            return decode(body)
    return None


def _decode_row_by_row(rows: Sequence[Any]) -> Batch:
    readings: list[tuple[int, SubmittedReading]] = []
    malformed: list[Rejection] = []
    unreadable: dict[int, str] = {}
    for place, row in enumerate(rows):
        try:
            readings.append((place, msgspec.convert(row, ReadingBody)))
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            malformed.append(Rejection(place, "malformed", _describe(error)))
            unreadable[place] = _quote(row)
    return Batch(readings, malformed, unreadable)


def _rows(body: bytes) -> Sequence[Any]:
    try:
        parsed = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        raise MalformedBatchError("The body is not valid JSON.") from None
    if isinstance(parsed, dict):
        parsed = parsed["readings"] if parsed.keys() == {"readings"} else [parsed]
    if not isinstance(parsed, list):
        raise MalformedBatchError(
            "The body is a reading, an array of readings, or an object with such an array in "
            "readings, and nothing else."
        )
    _require_bounded(parsed)
    return parsed


def _integer(digits: str) -> int | float:
    """A whole number, or infinity where Python would refuse to read so many digits."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _require_bounded(rows: Sequence[Any]) -> None:
    if len(rows) > MAX_READINGS:
        raise TooManyReadingsError(len(rows))


def _describe(error: Exception) -> str:
    """What is wrong with a row, in words that do not repeat it."""
    if isinstance(error, UnicodeEncodeError):
        return "A text holds half of a surrogate pair."
    return f"{error}."[:MAX_QUOTED_CHARACTERS]


def _quote(row: object) -> str:
    try:
        return json.dumps(row, default=str)[:MAX_QUOTED_CHARACTERS]
    except RecursionError:
        return ""
