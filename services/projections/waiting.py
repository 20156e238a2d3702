"""Waiting until a group's rows have come as far as a caller has seen."""

import asyncio
from contextlib import suppress
from typing import Final

from services.chassis.postgres import Pool, connection
from services.projections.checkpoints import Checkpoint, Checkpoints
from services.projections.errors import QueryError

# Another process may be the one that follows the stream: only the database says how far it is.
LOOK_AGAIN_SECONDS: Final = 0.02


class NotFollowedYetError(QueryError):
    """The rows had not come as far as was asked for within the time there is."""

    def __init__(self, wanted: int, reached: int) -> None:
        super().__init__(
            f"The goals have been followed up to position {reached}, not yet to {wanted}; "
            "try again shortly."
        )
        self.extensions = {"wanted": wanted, "reached": reached, "lag": wanted - reached}


class PositionWatch:
    """How far a group has come, looked up once for all who wait at the same time."""

    def __init__(self, pool: Pool, checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._checkpoints = checkpoints
        self._reached = 0
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

    async def wait_for(self, position: int, seconds: float) -> None:
        """Return when `position` is reached.

        Raises NotFollowedYetError after `seconds`, DatabaseUnavailableError.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while self._reached < position:
            await self._look()
            if self._reached >= position:
                return
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise NotFollowedYetError(position, self._reached)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_AGAIN_SECONDS)):
                    await self._moved.wait()

    async def look(self) -> Checkpoint:
        """Where the group is now, by the database."""
        announcements = self._announcements
        async with connection(self._pool) as lent:
            checkpoint = await self._checkpoints.read(lent)
        # What was announced meanwhile is newer than what was read.
        if announcements == self._announcements:
            self._reached = checkpoint.position
        return checkpoint

    async def _look(self) -> None:
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._looked_at >= LOOK_AGAIN_SECONDS:
                self._looked_at = now
                await self.look()
