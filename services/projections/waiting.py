"""Waiting until a group's rows have come as far as a caller has seen, or asks to see."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from services.chassis.postgres import Pool, connection
from services.projections.checkpoints import DAWN, Checkpoint, Checkpoints
from services.projections.errors import QueryError

# Another process may be the one that follows the stream: only the database says how far it is.
LOOK_AGAIN_SECONDS: Final = 0.02
# What was recorded is in the stream within this time: it covers the commit, the relay, and a
# clock here that runs ahead of the one that events are recorded by.
SETTLES_WITHIN: Final = timedelta(seconds=1)


class NotFollowedYetError(QueryError):
    """The rows had not come as far as was asked for within the time there is."""

    def __init__(self, wanted: int, reached: int) -> None:
        super().__init__(
            f"The goals have been followed up to position {reached}, not yet to {wanted}; "
            "try again shortly."
        )
        self.extensions = {"wanted": wanted, "reached": reached, "lag": wanted - reached}


class NotSettledYetError(QueryError):
    """What was recorded up to the moment asked for may still have been on its way."""

    def __init__(self, moment: datetime, reached: int, lag: int) -> None:
        super().__init__(
            f"The goals have been followed up to position {reached}, and more may have been "
            f"recorded up to {moment.isoformat()}; try again shortly."
        )
        self.extensions = {"reached": reached, "lag": lag}


class PositionWatch:
    """How far a group has come, looked up once for all who wait at the same time.

    It is also told where the stream ends, and when that was seen.
    """

    def __init__(self, pool: Pool, checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._checkpoints = checkpoints
        self._reached = 0
        self._checkpoint = Checkpoint()
        self._end = 0
        self._end_seen_at = DAWN
        self._announcements = 0
        self._looked_at = -float("inf")
        self._looking = asyncio.Lock()
        self._moved = asyncio.Event()

    @property
    def reached(self) -> int:
        """The last position known here."""
        return self._reached

    def announce(self, position: int) -> None:
        """Say that this process has just committed `position`: nobody needs to look it up."""
        self._reached = position
        self._announcements += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def saw_end(self, position: int, at: datetime) -> None:
        """Say that the stream ended with `position` at that moment, or later."""
        self._end, self._end_seen_at = position, at

    def is_settled(self, moment: datetime, checkpoint: Checkpoint) -> bool:
        """Whether rows at a checkpoint hold all that will ever be recorded up to a moment.

        They do once something recorded later is applied: the log's time grows from group to group.
        Otherwise they do as far as can be told without asking the goals: everything is applied
        that the stream held when SETTLES_WITHIN had passed since the moment. An event that the
        relay brings later than that, because the bus or the relay stood still, is not foreseen.
        """
        if moment < checkpoint.recorded_at:
            return True
        seen_late_enough = self._end_seen_at >= moment + SETTLES_WITHIN
        return seen_late_enough and checkpoint.position >= self._end

    def not_settled(self, moment: datetime, checkpoint: Checkpoint) -> NotSettledYetError:
        """The refusal to answer as of a moment from rows at a checkpoint."""
        lag = max(0, self._end - checkpoint.position)
        return NotSettledYetError(moment, checkpoint.position, lag)

    async def wait_for(self, position: int, seconds: float) -> None:
        """Return when `position` is reached.

        Raises NotFollowedYetError after `seconds`, DatabaseUnavailableError.
        """
        if not await self._comes(lambda: self._reached >= position, seconds):
            raise NotFollowedYetError(position, self._reached)

    async def wait_until_settled(self, moment: datetime, seconds: float) -> None:
        """Return when the rows hold what was recorded up to a moment, see `is_settled`.

        Raises NotSettledYetError after `seconds`, DatabaseUnavailableError.
        """
        if not await self._comes(lambda: self.is_settled(moment, self._checkpoint), seconds):
            raise self.not_settled(moment, self._checkpoint)

    async def look(self) -> Checkpoint:
        """Where the group is now, by the database."""
        announcements = self._announcements
        async with connection(self._pool) as lent:
            checkpoint = await self._checkpoints.read(lent)
        self._checkpoint = checkpoint
        # What was announced meanwhile is newer than what was read.
        if announcements == self._announcements:
            self._reached = checkpoint.position
        return checkpoint

    async def _comes(self, is_there: Callable[[], bool], seconds: float) -> bool:
        """Look until something is there; whether it came within the time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not is_there():
            await self._look()
            if is_there():
                break
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_AGAIN_SECONDS)):
                    await self._moved.wait()
        return True

    async def _look(self) -> None:
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._looked_at >= LOOK_AGAIN_SECONDS:
                self._looked_at = now
                await self.look()
