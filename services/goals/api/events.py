"""The whole log over HTTP, in order, for auditors and for whoever rebuilds from it."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from contracts.positions import MAX_POSITION, POSITION_HEADER, render_position
from services.chassis.responses import OrjsonResponse, to_json
from services.chassis.routes import DirectRoute
from services.goals.api.asked import SERVICE, Auditing, Running
from services.goals.api.history_schemas import LogPage
from services.goals.runtime import Goals
from services.goals.structured import structured

router = APIRouter(prefix="/v1/events", tags=["log"], route_class=DirectRoute)

DEFAULT_EVENTS: Final = 100
MAX_EVENTS: Final = 500
STREAM_PAGE_EVENTS: Final = 500
NDJSON: Final = "application/x-ndjson"

After = Annotated[int, Query(ge=0, le=MAX_POSITION, description="Only what follows it.")]


class NdjsonResponse(StreamingResponse):
    """One JSON document a line."""

    media_type = NDJSON


@router.get("", response_model=LogPage)
async def get_events(
    goals: Running,
    _: Auditing,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = DEFAULT_EVENTS,
) -> Response:
    """Give a piece of the log, oldest first."""
    found = await goals.log.after(after, limit)
    return OrjsonResponse(
        {
            "items": [structured(each) for each in found],
            "next": found[-1].position if found else after,
        }
    )


@router.get(
    "/export",
    response_class=NdjsonResponse,
    responses={
        200: {
            "description": "The events, one a line.",
            "content": {
                NDJSON: {
                    "schema": {
                        "type": "string",
                        "description": "Each line is an item of `GET /v1/events`.",
                    }
                }
            },
        }
    },
)
async def export_events(goals: Running, _: Auditing, after: After = 0) -> Response:
    """Give the whole log after a position, oldest first, as far as it goes by now.

    Cairn-Position says how far that is. What breaks off is gone on with `after` the position of
    the last line that came whole. However slowly it is read, nothing waits for it here: neither a
    transaction nor a connection to the database.
    """
    head = await goals.log.head()
    return NdjsonResponse(
        _lines(goals, after, head),
        headers={POSITION_HEADER: render_position(SERVICE, head)},
    )


async def _lines(goals: Goals, after: int, head: int) -> AsyncIterator[bytes]:
    """The events in (after, head], encoded, a page of them at a time."""
    while after < head:
        page = await goals.log.after(after, min(STREAM_PAGE_EVENTS, head - after))
        if not page:
            return
        yield b"".join(to_json(structured(each)) + b"\n" for each in page)
        assert page[-1].position is not None
        after = page[-1].position
