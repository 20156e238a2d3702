"""Table `rejected_readings`: what came over the bus and could not be taken.

A message that is delivered again is rejected again, but kept once. A row is its own outbox: it
is published after the transaction that wrote it, and marked when the bus has stored it.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from services.chassis.postgres import Connection
from services.metrics.domain.readings import RefusalCode

# The place of a rejection that concerns a message as a whole.
WHOLE_MESSAGE: Final = -1

_INSERT = """
INSERT INTO metrics.rejected_readings
    (source, message_sequence, message_at, place, code, detail, quotation)
SELECT * FROM unnest(
    %(source)s::text[], %(message_sequence)s::bigint[], %(message_at)s::timestamptz[],
    %(place)s::integer[], %(code)s::text[], %(detail)s::text[], %(quotation)s::text[]
)
ON CONFLICT (message_sequence, message_at, place) DO NOTHING
"""
_COLUMNS = """
SELECT rejected_no, source, message_sequence, message_at, place, code, detail, quotation,
    rejected_at
FROM metrics.rejected_readings
"""
_LIST = (
    _COLUMNS
    + """
WHERE rejected_no < %(before)s AND (%(source)s::text IS NULL OR source = %(source)s)
ORDER BY rejected_no DESC LIMIT %(limit)s
"""
)
_TAKE = _COLUMNS + "WHERE published_at IS NULL ORDER BY rejected_no LIMIT %s FOR UPDATE SKIP LOCKED"
_PUBLISHED = "UPDATE metrics.rejected_readings SET published_at = now() WHERE rejected_no = ANY(%s)"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of a message (or all of it, at `WHOLE_MESSAGE`) and why it was not taken."""

    source: str
    message_sequence: int
    message_at: datetime
    place: int
    code: RefusalCode
    detail: str
    quotation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRejection:
    """A rejection as it is kept; the numbers rise in the order in which they were written."""

    rejected_no: int
    source: str
    message_sequence: int
    message_at: datetime
    place: int
    code: RefusalCode
    detail: str
    quotation: str
    rejected_at: datetime


async def keep_rejections(connection: Connection, rows: Sequence[RejectedRow]) -> None:
    """Insert rejections, except those kept already."""
    names = [field.name for field in fields(RejectedRow)]
    columns = zip(*map(astuple, rows), strict=True)
    await connection.execute(
        _INSERT, dict(zip(names, map(list, columns), strict=True)), prepare=True
    )


async def list_rejections(
    connection: Connection, *, source: str | None, before: int, limit: int
) -> list[KeptRejection]:
    """Up to `limit` rejections with a number below `before`, newest first."""
    async with connection.cursor(row_factory=class_row(KeptRejection)) as cursor:
        await cursor.execute(_LIST, {"source": source, "before": before, "limit": limit})
        return await cursor.fetchall()


async def take_unpublished(connection: Connection, limit: int) -> list[KeptRejection]:
    """Up to `limit` rejections nobody was told of, locked until the transaction ends."""
    async with connection.cursor(row_factory=class_row(KeptRejection)) as cursor:
        await cursor.execute(_TAKE, (limit,), prepare=True)
        return await cursor.fetchall()


async def mark_published(connection: Connection, numbers: Sequence[int]) -> None:
    """Note that the bus has stored these."""
    await connection.execute(_PUBLISHED, (list(numbers),), prepare=True)
