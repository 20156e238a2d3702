"""Arrays and COPY rows in PostgreSQL's binary formats, built a whole batch at a time.

The driver turns values over one by one, which for a batch costs as much as decoding its JSON.
Formats: `array_send` in the server's source for arrays, "Binary Format" in the documentation of
COPY for rows. Timestamps are microseconds since 2000-01-01T00:00Z.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from services.metrics.domain.periods import Instant

_POSTGRES_EPOCH: Final[Instant] = 946_684_800_000_000

_INT4_OID: Final = 23
_INT4_ARRAY_OID: Final = 1007
_TIMESTAMPTZ_OID: Final = 1184
_TIMESTAMPTZ_ARRAY_OID: Final = 1185

_NO_ELEMENTS: Final = struct.Struct(">iiI")
_ONE_DIMENSION: Final = struct.Struct(">iiIii")
_INT4: Final = struct.Struct(">ii")
_INT8: Final = struct.Struct(">iq")

COPY_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END: Final = b"\xff\xff"
NULL: Final = struct.pack(">i", -1)


@dataclass(frozen=True, slots=True)
class Int4Array:
    """A parameter of type `integer[]`."""

    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class TimestampArray:
    """A parameter of type `timestamptz[]`."""

    instants: Sequence[Instant]


class _Int4ArrayDumper(Dumper):
    format = Format.BINARY
    oid = _INT4_ARRAY_OID

    def dump(self, obj: Int4Array) -> bytes:
        return _array(_INT4_OID, _INT4.pack, 4, obj.numbers)


class _TimestampArrayDumper(Dumper):
    format = Format.BINARY
    oid = _TIMESTAMPTZ_ARRAY_OID

    def dump(self, obj: TimestampArray) -> bytes:
        instants = [to_postgres(instant) for instant in obj.instants]
        return _array(_TIMESTAMPTZ_OID, _INT8.pack, 8, instants)


psycopg.adapters.register_dumper(Int4Array, _Int4ArrayDumper)
psycopg.adapters.register_dumper(TimestampArray, _TimestampArrayDumper)


def to_postgres(instant: Instant) -> int:
    """An instant as `timestamptz` counts."""
    return instant - _POSTGRES_EPOCH


def copy_text(text: str | None) -> bytes:
    """A field of type `text` in a COPY row."""
    if text is None:
        return NULL
    encoded = text.encode()
    return struct.pack(">i", len(encoded)) + encoded


def copy_document(rows: Iterable[bytes]) -> bytes:
    """What COPY takes: each row begins with its number of fields, each field with its length."""
    return b"".join((COPY_BEGIN, *rows, COPY_END))


def _array(
    element_oid: int,
    pack: Callable[[int, int], bytes],
    width_bytes: int,
    numbers: Sequence[int],
) -> bytes:
    if not numbers:
        return _NO_ELEMENTS.pack(0, 0, element_oid)
    head = _ONE_DIMENSION.pack(1, 0, element_oid, len(numbers), 1)
    return head + b"".join(map(pack, repeat(width_bytes), numbers))
