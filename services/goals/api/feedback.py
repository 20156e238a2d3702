"""Feedback over HTTP: comments and acknowledgements, by whoever may write."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.routes import DirectRoute
from services.goals.api.answers import CREATED, added_answer, objective_answer
from services.goals.api.asked import Reading, Running, ToCreate
from services.goals.api.feedback_bodies import THE_OBJECTIVE, AcknowledgeBody, CommentBody
from services.goals.api.feedback_schemas import FeedbackPage
from services.goals.api.objective_schemas import ObjectiveShape
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
from services.goals.api.rendering import feedback_document
from services.goals.application import objectives
from services.goals.commands import AcknowledgeObjective, CommentObjective
from services.goals.domain import errors
from services.goals.persistence.feedback import list_feedback
from services.goals.persistence.log import OBJECTIVE

router = APIRouter(
    prefix="/v1/objectives/{objective_id}", tags=["feedback"], route_class=DirectRoute
)

_SAID = documented(AggregateNotFoundError, errors.CheckInNotFoundError)


@router.post("/comments", status_code=CREATED, response_model=ObjectiveShape, responses=_SAID)
async def comment_objective(objective_id: UUID, body: CommentBody, asked: ToCreate) -> Response:
    """Say something to the objective, or to one of its check-ins; it outdates nobody's change."""
    command = CommentObjective(
        id=objective_id, comment_id=uuid4(), text=body.text, check_in_id=body.check_in_id
    )
    return await asked.run(
        lambda unit: added_answer(unit, objectives.comment_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.post("/acknowledge", response_model=ObjectiveShape, responses=_SAID)
async def acknowledge_objective(
    objective_id: UUID, asked: ToCreate, body: AcknowledgeBody = THE_OBJECTIVE
) -> Response:
    """Take note of the objective, or of one of its check-ins; once more changes nothing."""
    command = AcknowledgeObjective(id=objective_id, check_in_id=body.check_in_id)
    return await asked.run(
        lambda unit: objective_answer(unit, objectives.acknowledge_objective(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.get(
    "/comments",
    response_model=FeedbackPage,
    responses=documented(AggregateNotFoundError, MalformedCursorError),
)
async def get_feedback(
    objective_id: UUID,
    goals: Running,
    _: Reading,
    check_in_id: Annotated[UUID | None, Query(description="Only what was said to it.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List comments and acknowledgements, oldest first."""
    after = decode_cursor(cursor)
    await goals.log.state(OBJECTIVE, objective_id, version=1)
    found = await list_feedback(
        goals.pool, objective_id, check_in_id=check_in_id, after=after, limit=limit + 1
    )
    return page_response(
        found, limit, render=feedback_document, cursor=lambda each: encode_cursor(each.version)
    )
