"""Objectives over HTTP: written down, revised, listed, and shown as of any time."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.goals import Label, ObjectiveState
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.parameters import AsOf
from services.chassis.routes import DirectRoute
from services.goals import queries
from services.goals.api.answers import CREATED, drafted_answer, objective_answer
from services.goals.api.asked import Reading, Running, ToChange, ToCreate
from services.goals.api.history_schemas import HistoryPage
from services.goals.api.objective_bodies import (
    DelegateBody,
    ObjectiveBody,
    ReassignBody,
    ReviseObjectiveBody,
)
from services.goals.api.objective_schemas import ObjectivePage, ObjectiveShape
from services.goals.api.owners import OwnerFilter, asked_owner
from services.goals.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
    page_response,
)
from services.goals.api.problems import CHANGED, documented
from services.goals.api.rendering import after_entry, entry_document, objective_document
from services.goals.api.states import (
    AtVersion,
    ConflictingParametersError,
    refuse_both,
    state_response,
)
from services.goals.application import objectives
from services.goals.commands import (
    DelegateObjective,
    DraftObjective,
    ReassignObjective,
    ReviseObjective,
)
from services.goals.domain import errors
from services.goals.domain.objective import Draft
from services.goals.persistence.lists import ObjectiveFilter, ObjectiveItem, list_objectives

router = APIRouter(prefix="/v1/objectives", tags=["objectives"], route_class=DirectRoute)


@router.post(
    "",
    status_code=CREATED,
    response_model=ObjectiveShape,
    responses=documented(
        errors.NotOwnerError,
        errors.UnknownCycleError,
        errors.CycleNotOpenError,
        errors.KeyResultTargetError,
        errors.TooManyLabelsError,
    ),
)
async def draft_objective(body: ObjectiveBody, asked: ToCreate) -> Response:
    """Write an objective down, with as many key results as are known by now."""
    draft = Draft(
        cycle_id=body.cycle_id,
        wording=body.wording(),
        owner=body.owner.value(),
        delegates=tuple(each.value() for each in body.delegates),
        key_results={uuid4(): each.definition() for each in body.key_results},
    )
    command = DraftObjective(objective_id=uuid4(), draft=draft, by=asked.by)
    return await asked.run(
        lambda unit: drafted_answer(unit, objectives.draft_objective(unit, command)),
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
    label: Annotated[Label | None, Query(description="Only those with this label.")] = None,
    text: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Only those with it in title or description, in whatever case.",
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List objectives in the order in which they were drafted."""
    wanted = ObjectiveFilter(
        cycle_id=cycle, owner=asked_owner(owner), state=state, label=label, text=text
    )
    found = await list_objectives(goals.pool, wanted, after=decode_cursor(cursor), limit=limit + 1)
    return page_response(
        found, limit, render=_item, cursor=lambda each: encode_cursor(each.position)
    )


@router.get(
    "/{objective_id}",
    response_model=ObjectiveShape,
    responses=documented(
        AggregateNotFoundError, VersionNotReachedError, ConflictingParametersError
    ),
)
async def get_objective(
    objective_id: UUID,
    goals: Running,
    _: Reading,
    as_of: AsOf,
    version: AtVersion = None,
) -> Response:
    """Show an objective as it stands, as it was known at a moment, or as a version left it."""
    refuse_both(as_of, version)
    loaded, view = await queries.objective_at(goals, objective_id, as_of=as_of, version=version)
    return state_response(
        objective_document(loaded, view), version=loaded.version, position=loaded.state.position
    )


@router.get(
    "/{objective_id}/history",
    response_model=HistoryPage,
    responses=documented(AggregateNotFoundError, VersionNotReachedError, MalformedCursorError),
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
    return page_response(entries, limit, render=entry_document, cursor=after_entry)


@router.post(
    "/{objective_id}/revise",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NothingChangesError, errors.TooManyLabelsError),
)
async def revise_objective(
    objective_id: UUID, body: ReviseObjectiveBody, asked: ToChange
) -> Response:
    """Say the objective in other words: title, description, ambition, labels."""
    command = ReviseObjective(
        id=objective_id, version=asked.version, by=asked.by, changes=body.changes()
    )
    return await asked.change(
        objectives.revise_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/{objective_id}/reassign",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NothingChangesError),
)
async def reassign_objective(objective_id: UUID, body: ReassignBody, asked: ToChange) -> Response:
    """Have somebody else answer for the objective; only administrators give it to the company."""
    command = ReassignObjective(
        id=objective_id, version=asked.version, by=asked.by, owner=body.owner.value()
    )
    return await asked.change(
        objectives.reassign_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/{objective_id}/delegate",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NothingChangesError, errors.TooManyDelegatesError),
)
async def delegate_objective(objective_id: UUID, body: DelegateBody, asked: ToChange) -> Response:
    """Let these, and nobody else, change the objective in its owner's name."""
    command = DelegateObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        delegates=[each.value() for each in body.delegates],
    )
    return await asked.change(
        objectives.delegate_objective, command, objective_answer, reason=body.reason
    )


def _item(item: ObjectiveItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "cycle_id": item.cycle_id,
        "owner": {"kind": item.owner_kind, "id": item.owner_id},
        "title": item.title,
        "labels": item.labels,
        "state": item.state,
        "updated_at": item.updated_at,
        "version": item.version,
    }
