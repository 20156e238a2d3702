"""How long answers are kept for keys that may come back, and snapshots that nobody reads any more.

Events are kept for ever.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from services.chassis.eventstore.snapshots import shape_of
from services.chassis.eventstore.unit import AggregateKind
from services.chassis.postgres import Pool, connection

ANSWERS_KEPT_FOR: Final = timedelta(days=7)
LOOK_AGAIN_SECONDS: Final = 3_600
# Shapes change with releases only, and looking for old ones reads the whole table.
LOOK_FOR_SHAPES_SECONDS: Final = 86_400
MAX_ROWS_PER_DELETE: Final = 10_000


async def forget_old_answers(pool: Pool) -> None:
    """Delete answers older than `ANSWERS_KEPT_FOR`, a bounded piece at a time, until cancelled.

    Run it as a leader's work. A key that comes back later than that is a new command.
    """
    while True:
        async with connection(pool) as lent:
            cursor = await lent.execute(
                "DELETE FROM commands WHERE ctid = ANY(ARRAY(SELECT ctid FROM commands"
                " WHERE recorded_at < now() - %s::interval LIMIT %s))",
                (ANSWERS_KEPT_FOR, MAX_ROWS_PER_DELETE),
            )
        if cursor.rowcount < MAX_ROWS_PER_DELETE:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def forget_unused_snapshots(pool: Pool, kinds: Sequence[AggregateKind[Any]]) -> None:
    """Delete snapshots of other shapes than these kinds have, a bounded piece at a time.

    Run it as a leader's work; it goes on until it is cancelled. While two releases run side by
    side, the older one's snapshots may be deleted under it: it replays, and keeps them again.
    """
    shapes = [shape for shape in map(shape_of, kinds) if shape is not None]
    while True:
        async with connection(pool) as lent:
            cursor = await lent.execute(
                "DELETE FROM stored_snapshots WHERE ctid = ANY(ARRAY(SELECT ctid"
                " FROM stored_snapshots WHERE shape <> ALL(%s) LIMIT %s))",
                (shapes, MAX_ROWS_PER_DELETE),
            )
        if cursor.rowcount < MAX_ROWS_PER_DELETE:
            await asyncio.sleep(LOOK_FOR_SHAPES_SECONDS)
