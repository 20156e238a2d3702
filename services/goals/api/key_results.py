"""Key results over HTTP: added, redefined, removed, linked to KPIs."""

from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.positions import MIN_POSITION_HEADER, MalformedPositionError, parse_positions
from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.parameters import RawParameter
from services.chassis.routes import DirectRoute
from services.goals.api.answers import CREATED, added_answer, objective_answer
from services.goals.api.asked import ToChange
from services.goals.api.key_result_bodies import (
    KeyResultBody,
    LinkBody,
    RetargetBody,
    ReviseKeyResultBody,
)
from services.goals.api.objective_schemas import ObjectiveShape
from services.goals.api.problems import CHANGED, documented
from services.goals.application import key_results
from services.goals.commands import AddKeyResult, ChangeKeyResult, LinkKeyResult, RedefineKeyResult
from services.goals.domain import errors
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
    return await asked.change(key_results.add_key_result, command, added_answer, reason=body.reason)


@router.post(
    "/{key_result_id}/revise",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.KeyResultNotFoundError, errors.NothingChangesError),
)
async def revise_key_result(
    objective_id: UUID, key_result_id: UUID, body: ReviseKeyResultBody, asked: ToChange
) -> Response:
    """Change what the key result is called, its unit, its weight, its due date."""
    command = RedefineKeyResult(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=key_result_id,
        changes=body.changes(),
    )
    return await asked.change(
        key_results.revise_key_result, command, objective_answer, reason=body.reason
    )


@router.post(
    "/{key_result_id}/retarget",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.KeyResultNotFoundError,
        errors.ReasonRequiredError,
        errors.KeyResultTypeFixedError,
        errors.KeyResultTargetError,
        errors.NotMeasurableByKpiError,
        errors.NothingChangesError,
    ),
)
async def retarget_key_result(
    objective_id: UUID, key_result_id: UUID, body: RetargetBody, asked: ToChange
) -> Response:
    """Have the key result reach something else; the old and the new target stay in the history."""
    command = RedefineKeyResult(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=key_result_id,
        changes=body.changes(),
    )
    return await asked.change(
        key_results.retarget_key_result, command, objective_answer, reason=body.reason
    )


@router.post(
    "/{key_result_id}/remove",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.KeyResultNotFoundError,
        errors.ReasonRequiredError,
        errors.LastKeyResultError,
        errors.KeyResultHasChildrenError,
    ),
)
async def remove_key_result(
    objective_id: UUID, key_result_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Take the key result out; its history stays."""
    command = ChangeKeyResult(
        id=objective_id, version=asked.version, by=asked.by, key_result_id=key_result_id
    )
    return await asked.change(
        key_results.remove_key_result, command, objective_answer, reason=body.reason
    )


@router.post(
    "/{key_result_id}/link",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        MalformedPositionError,
        NotFollowedYetError,
        errors.KeyResultNotFoundError,
        errors.NotMeasurableByKpiError,
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
    """Have a key result take its value from a KPI, instead of another one where there is one."""
    await wait_until_followed(asked.goals.pool, position)
    command = LinkKeyResult(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        key_result_id=key_result_id,
        link=body.link(),
    )
    return await asked.change(
        key_results.link_key_result, command, objective_answer, reason=body.reason
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
    command = ChangeKeyResult(
        id=objective_id, version=asked.version, by=asked.by, key_result_id=key_result_id
    )
    return await asked.change(
        key_results.unlink_key_result, command, objective_answer, reason=body.reason
    )
