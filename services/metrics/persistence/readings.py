"""Table `readings`, and the marks in `touched_periods` that a batch leaves beside its rows.

Rows are appended by COPY, which proved twice as fast as INSERT ... ON CONFLICT from arrays. What
is recorded already meets in the primary key: a UniqueViolation ends the transaction, and the
batch starts over with a look at what is known of its identities. So it is with two processes that
append the same identity at once. Rows go in in the order of their identities, everywhere, so that
two batches never wait for each other in a circle.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Final, NamedTuple

from services.chassis.postgres import Connection
from services.metrics.domain.readings import Identity, SubmittedReading, TouchedPeriod
from services.metrics.domain.revisions import Revision
from services.metrics.persistence.binary import (
    NULL,
    Int4Array,
    TimestampArray,
    copy_document,
    copy_text,
    to_postgres,
)

# One field count, then each field behind its length in bytes: at, value, kpi_no, source_no,
# revision, actor_no; the three texts follow.
_ROW: Final = struct.Struct(">hiqidiiiiiiii")
_ROW_FIELDS: Final = 9
_NO_TEXTS: Final = NULL * 3
_ORDER: Final = itemgetter(0, 1)

_FIND = """
SELECT asked.place, r.revision, r.value, r.reason
FROM unnest(%(kpis)s::integer[], %(ats)s::timestamptz[], %(sources)s::integer[])
    WITH ORDINALITY AS asked (kpi_no, at, source_no, place)
JOIN metrics.readings AS r USING (kpi_no, at, source_no)
"""
_COPY = """
COPY metrics.readings (at, value, kpi_no, source_no, revision, actor_no, id, note, reason)
FROM STDIN (FORMAT BINARY)
"""
_MARK = """
INSERT INTO metrics.touched_periods (kpi_no, definition, period_start, period_end)
SELECT * FROM unnest(
    %(kpis)s::integer[], %(definitions)s::integer[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[]
)
"""


NewRow = tuple[Identity, int, str, SubmittedReading]
"""A revision to append: its identity and number, who recorded it, and the reading."""


class NameNumbers(NamedTuple):
    """The numbers of the sources and actors that a group of rows names."""

    sources: Mapping[str, int]
    actors: Mapping[str, int]


async def find_revisions(
    connection: Connection, identities: Sequence[Identity], numbers: NameNumbers
) -> dict[Identity, list[Revision]]:
    """What is recorded for these identities; those without any reading are left out."""
    if not identities:
        return {}
    kpis, ats, sources = zip(*identities, strict=True)
    cursor = await connection.execute(
        _FIND,
        {
            "kpis": Int4Array(kpis),
            "ats": TimestampArray(ats),
            "sources": Int4Array([numbers.sources[source] for source in sources]),
        },
        prepare=True,
    )
    found: defaultdict[Identity, list[Revision]] = defaultdict(list)
    for place, revision, value, reason in await cursor.fetchall():
        found[identities[place - 1]].append(Revision(revision, value, reason))
    return dict(found)


async def append(connection: Connection, rows: Iterable[NewRow], numbers: NameNumbers) -> None:
    """Append revisions. Raises psycopg's UniqueViolation if one of them exists by now."""
    document = copy_document(_copy_rows(sorted(rows, key=_ORDER), numbers))
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(document)


async def mark(connection: Connection, periods: Sequence[TouchedPeriod]) -> None:
    """Leave word that these periods got readings."""
    kpis, definitions, starts, ends = zip(*periods, strict=True)
    await connection.execute(
        _MARK,
        {
            "kpis": Int4Array(kpis),
            "definitions": Int4Array(definitions),
            "starts": TimestampArray(starts),
            "ends": TimestampArray(ends),
        },
        prepare=True,
    )


def _copy_rows(rows: Sequence[NewRow], numbers: NameNumbers) -> list[bytes]:
    """Rows as COPY takes them; built column by column, which takes half as long as row by row."""
    identities, revisions, actors, readings = zip(*rows, strict=True)
    kpis, ats, sources = zip(*identities, strict=True)
    heads = map(
        _ROW.pack,
        repeat(_ROW_FIELDS),
        repeat(8), map(to_postgres, ats),
        repeat(8), [reading.value for reading in readings],
        repeat(4), kpis,
        repeat(4), map(numbers.sources.__getitem__, sources),
        repeat(4), revisions,
        repeat(4), map(numbers.actors.__getitem__, actors),
    )  # fmt: skip
    return [head + _texts(reading) for head, reading in zip(heads, readings, strict=True)]


def _texts(reading: SubmittedReading) -> bytes:
    if reading.id is None and reading.note is None and reading.reason is None:
        return _NO_TEXTS
    return copy_text(reading.id) + copy_text(reading.note) + copy_text(reading.reason)
