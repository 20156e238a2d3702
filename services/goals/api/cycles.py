"""Cycles over HTTP."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.goals import Cadence, CycleState
from services.chassis.bodies import DAY_FORM, NO_REASON, EmptyBody
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.eventstore.unit import Answer, Loaded, Unit
from services.chassis.parameters import AsOf
from services.chassis.routes import DirectRoute
from services.goals import queries
from services.goals.api.answers import CREATED, closed_cycle_answer, cycle_answer, planned_answer
from services.goals.api.asked import Reading, Running, ToChange, ToCreate
from services.goals.api.bodies import ReasonBody
from services.goals.api.cycle_bodies import CycleBody, ReviseCycleBody
from services.goals.api.cycle_schemas import ClosedCycleShape, CyclePage, CycleShape
from services.goals.api.history_schemas import HistoryPage
from services.goals.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
    page_response,
)
from services.goals.api.problems import documented
from services.goals.api.rendering import after_entry, cycle_document, entry_document
from services.goals.api.states import (
    AtVersion,
    ConflictingParametersError,
    refuse_both,
    state_response,
)
from services.goals.application import cycles
from services.goals.commands import ChangeCycle, PlanCycle, ReviseCycle
from services.goals.domain import errors
from services.goals.domain.cycle import Cycle
from services.goals.persistence.lists import CycleFilter, CycleItem, LeftOpen, list_cycles
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
        lambda unit: planned_answer(cycles.plan_cycle(unit, command)),
        reason=body.reason,
    )


@router.get("", response_model=CyclePage, responses=documented(MalformedCursorError))
async def get_cycles(
    goals: Running,
    _: Reading,
    state: Annotated[CycleState | None, Query(description="Only those in this state.")] = None,
    cadence: Annotated[Cadence | None, Query(description="Only those of this cadence.")] = None,
    on: Annotated[
        Annotated[date, DAY_FORM] | None, Query(description="Only those that this day lies in.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List cycles in the order in which they were planned."""
    wanted = CycleFilter(state=state, cadence=cadence, on=on)
    found = await list_cycles(goals.pool, wanted, after=decode_cursor(cursor), limit=limit + 1)
    return page_response(
        found, limit, render=_item, cursor=lambda each: encode_cursor(each.position)
    )


@router.get(
    "/{cycle_id}",
    response_model=CycleShape,
    responses=documented(
        AggregateNotFoundError, VersionNotReachedError, ConflictingParametersError
    ),
)
async def get_cycle(
    cycle_id: UUID, goals: Running, _: Reading, as_of: AsOf, version: AtVersion = None
) -> Response:
    """Show a cycle as it stands, as it was known at a moment, or as a version left it."""
    refuse_both(as_of, version)
    loaded = await goals.log.state(CYCLE, cycle_id, as_of=as_of, version=version)
    return state_response(
        cycle_document(loaded), version=loaded.version, position=loaded.state.position
    )


@router.get(
    "/{cycle_id}/history",
    response_model=HistoryPage,
    responses=documented(AggregateNotFoundError, VersionNotReachedError, MalformedCursorError),
)
async def get_cycle_history(
    cycle_id: UUID,
    goals: Running,
    _: Reading,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """Tell a cycle's history, oldest first: who did what, when and why, and what changed."""
    entries = await queries.cycle_history(
        goals, cycle_id, after_version=decode_cursor(cursor), limit=limit + 1
    )
    return page_response(entries, limit, render=entry_document, cursor=after_entry)


@router.post(
    "/{cycle_id}/revise",
    response_model=CycleShape,
    responses=documented(
        AggregateNotFoundError,
        errors.AdminRequiredError,
        errors.CycleStateError,
        errors.NothingChangesError,
    ),
)
async def revise_cycle(cycle_id: UUID, asked: ToChange, body: ReviseCycleBody) -> Response:
    """Give the cycle another name or check-in rhythm."""
    command = ReviseCycle(
        id=cycle_id,
        version=asked.version,
        by=asked.by,
        name=body.name,
        check_in_rhythm=body.check_in_rhythm,
    )
    return await asked.change(cycles.revise_cycle, command, _answer, reason=body.reason)


@router.post("/{cycle_id}/activate", response_model=CycleShape, responses=_MOVED)
async def activate_cycle(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """Begin the cycle's work: from now on its objectives can be activated."""
    command = ChangeCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.change(cycles.activate_cycle, command, _answer, reason=body.reason)


@router.post("/{cycle_id}/start-scoring", response_model=CycleShape, responses=_MOVED)
async def start_scoring(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """End the cycle's work: last check-ins are taken, and objectives are closed."""
    command = ChangeCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.change(cycles.start_scoring, command, _answer, reason=body.reason)


@router.post("/{cycle_id}/close", response_model=ClosedCycleShape, responses=_MOVED)
async def close_cycle(cycle_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """Lock the cycle, and name what that leaves open: changes are corrections from now on."""
    command = ChangeCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.change(cycles.close_cycle, command, _closed_answer, reason=body.reason)


@router.post(
    "/{cycle_id}/reopen",
    response_model=CycleShape,
    responses=documented(
        AggregateNotFoundError,
        errors.AdminRequiredError,
        errors.CycleStateError,
        errors.ReasonRequiredError,
    ),
)
async def reopen_cycle(cycle_id: UUID, asked: ToChange, body: ReasonBody) -> Response:
    """Take the cycle one step back: from closed to scoring, from scoring to active."""
    command = ChangeCycle(id=cycle_id, version=asked.version, by=asked.by)
    return await asked.change(cycles.reopen_cycle, command, _answer, reason=body.reason)


def _answer(_: Unit, loaded: Loaded[Cycle]) -> Answer:
    return cycle_answer(loaded)


def _closed_answer(_: Unit, closed: tuple[Loaded[Cycle], LeftOpen]) -> Answer:
    return closed_cycle_answer(*closed)


def _item(item: CycleItem) -> dict[str, Any]:
    fields = asdict(item)
    del fields["position"]
    return fields
