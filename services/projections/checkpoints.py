"""How far a group has come in its stream; the row is the lock that keeps two leaders apart."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from services.chassis.postgres import Connection

# Before every event.
DAWN: Final = datetime.min.replace(tzinfo=UTC)

_ENSURE: Final = """
INSERT INTO checkpoints (group_name, stream) VALUES (%(group)s, %(stream)s)
ON CONFLICT DO NOTHING
"""
_READ: Final = """
SELECT position, recorded_at, revision FROM checkpoints
WHERE group_name = %(group)s AND stream = %(stream)s
"""
_LOCK: Final = _READ + "FOR UPDATE"
_ADVANCE: Final = """
UPDATE checkpoints
SET position = %(position)s, recorded_at = %(recorded_at)s, revision = %(revision)s,
    skipped_events = skipped_events + %(skipped)s
WHERE group_name = %(group)s AND stream = %(stream)s
    AND position = %(expected_position)s AND revision = %(expected_revision)s
RETURNING revision
"""


class CheckpointMovedError(Exception):
    """Another process moved the checkpoint: what was just computed must not be written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last position applied, the moment it was recorded at, and a count of all writes."""

    position: int = 0
    recorded_at: datetime = DAWN
    revision: int = 0


class Checkpoints:
    """The checkpoint of one group in one stream."""

    def __init__(self, group: str, stream: str) -> None:
        self._names = {"group": group, "stream": stream}

    async def ensure(self, connection: Connection) -> None:
        """Have a checkpoint: at the beginning of the stream, if there is none."""
        await connection.execute(_ENSURE, self._names)

    async def read(self, connection: Connection) -> Checkpoint:
        """Where the group is now."""
        return await told(await self.ask(connection))

    async def ask(self, connection: Connection) -> AsyncCursor[TupleRow]:
        """Ask where the group is now. In a pipeline, the answer comes with that to the rest."""
        return await connection.execute(_READ, self._names, prepare=True)

    async def lock(self, connection: Connection) -> Checkpoint:
        """Where the group is, and nobody else can move it until the transaction ends."""
        return await told(await connection.execute(_LOCK, self._names))

    async def advance(
        self, connection: Connection, expected: Checkpoint, *, to: Checkpoint, skipped: int
    ) -> None:
        """Move it, and count events skipped; raises CheckpointMovedError if it is elsewhere."""
        moved = await connection.execute(
            _ADVANCE,
            {
                **self._names,
                "expected_position": expected.position,
                "expected_revision": expected.revision,
                "position": to.position,
                "recorded_at": to.recorded_at,
                "revision": to.revision,
                "skipped": skipped,
            },
        )
        if await moved.fetchone() is None:
            raise CheckpointMovedError(f"the checkpoint is not at {expected.position} any more")


async def told(cursor: AsyncCursor[TupleRow]) -> Checkpoint:
    """What the answer to `Checkpoints.ask` was."""
    row = await cursor.fetchone()
    if row is None:
        return Checkpoint()
    position, recorded_at, revision = row
    return Checkpoint(position, recorded_at or DAWN, revision)
