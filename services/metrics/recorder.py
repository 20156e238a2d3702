"""The group recorder: batches that arrive together share a transaction and one flush of the disk.

While a lane waits for the database, what arrives gathers for the next group; a second lane keeps
the database busy while the first one prepares.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from psycopg.errors import DeadlockDetected, UniqueViolation

from services.chassis.postgres import Connection, DatabaseUnavailableError, Pool, connection
from services.metrics.domain.readings import Identity
from services.metrics.domain.revisions import Revision
from services.metrics.meters import RecordingMeters
from services.metrics.persistence.kpis import Catalogue
from services.metrics.persistence.names import ACTORS, SOURCES, Numbers
from services.metrics.persistence.readings import NameNumbers, append, find_revisions, mark
from services.metrics.persistence.rejected import keep_rejections
from services.metrics.recording import Recording, RecordingGroup, Submission

LANES: Final = 2
MAX_GROUP_ROWS: Final = 5_000
MAX_GROUP_SUBMISSIONS: Final = 1_000
MAX_WAITING_ROWS: Final = 100_000
MAX_WAITING_SUBMISSIONS: Final = 10_000
# After a reading that was recorded before, so many groups are looked up before they are appended.
LOOKS_AFTER_REPEAT: Final = 50
# Each further attempt means that yet another process recorded one of the same readings.
MAX_ATTEMPTS: Final = 10

log = structlog.get_logger()


class RecorderOverloadedError(Exception):
    """More readings wait than are taken on; nothing of this batch was recorded."""

    def __init__(self) -> None:
        super().__init__("Too many readings are waiting. None of these were recorded; try again.")


class RecordingContendedError(Exception):
    """Others kept recording the same readings; nothing of this batch was recorded."""

    def __init__(self) -> None:
        super().__init__("The same readings are being recorded by others just now; try again.")


class _Waiting:
    """A submission on its way, and who waits for what becomes of it."""

    __slots__ = ("done", "rows", "submission")

    def __init__(self, submission: Submission, done: asyncio.Future[Recording]) -> None:
        self.submission = submission
        self.done = done
        self.rows = len(submission.batch)


class GroupRecorder:
    """Records submissions, many to a transaction; each learns only of its own readings."""

    def __init__(self, pool: Pool, meters: RecordingMeters, *, lanes: int = LANES) -> None:
        self._pool = pool
        self._meters = meters
        self._catalogue = Catalogue()
        self._sources = Numbers(SOURCES)
        self._actors = Numbers(ACTORS)
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._waiting_rows = 0
        self._looks_left = 0
        self._lane_count = lanes
        self._lanes: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to take submissions."""
        self._lanes = [
            asyncio.create_task(self._run_lane(), name=f"recorder-{number}")
            for number in range(self._lane_count)
        ]

    async def stop(self) -> None:
        """Finish what waits, then end. Submit nothing after this."""
        for _ in self._lanes:
            self._queue.put_nowait(None)
        await asyncio.gather(*self._lanes)

    async def record(self, submission: Submission) -> Recording:
        """Record a batch; returns once what can be recorded of it is committed.

        Raises RecorderOverloadedError, RecordingContendedError, DatabaseUnavailableError.
        """
        if (
            self._waiting_rows + len(submission.batch) > MAX_WAITING_ROWS
            or self._queue.qsize() >= MAX_WAITING_SUBMISSIONS
        ):
            raise RecorderOverloadedError
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._waiting_rows += waiting.rows
        self._queue.put_nowait(waiting)
        # The group goes on when one of its senders goes away.
        return await asyncio.shield(waiting.done)

    async def _run_lane(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = await self._gather()
            if group:
                await self._settle(group)

    async def _gather(self) -> tuple[list[_Waiting], bool]:
        """What waits now, within the bounds of a group, and whether the lane is to end."""
        group: list[_Waiting] = []
        rows = 0
        item = await self._queue.get()
        while item is not None:
            group.append(item)
            rows += item.rows
            if rows >= MAX_GROUP_ROWS or len(group) >= MAX_GROUP_SUBMISSIONS:
                break
            try:
                item = self._queue.get_nowait()
            except asyncio.QueueEmpty:
                break
        self._waiting_rows -= rows
        return group, item is None

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        """Record a group; when one of its batches breaks it, each goes on its own."""
        try:
            recordings = await self._record([waiting.submission for waiting in group])
        except (DatabaseUnavailableError, RecordingContendedError) as error:
            _fail(group, error)
        except Exception as error:
            if len(group) > 1:
                for waiting in group:
                    await self._settle([waiting])
                return
            log.exception("recording_failed", rows=group[0].rows)
            _fail(group, error)
        else:
            self._meters.count(recordings)
            for waiting, recording in zip(group, recordings, strict=True):
                waiting.done.set_result(recording)

    async def _record(self, submissions: Sequence[Submission]) -> list[Recording]:
        async with connection(self._pool) as lent:
            numbers = NameNumbers(
                await self._sources.of(
                    lent, {source for each in submissions for source in each.sources()}
                ),
                await self._actors.of(lent, {each.actor for each in submissions}),
            )
            for _ in range(MAX_ATTEMPTS):
                try:
                    return await self._transact(lent, submissions, numbers)
                except (UniqueViolation, DeadlockDetected) as error:
                    log.debug("recording_again", cause=type(error).__name__)
                    self._looks_left = LOOKS_AFTER_REPEAT
        raise RecordingContendedError

    async def _transact(
        self, lent: Connection, submissions: Sequence[Submission], numbers: NameNumbers
    ) -> list[Recording]:
        async with lent.transaction():
            await self._catalogue.catch_up(lent)
            group = RecordingGroup(submissions, self._catalogue.find, datetime.now(UTC))
            rows = group.settle(await self._find_known(lent, group, numbers))
            if rows:
                await append(lent, rows, numbers, plain=group.plain)
                await mark(lent, list(group.touched))
            rejected = group.rejected()
            if rejected:
                await keep_rejections(lent, rejected)
        return group.recordings

    async def _find_known(
        self, lent: Connection, group: RecordingGroup, numbers: NameNumbers
    ) -> dict[Identity, list[Revision]]:
        """Look up what is recorded of the group's readings, where some of it may be.

        Most readings are new, and the primary key notices those that are not: only after a
        repeated one have the next groups their readings looked up before they are appended.
        """
        if self._looks_left == 0:
            return {}
        known = await find_revisions(lent, group.identities, numbers)
        self._looks_left = LOOKS_AFTER_REPEAT if known else max(0, self._looks_left - 1)
        return known


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        waiting.done.set_exception(error)
        waiting.done.exception()  # nobody may be waiting any more; that is not an error
