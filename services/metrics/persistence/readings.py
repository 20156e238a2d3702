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
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from operator import itemgetter
from typing import Final, NamedTuple

from psycopg.rows import class_row

from services.chassis.postgres import Connection
from services.metrics.domain.readings import Identity, SubmittedReading, TouchedPeriod
from services.metrics.domain.revisions import Revision
from services.metrics.persistence.binary import (
    Int4Array,
    TimestampArray,
    copy_document,
    copy_text,
    to_postgres,
)

# Each row begins with the number of its fields, each field with its length in bytes.
# at, value, kpi_no, source_no, actor_no:
_PLAIN_ROW: Final = struct.Struct(">hiqidiiiiii")
_PLAIN_FIELDS: Final = 5
# The same and revision; id, note and reason follow.
_FULL_ROW: Final = struct.Struct(">hiqidiiiiiiii")
_FULL_FIELDS: Final = 9
_IDENTITY: Final = itemgetter(0)

_FIND = """
SELECT asked.place, r.revision, r.value, r.reason
FROM unnest(%(kpis)s::integer[], %(ats)s::timestamptz[], %(sources)s::integer[])
    WITH ORDINALITY AS asked (kpi_no, at, source_no, place)
JOIN metrics.readings AS r USING (kpi_no, at, source_no)
"""
_COPY_PLAIN = """
COPY metrics.readings (at, value, kpi_no, source_no, actor_no) FROM STDIN (FORMAT BINARY)
"""
_COPY_FULL = """
COPY metrics.readings (at, value, kpi_no, source_no, actor_no, revision, id, note, reason)
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

_LIST_CURRENT = """
SELECT r.at, r.value, s.name AS source, r.source_no, r.revision, r.recorded_at,
    a.name AS actor, r.id, r.note, r.reason
FROM (
    SELECT DISTINCT ON (at, source_no) * FROM metrics.readings
    WHERE kpi_no = (SELECT kpi_no FROM metrics.kpis WHERE key = %(key)s)
        AND at >= %(start)s AND at < %(end)s
        AND (at, source_no) > (%(at)s, %(source_no)s)
    ORDER BY at, source_no, revision DESC LIMIT %(limit)s
) AS r
JOIN metrics.sources AS s ON s.number = r.source_no
JOIN metrics.actors AS a ON a.number = r.actor_no
ORDER BY r.at, r.source_no
"""
_LIST_ALL = """
SELECT r.at, r.value, s.name AS source, r.source_no, r.revision, r.recorded_at,
    a.name AS actor, r.id, r.note, r.reason
FROM (
    SELECT * FROM metrics.readings
    WHERE kpi_no = (SELECT kpi_no FROM metrics.kpis WHERE key = %(key)s)
        AND at >= %(start)s AND at < %(end)s
        AND (at, source_no, revision) > (%(at)s, %(source_no)s, %(revision)s)
    ORDER BY at, source_no, revision LIMIT %(limit)s
) AS r
JOIN metrics.sources AS s ON s.number = r.source_no
JOIN metrics.actors AS a ON a.number = r.actor_no
ORDER BY r.at, r.source_no, r.revision
"""


class NameNumbers(NamedTuple):
    """The numbers of the sources and actors that a group of rows names."""

    sources: Mapping[str, int]
    actors: Mapping[str, int]


class ReadingPlace(NamedTuple):
    """A place in the order of a KPI's readings."""

    at: datetime
    source_no: int
    revision: int


# Before all that can be.
FIRST_PLACE: Final = ReadingPlace(datetime(1, 1, 1, tzinfo=UTC), 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReading:
    """A reading as it is kept; `actor` is a kind, a colon and an id."""

    at: datetime
    value: float
    source: str
    source_no: int
    revision: int
    recorded_at: datetime
    actor: str
    id: str | None
    note: str | None
    reason: str | None

    @property
    def place(self) -> ReadingPlace:
        """Where it stands among the KPI's readings."""
        return ReadingPlace(self.at, self.source_no, self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFilter:
    """Which readings of a KPI to list: those in [start, end), superseded ones too or not."""

    start: datetime
    end: datetime
    all_revisions: bool


async def list_readings(
    connection: Connection, key: str, wanted: ReadingFilter, *, after: ReadingPlace, limit: int
) -> list[RecordedReading]:
    """Up to `limit` readings of a KPI behind a place, in the order of moments and sources."""
    async with connection.cursor(row_factory=class_row(RecordedReading)) as cursor:
        await cursor.execute(
            _LIST_ALL if wanted.all_revisions else _LIST_CURRENT,
            {
                "key": key,
                "start": wanted.start,
                "end": wanted.end,
                "at": after.at,
                "source_no": after.source_no,
                "revision": after.revision,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


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


async def append(
    connection: Connection, rows: Iterable[NewRow], numbers: NameNumbers, *, plain: bool
) -> None:
    """Append revisions. Raises psycopg's UniqueViolation if one of them exists by now.

    Rows that are all first revisions without any text are `plain`: they take half the bytes.
    """
    # Rows of one identity come in the order of their revisions, and stay so.
    ordered = sorted(rows, key=_IDENTITY)
    statement = _COPY_PLAIN if plain else _COPY_FULL
    document = copy_document(_copy_rows(ordered, numbers, plain=plain))
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
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


def _copy_rows(rows: Sequence[NewRow], numbers: NameNumbers, *, plain: bool) -> Iterable[bytes]:
    """Rows as COPY takes them; built column by column, which takes half as long as row by row."""
    identities, revisions, actors, readings = zip(*rows, strict=True)
    kpis, ats, sources = zip(*identities, strict=True)
    columns = (
        repeat(8), map(to_postgres, ats),
        repeat(8), [reading.value for reading in readings],
        repeat(4), kpis,
        repeat(4), map(numbers.sources.__getitem__, sources),
        repeat(4), map(numbers.actors.__getitem__, actors),
    )  # fmt: skip
    if plain:
        return map(_PLAIN_ROW.pack, repeat(_PLAIN_FIELDS), *columns)
    heads = map(_FULL_ROW.pack, repeat(_FULL_FIELDS), *columns, repeat(4), revisions)
    return [
        head + copy_text(reading.id) + copy_text(reading.note) + copy_text(reading.reason)
        for head, reading in zip(heads, readings, strict=True)
    ]
