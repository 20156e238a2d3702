"""Objectives over HTTP: drafted, aligned, activated, closed, and shown as of any time."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.goals import OwnerKind
from contracts.positions import MAX_POSITION
from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.parameters import AsOf
from services.chassis.routes import DirectRoute
from services.goals import application, queries
from services.goals.api.answers import CREATED, drafted_answer, objective_answer
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
from services.goals.api.rendering import entry_document, objective_document
from services.goals.api.schemas import (
    AlignBody,
    HistoryPage,
    ObjectiveBody,
    ObjectivePage,
    ObjectiveShape,
    UnalignBody,
)
from services.goals.api.states import ConflictingParametersError, state_response
from services.goals.commands import (
    ActivateObjective,
    AlignObjective,
    CloseObjective,
    DraftObjective,
    UnalignObjective,
)
from services.goals.domain import errors
from services.goals.domain.errors import ObjectiveState
from services.goals.domain.events import Owner
from services.goals.domain.objective import Draft
from services.goals.history import Entry
from services.goals.persistence.lists import ObjectiveFilter, ObjectiveItem, list_objectives

router = APIRouter(prefix="/v1/objectives", tags=["objectives"], route_class=DirectRoute)

OwnerFilter = Annotated[
    str | None,
    Query(
        pattern=r"^(company|team|person):[^\x00]{1,200}$",
        description="Only those of this owner, as in `team:quality`.",
    ),
]

# What every change of an objective can be refused for.
CHANGED = (
    AggregateNotFoundError,
    errors.NotOwnerError,
    errors.CycleLockedError,
    errors.ObjectiveStateError,
)


@router.post(
    "",
    status_code=CREATED,
    response_model=ObjectiveShape,
    responses=documented(
        errors.NotOwnerError,
        errors.UnknownCycleError,
        errors.CycleNotOpenError,
        errors.KeyResultTypeUnsupportedError,
        errors.KeyResultTargetError,
    ),
)
async def draft_objective(body: ObjectiveBody, asked: ToCreate) -> Response:
    """Write an objective down, with as many key results as are known by now."""
    draft = Draft(
        cycle_id=body.cycle_id,
        title=body.title,
        description=body.description,
        owner=body.owner.value(),
        ambition=body.ambition,
        key_results={uuid4(): each.definition() for each in body.key_results},
    )
    command = DraftObjective(objective_id=uuid4(), draft=draft, by=asked.by)
    return await asked.run(
        lambda unit: drafted_answer(unit, application.draft_objective(unit, command)),
        reason=body.reason,
        touches=(body.cycle_id,),
    )


@router.get("", response_model=ObjectivePage, responses=documented(MalformedCursorError))
async def get_objectives(
    goals: Running,
    _: Reading,
    cycle: Annotated[UUID | None, Query(description="Only those of this cycle.")] = None,
    owner: OwnerFilter = None,
    state: Annotated[ObjectiveState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List objectives in the order in which they were drafted."""
    wanted = ObjectiveFilter(cycle_id=cycle, owner=_owner(owner), state=state)
    found = await list_objectives(goals.pool, wanted, after=decode_cursor(cursor), limit=limit + 1)
    return page_response(found, limit, render=_item, place=lambda each: each.position)


@router.get(
    "/{objective_id}",
    response_model=ObjectiveShape,
    responses=documented(AggregateNotFoundError, ConflictingParametersError),
)
async def get_objective(
    objective_id: UUID,
    goals: Running,
    _: Reading,
    as_of: AsOf,
    version: Annotated[
        int | None, Query(ge=1, le=MAX_POSITION, description="As this version left it.")
    ] = None,
) -> Response:
    """Show an objective as it stands, as it was known at a moment, or as a version left it."""
    if as_of is not None and version is not None:
        raise ConflictingParametersError("as_of", "version")
    loaded, view = await queries.objective_at(goals, objective_id, as_of=as_of, version=version)
    return state_response(
        objective_document(loaded, view), version=loaded.version, position=loaded.state.position
    )


@router.get(
    "/{objective_id}/history",
    response_model=HistoryPage,
    responses=documented(AggregateNotFoundError, MalformedCursorError),
)
async def get_history(
    objective_id: UUID,
    goals: Running,
    _: Reading,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """Tell an objective's history, oldest first: who did what, when and why, and what changed."""
    entries = await queries.objective_history(
        goals, objective_id, after_version=decode_cursor(cursor), limit=limit + 1
    )
    return page_response(entries, limit, render=entry_document, place=_version)


@router.post(
    "/{objective_id}/align",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.UnknownParentError,
        errors.ParentClosedError,
        errors.AlignmentCircleError,
        errors.AlignmentDepthError,
        errors.AlreadyAlignedError,
        errors.TooManyAlignmentsError,
        errors.CyclesApartError,
    ),
)
async def align_objective(objective_id: UUID, body: AlignBody, asked: ToChange) -> Response:
    """Put the objective below another, or below one key result of it."""
    command = AlignObjective(
        id=objective_id, version=asked.version, by=asked.by, alignment=body.alignment()
    )
    return await asked.run(
        lambda unit: objective_answer(unit, application.align_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id, body.objective_id),
    )


@router.post(
    "/{objective_id}/unalign",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NotAlignedError),
)
async def unalign_objective(objective_id: UUID, body: UnalignBody, asked: ToChange) -> Response:
    """End an alignment."""
    command = UnalignObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        parent_objective_id=body.objective_id,
        parent_key_result_id=body.key_result_id,
    )
    return await asked.run(
        lambda unit: objective_answer(unit, application.unalign_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.post(
    "/{objective_id}/activate",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.CycleNotActiveError, errors.NoKeyResultsError),
)
async def activate_objective(
    objective_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Begin to work on the objective."""
    command = ActivateObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.run(
        lambda unit: objective_answer(unit, application.activate_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.post(
    "/{objective_id}/close",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NothingToScoreError, errors.RollUpTooLargeError),
)
async def close_objective(
    objective_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Score the objective and close it."""
    command = CloseObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.run(
        lambda unit: objective_answer(unit, application.close_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


_OWNER_KINDS: dict[str, OwnerKind] = {"company": "company", "team": "team", "person": "person"}


def _owner(text: str | None) -> Owner | None:
    if text is None:
        return None
    kind, _, owner_id = text.partition(":")
    return Owner(kind=_OWNER_KINDS[kind], id=owner_id)


def _item(item: ObjectiveItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "cycle_id": item.cycle_id,
        "owner": {"kind": item.owner_kind, "id": item.owner_id},
        "title": item.title,
        "state": item.state,
        "updated_at": item.updated_at,
        "version": item.version,
    }


def _version(entry: Entry) -> int:
    return entry.logged.originator_version
