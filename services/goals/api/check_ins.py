"""Check-ins over HTTP: said, put right, listed in the order in which they were true."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.unit import Answer, Unit
from services.chassis.routes import DirectRoute
from services.goals.api.answers import CREATED, checked_in_answer, objective_answer
from services.goals.api.asked import Reading, Running, ToChange
from services.goals.api.check_in_bodies import CheckInBody, CorrectionBody
from services.goals.api.check_in_schemas import CheckedInShape, CheckInPage
from services.goals.api.objective_schemas import ObjectiveShape
from services.goals.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_time_cursor,
    encode_time_cursor,
    page_response,
)
from services.goals.api.problems import CHANGED, documented
from services.goals.api.rendering import check_in_document
from services.goals.application import key_results
from services.goals.commands import CheckIn, CorrectCheckIn
from services.goals.domain import errors
from services.goals.domain.check_in import Statement
from services.goals.persistence.check_ins import Place, list_check_ins
from services.goals.persistence.log import OBJECTIVE

router = APIRouter(
    prefix="/v1/objectives/{objective_id}", tags=["check-ins"], route_class=DirectRoute
)

_SAID = (*CHANGED, errors.KeyResultNotFoundError, errors.CheckInValueError)


@router.post(
    "/key-results/{key_result_id}/check-ins",
    status_code=CREATED,
    response_model=CheckedInShape,
    responses=documented(*_SAID, errors.EffectiveAtError, errors.OverrideReasonRequiredError),
)
async def check_in(
    objective_id: UUID, key_result_id: UUID, body: CheckInBody, asked: ToChange
) -> Response:
    """Say how a key result stands, or stood."""
    said = Statement(
        key_result_id=key_result_id,
        check_in_id=uuid4(),
        standing=body.standing(),
        confidence=body.confidence,
        status=body.status,
        comment=body.comment,
    )
    command = CheckIn(id=objective_id, version=asked.version, by=asked.by, said=said)

    def decide(unit: Unit) -> Answer:
        loaded = key_results.check_in_on_key_result(unit, command)
        return checked_in_answer(
            unit, loaded, key_result_id=key_result_id, check_in_id=said.check_in_id
        )

    return await asked.run(
        decide,
        reason=body.reason,
        effective_at=body.effective_at,
        touches=(objective_id,),
    )


@router.post(
    "/key-results/{key_result_id}/check-ins/{check_in_id}/correct",
    response_model=ObjectiveShape,
    responses=documented(
        *_SAID,
        errors.CheckInNotFoundError,
        errors.ReasonRequiredError,
        errors.NothingChangesError,
    ),
)
async def correct_check_in(
    objective_id: UUID,
    key_result_id: UUID,
    check_in_id: UUID,
    body: CorrectionBody,
    asked: ToChange,
) -> Response:
    """Put a check-in right; what is not sent stays, and what it said stays in the history."""
    command = CorrectCheckIn(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=key_result_id,
        check_in_id=check_in_id,
        changes=body.changes(),
    )
    return await asked.change(
        key_results.correct_check_in, command, objective_answer, reason=body.reason
    )


@router.get(
    "/check-ins",
    response_model=CheckInPage,
    responses=documented(AggregateNotFoundError, MalformedCursorError),
)
async def get_check_ins(
    objective_id: UUID,
    goals: Running,
    _: Reading,
    key_result_id: Annotated[UUID | None, Query(description="Only those on it.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List check-ins in the order of the times they are about, with what was corrected."""
    after = decode_time_cursor(cursor)
    await goals.log.state(OBJECTIVE, objective_id, version=1)
    found = await list_check_ins(
        goals.pool,
        objective_id,
        key_result_id=key_result_id,
        after=Place(*after) if after else None,
        limit=limit + 1,
    )
    return page_response(
        found,
        limit,
        render=check_in_document,
        cursor=lambda each: encode_time_cursor((each.effective_at, each.check_in_id)),
    )
