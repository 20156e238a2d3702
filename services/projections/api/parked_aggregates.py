"""Parked aggregates over HTTP: what waits, why, and trying again."""

from dataclasses import asdict, replace
from typing import Annotated, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from services.chassis.parameters import IDEMPOTENCY_KEY
from services.chassis.postgres import connection
from services.chassis.responses import OrjsonResponse
from services.projections import parking
from services.projections.api.asked import Administering, Running
from services.projections.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
)
from services.projections.api.problems import documented
from services.projections.api.shapes import Shape
from services.projections.parking import NotParkedError

MAX_ID_CHARACTERS: Final = 500
# PostgreSQL stores every character but this one.
_STORABLE: Final = r"^[^\x00]*$"

router = APIRouter(prefix="/v1/parked-aggregates", tags=["parked aggregates"])

# What was replayed waits no longer, so there is nothing that a key would have to prevent.
_UNNEEDED_KEY: Final = replace(
    IDEMPOTENCY_KEY,
    description="Taken as with every change, but not needed: an event is applied only once.",
)


class _Place(NamedTuple):
    id: Annotated[str, msgspec.Meta(pattern=_STORABLE)]
    group: Annotated[str, msgspec.Meta(pattern=_STORABLE)]


class ParkedAggregateShape(Shape):
    """An aggregate that cannot go on in a group of read models, and what waits behind it."""

    id: str
    group: str
    reason: str
    parked_at: AwareDatetime
    events: Annotated[int, Field(description="How many events wait, the failing one included.")]
    first_version: int | None
    first_position: int | None


class ParkedAggregatesShape(Shape):
    """A page of parked aggregates, by id."""

    items: list[ParkedAggregateShape]
    next: str | None


class ReplayShape(Shape):
    """What trying again came to. `parked` is what still waits: in which group, and why."""

    id: str
    replayed: Annotated[int, Field(description="How many events were applied.")]
    parked: list[ParkedAggregateShape]


@router.get("", response_model=ParkedAggregatesShape, responses=documented(MalformedCursorError))
async def get_parked_aggregates(
    _: Administering, running: Running, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_ITEMS
) -> Response:
    """List the aggregates whose events cannot be applied."""
    after = decode_cursor(cursor, _Place) if cursor is not None else _Place("", "")
    async with connection(running.pool) as lent:
        found = await parking.listed(lent, after=after, limit=limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return OrjsonResponse(
        {
            "items": [asdict(each) for each in shown],
            "next": encode_cursor(_Place(last.id, last.group)) if last else None,
        }
    )


@router.post(
    "/{aggregate_id}/replay", response_model=ReplayShape, responses=documented(NotParkedError)
)
async def replay_parked_aggregate(
    _: Administering,
    running: Running,
    aggregate_id: Annotated[str, Path(max_length=MAX_ID_CHARACTERS, pattern=_STORABLE)],
    _key: Annotated[str | None, Depends(_UNNEEDED_KEY)],
) -> Response:
    """Try again to apply what waits, in order. Doing it twice does no harm."""
    async with connection(running.pool) as lent:
        waiting = await parking.find(lent, aggregate_id)
    if not waiting:
        raise NotParkedError(aggregate_id)
    replayed = sum([await running.appliers[each.group].replay(aggregate_id) for each in waiting])
    async with connection(running.pool) as lent:
        left = await parking.find(lent, aggregate_id)
    return OrjsonResponse(
        {"id": aggregate_id, "replayed": replayed, "parked": [asdict(each) for each in left]}
    )
