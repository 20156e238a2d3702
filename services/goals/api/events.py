"""The whole log over HTTP, in order, for auditors and for whoever rebuilds from it."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.positions import MAX_POSITION
from services.chassis.responses import OrjsonResponse
from services.chassis.routes import DirectRoute
from services.goals.api.asked import Auditing, Running
from services.goals.api.schemas import LogPage
from services.goals.structured import structured

router = APIRouter(prefix="/v1/events", tags=["log"], route_class=DirectRoute)

DEFAULT_EVENTS: Final = 100
MAX_EVENTS: Final = 500


@router.get("", response_model=LogPage)
async def get_events(
    goals: Running,
    _: Auditing,
    after: Annotated[int, Query(ge=0, le=MAX_POSITION, description="Only what follows it.")] = 0,
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
