"""Cycles over HTTP."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.routes import DirectRoute
from services.goals import application
from services.goals.api.answers import CREATED, cycle_answer, planned_answer
from services.goals.api.asked import Reading, Running, ToChange, ToCreate
from services.goals.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    page_response,
)
from services.goals.api.problems import documented
from services.goals.api.rendering import cycle_document
from services.goals.api.schemas import CycleBody, CyclePage, CycleShape
from services.goals.api.states import state_response
from services.goals.commands import ActivateCycle, CloseCycle, PlanCycle, StartScoring
from services.goals.domain import errors
from services.goals.domain.errors import CycleState
from services.goals.persistence.lists import CycleItem, list_cycles
from services.goals.persistence.log import CYCLE

router = APIRouter(prefix="/v1/cycles", tags=["cycles"], route_class=DirectRoute)

_MOVED = documented(AggregateNotFoundError, errors.AdminRequiredError, errors.CycleStateError)


@router.post(
    "",
    status_code=CREATED,
    response_model=CycleShape,
    responses=documented(errors.AdminRequiredError, errors.CycleDatesError),
)
async def plan_cycle(body: CycleBody, asked: ToCreate) -> Response:
    """Plan a cycle."""
    command = PlanCycle(
        cycle_id=uuid4(),
        name=body.name,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        cadence=body.cadence,
        check_in_rhythm=body.check_in_rhythm,
        by=asked.by,
    )
    return await asked.run(
        lambda unit: planned_answer(application.plan_cycle(unit, command)),
        reason=body.reason,
    )


@router.get("", response_model=CyclePage, responses=documented(MalformedCursorError))
async def get_cycles(
    goals: Running,
    _: Reading,
    state: Annotated[CycleState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List cycles in the order in which they were planned."""
    found = await list_cycles(goals.pool, state=state, after=decode_cursor(cursor), limit=limit + 1)
    return page_response(found, limit, render=_item, place=lambda each: each.position)


@router.get("/{cycle_id}", response_model=CycleShape, responses=documented(AggregateNotFoundError))
async def get_cycle(cycle_id: UUID, goals: Running, _: Reading) -> Response:
    """Show a cycle as it stands."""
    loaded = await goals.log.state(CYCLE, cycle_id)
    return state_response(
        cycle_document(loaded), version=loaded.version, position=loaded.state.position
    )


@router.post("/{cycle_id}/activate", response_model=CycleShape, responses=_MOVED)
async def activate_cycle(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """Begin the cycle's work: from now on its objectives can be activated."""
    command = ActivateCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.run(
        lambda unit: cycle_answer(application.activate_cycle(unit, command)),
        reason=body.reason,
        touches=(cycle_id,),
    )


@router.post("/{cycle_id}/start-scoring", response_model=CycleShape, responses=_MOVED)
async def start_scoring(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """End the cycle's work: last check-ins are taken, and objectives are closed."""
    command = StartScoring(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.run(
        lambda unit: cycle_answer(application.start_scoring(unit, command)),
        reason=body.reason,
        touches=(cycle_id,),
    )


@router.post(
    "/{cycle_id}/close",
    response_model=CycleShape,
    responses=documented(
        AggregateNotFoundError,
        errors.AdminRequiredError,
        errors.CycleStateError,
        errors.ActiveObjectivesLeftError,
    ),
)
async def close_cycle(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """Lock the cycle: nothing in it changes any more."""
    command = CloseCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.run(
        lambda unit: cycle_answer(application.close_cycle(unit, command)),
        reason=body.reason,
        touches=(cycle_id,),
    )


def _item(item: CycleItem) -> dict[str, Any]:
    fields = asdict(item)
    del fields["position"]
    return fields
