"""Key results over HTTP: added, checked in on, linked to KPIs."""

from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.positions import MIN_POSITION_HEADER, MalformedPositionError, parse_positions
from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.eventstore.unit import Answer, Unit
from services.chassis.parameters import RawParameter
from services.chassis.routes import DirectRoute
from services.goals import application
from services.goals.api.answers import CREATED, added_answer, checked_in_answer, objective_answer
from services.goals.api.asked import ToChange
from services.goals.api.objectives import CHANGED
from services.goals.api.problems import documented
from services.goals.api.schemas import (
    CheckedInShape,
    CheckInBody,
    KeyResultBody,
    LinkBody,
    ObjectiveShape,
)
from services.goals.commands import AddKeyResult, CheckIn, LinkKeyResult, UnlinkKeyResult
from services.goals.domain import errors
from services.goals.domain.check_in import Statement
from services.goals.following import NotFollowedYetError, wait_until_followed

router = APIRouter(
    prefix="/v1/objectives/{objective_id}/key-results",
    tags=["key results"],
    route_class=DirectRoute,
)


def _metrics_position(header: str | None) -> int:
    return 0 if header is None else parse_positions(header).get("metrics", 0)


_MIN_METRICS_POSITION: Final = RawParameter(
    place="header",
    name=MIN_POSITION_HEADER,
    description="`metrics:<n>`: wait until the metrics were followed that far.",
    schema={"type": "string", "maxLength": 100},
    parse=_metrics_position,
)
MinMetricsPosition = Annotated[int, Depends(_MIN_METRICS_POSITION)]


@router.post(
    "",
    status_code=CREATED,
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.TooManyKeyResultsError,
        errors.KeyResultTypeUnsupportedError,
        errors.KeyResultTargetError,
    ),
)
async def add_key_result(objective_id: UUID, body: KeyResultBody, asked: ToChange) -> Response:
    """Give the objective one more key result."""
    command = AddKeyResult(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=uuid4(),
        definition=body.definition(),
    )
    return await asked.run(
        lambda unit: added_answer(unit, application.add_key_result(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.post(
    "/{key_result_id}/check-ins",
    status_code=CREATED,
    response_model=CheckedInShape,
    responses=documented(
        *CHANGED,
        errors.KeyResultNotFoundError,
        errors.EffectiveAtError,
        errors.ReasonRequiredError,
    ),
)
async def check_in(
    objective_id: UUID, key_result_id: UUID, body: CheckInBody, asked: ToChange
) -> Response:
    """Say how a key result stands, or stood."""
    check_in_id = uuid4()

    def decide(unit: Unit) -> Answer:
        said = Statement(
            key_result_id=key_result_id,
            check_in_id=check_in_id,
            value=body.value,
            effective_at=unit.context.effective_at,
            confidence=body.confidence,
            status=body.status,
            comment=body.comment,
            reason=body.reason,
        )
        command = CheckIn(id=objective_id, version=asked.version, by=asked.by, said=said)
        loaded = application.check_in_on_key_result(unit, command)
        return checked_in_answer(unit, loaded, key_result_id=key_result_id, check_in_id=check_in_id)

    return await asked.run(
        decide,
        reason=body.reason,
        effective_at=body.effective_at,
        touches=(objective_id,),
    )


@router.post(
    "/{key_result_id}/link",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        MalformedPositionError,
        NotFollowedYetError,
        errors.KeyResultNotFoundError,
        errors.AlreadyLinkedError,
        errors.KpiUnknownError,
        errors.KpiRetiredError,
    ),
)
async def link_key_result(
    objective_id: UUID,
    key_result_id: UUID,
    body: LinkBody,
    asked: ToChange,
    position: MinMetricsPosition,
) -> Response:
    """Have a key result take its value from a KPI."""
    await wait_until_followed(asked.goals.pool, position)
    command = LinkKeyResult(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=key_result_id,
        link=body.link(),
    )
    return await asked.run(
        lambda unit: objective_answer(unit, application.link_key_result(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )


@router.post(
    "/{key_result_id}/unlink",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.KeyResultNotFoundError, errors.NotLinkedError),
)
async def unlink_key_result(
    objective_id: UUID, key_result_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Have a key result follow no KPI; its value stays."""
    command = UnlinkKeyResult(
        id=objective_id, version=asked.version, by=asked.by, key_result_id=key_result_id
    )
    return await asked.run(
        lambda unit: objective_answer(unit, application.unlink_key_result(unit, command)),
        reason=body.reason,
        touches=(objective_id,),
    )
