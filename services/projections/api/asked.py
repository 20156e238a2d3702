"""A query on its way in: as of when, and how much it must know at least."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from contracts.positions import (
    MIN_POSITION_HEADER,
    POSITION_HEADER,
    parse_positions,
    render_position,
)
from services.chassis.auth import Caller, require
from services.chassis.parameters import AS_OF, RawParameter
from services.chassis.postgres import Connection, connection
from services.chassis.responses import OrjsonResponse
from services.projections.checkpoints import Checkpoint, Checkpoints, told
from services.projections.errors import QueryError
from services.projections.okrs.group import OKRS
from services.projections.runtime import Projections
from services.projections.waiting import SETTLES_WITHIN, NotFollowedYetError

# The service whose log the read models here follow: positions of others say nothing about them.
FOLLOWED: Final = "goals"

# Rows that hold now hold then, whatever clock the last event was recorded by.
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_CHECKPOINTS: Final = Checkpoints(OKRS.name, OKRS.stream)

Reading = Annotated[Caller, Depends(require("projections:read"))]
Administering = Annotated[Caller, Depends(require("projections:admin"))]


def _parse_min_position(value: str | None) -> int:
    """The position of the followed service in the header. Raises MalformedPositionError."""
    return 0 if value is None else parse_positions(value).get(FOLLOWED, 0)


MIN_POSITION = RawParameter(
    place="header",
    name=MIN_POSITION_HEADER,
    description=(
        "Answer only with at least this much known: what Cairn-Position of a command said. "
        "Positions of services that are not followed here are passed over."
    ),
    schema={"type": "string", "examples": ["goals:1234"]},
    parse=_parse_min_position,
)

SETTLED_AS_OF = replace(
    AS_OF,
    description=(
        "Answer as it was known at this moment (RFC 3339), which must have come already. "
        "The answer is given once everything recorded up to then is known, so that it stays the "
        "same: once something recorded later was followed, or when all was followed that had been "
        f"published {SETTLES_WITHIN.total_seconds():g} s after the moment. What takes longer than "
        "that to be published is not waited for; the answer's position says how much was known. "
        "If that takes too long, or the bus cannot be asked, the answer is 503 with the lag. "
        "Without as_of, the answer tells what is known by now, and is not waited for."
    ),
)


async def _projections(request: Request) -> Projections:
    projections: Projections = request.app.state.projections
    return projections


Running = Annotated[Projections, Depends(_projections)]


class Known:
    """One cut through the read models: everything asked through `connection` is of one state.

    Rows are to be looked up for the moment `at`. How much is known is asked first of all; the
    answer comes with that to whatever is fetched next.
    """

    def __init__(
        self,
        connection: Connection,
        asked: AsyncCursor[TupleRow],
        as_of: datetime | None,
        expect: Callable[[Checkpoint], None],
    ) -> None:
        self.connection = connection
        self.at = as_of or _LATEST
        self._as_of = as_of
        self._asked = asked
        self._asked_at = datetime.now(UTC)
        self._expect = expect
        self._checkpoint: Checkpoint | None = None

    async def as_of(self) -> datetime:
        """The moment that the answer is for. Raises what `suffices` raises."""
        checkpoint = await self.suffices()
        # The clock of who recorded the last event may run ahead of ours.
        return self._as_of or max(self._asked_at, checkpoint.recorded_at)

    async def answer(self, document: Mapping[str, Any]) -> OrjsonResponse:
        """The response, which also says how much was known."""
        position = render_position(FOLLOWED, (await self.suffices()).position)
        return OrjsonResponse(
            {"position": position, "as_of": await self.as_of(), **document},
            headers={POSITION_HEADER: position},
        )

    async def suffices(self) -> Checkpoint:
        """How much is known, which is enough.

        Raises NotFollowedYetError, NotSettledYetError: rows were set back since they had come as
        far as they have to be.
        """
        if self._checkpoint is None:
            checkpoint = await told(self._asked)
            self._expect(checkpoint)
            self._checkpoint = checkpoint
        return self._checkpoint


@dataclass(frozen=True, slots=True)
class Question:
    """What every query asks for. `as_of` is None for now."""

    projections: Projections
    as_of: datetime | None
    min_position: int

    @asynccontextmanager
    async def known(self) -> AsyncIterator[Known]:
        """What is known, once it is enough.

        Raises NotFollowedYetError, NotSettledYetError, DatabaseUnavailableError.
        """
        running = self.projections
        await running.watch.wait_for(self.min_position, running.wait_seconds)
        if self.as_of is not None:
            await running.watch.wait_until_settled(self.as_of, running.wait_seconds)
        async with connection(running.pool) as lent, lent.pipeline():
            known = Known(lent, await _CHECKPOINTS.ask(lent), self.as_of, self._expect)
            try:
                yield known
            except QueryError:
                await known.suffices()  # else what was not found may have been set back
                raise
        await known.suffices()

    def _expect(self, checkpoint: Checkpoint) -> None:
        """Refuse rows that were set back since they had come as far as they have to be."""
        if checkpoint.position < self.min_position:
            raise NotFollowedYetError(self.min_position, checkpoint.position)
        watch = self.projections.watch
        if self.as_of is not None and not watch.is_settled(self.as_of, checkpoint):
            raise watch.not_settled(self.as_of, checkpoint)


async def _question(
    _: Reading,
    projections: Running,
    as_of: Annotated[datetime | None, Depends(SETTLED_AS_OF)],
    min_position: Annotated[int, Depends(MIN_POSITION)],
) -> Question:
    return Question(projections, as_of, min_position)


Asked = Annotated[Question, Depends(_question)]
