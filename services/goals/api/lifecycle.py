"""An objective's way over HTTP: proposed, approved, activated, scored, carried over, reopened."""

from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.routes import DirectRoute
from services.goals.api.answers import CREATED, drafted_answer, objective_answer
from services.goals.api.asked import ToChange
from services.goals.api.bodies import ReasonBody
from services.goals.api.lifecycle_bodies import (
    NOTHING_SET,
    CarryOverBody,
    CloseBody,
    RescoreBody,
    RetrospectiveBody,
)
from services.goals.api.objective_schemas import ObjectiveShape
from services.goals.api.problems import CHANGED, documented
from services.goals.application import objectives
from services.goals.commands import (
    CarryObjectiveOver,
    ChangeObjective,
    ScoreObjective,
    WriteRetrospective,
)
from services.goals.domain import errors

router = APIRouter(
    prefix="/v1/objectives/{objective_id}", tags=["life cycle"], route_class=DirectRoute
)

_WITH_REASON = documented(*CHANGED, errors.ReasonRequiredError)


@router.post(
    "/propose",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NoKeyResultsError),
)
async def propose_objective(
    objective_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Ask for the draft to be approved, by who answers for an objective above it."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.propose_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/approve",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NotApproverError, errors.AlreadyApprovedError),
)
async def approve_objective(
    objective_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Let the proposed objective be worked on: at once where its cycle is active, else later."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.approve_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/return",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.ReasonRequiredError),
)
async def return_objective(objective_id: UUID, asked: ToChange, body: ReasonBody) -> Response:
    """Have a proposed objective written anew; its owner takes it back in the same way."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.return_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/activate",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.CycleNotActiveError,
        errors.NoKeyResultsError,
        errors.NotApprovedError,
    ),
)
async def activate_objective(
    objective_id: UUID, asked: ToChange, body: EmptyBody = NO_REASON
) -> Response:
    """Begin to work on the objective."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.activate_objective, command, objective_answer, reason=body.reason
    )


@router.post("/postpone", response_model=ObjectiveShape, responses=_WITH_REASON)
async def postpone_objective(objective_id: UUID, asked: ToChange, body: ReasonBody) -> Response:
    """Let the objective rest."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.postpone_objective, command, objective_answer, reason=body.reason
    )


@router.post("/abandon", response_model=ObjectiveShape, responses=_WITH_REASON)
async def abandon_objective(objective_id: UUID, asked: ToChange, body: ReasonBody) -> Response:
    """Give the objective up."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.abandon_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/reopen",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.ReasonRequiredError, errors.CycleNotActiveError),
)
async def reopen_objective(objective_id: UUID, asked: ToChange, body: ReasonBody) -> Response:
    """Go on with what was closed, abandoned or postponed; a score it had is void."""
    command = ChangeObjective(id=objective_id, version=asked.version, by=asked.by)
    return await asked.change(
        objectives.reopen_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/close",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.NothingToScoreError,
        errors.RollUpTooLargeError,
        errors.KeyResultNotFoundError,
        errors.OverrideRefusedError,
    ),
)
async def close_objective(
    objective_id: UUID, asked: ToChange, body: CloseBody = NOTHING_SET
) -> Response:
    """Score the objective and close it: computed, or with scores that are set with reasons."""
    written = body.retrospective
    command = ScoreObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        overrides=[each.value() for each in body.overrides],
        retrospective=written.value() if written else None,
    )
    return await asked.change(
        objectives.close_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/rescore",
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.ReasonRequiredError,
        errors.NothingToScoreError,
        errors.NothingChangesError,
        errors.KeyResultNotFoundError,
        errors.OverrideRefusedError,
    ),
)
async def rescore_objective(objective_id: UUID, asked: ToChange, body: RescoreBody) -> Response:
    """Score a closed objective anew."""
    command = ScoreObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        overrides=[each.value() for each in body.overrides],
    )
    return await asked.change(
        objectives.rescore_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/write-retrospective",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NothingChangesError),
)
async def write_retrospective(
    objective_id: UUID, asked: ToChange, body: RetrospectiveBody
) -> Response:
    """Write down what was learned: what worked, what did not, what to carry on."""
    command = WriteRetrospective(
        id=objective_id, version=asked.version, by=asked.by, retrospective=body.value()
    )
    return await asked.change(
        objectives.write_retrospective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/carry-over",
    status_code=CREATED,
    response_model=ObjectiveShape,
    responses=documented(
        *CHANGED,
        errors.UnknownCycleError,
        errors.AlreadyCarriedOverError,
        errors.CarryOverCycleError,
        errors.NothingToCarryOverError,
        errors.KeyResultNotFoundError,
        errors.KeyResultTargetError,
    ),
)
async def carry_objective_over(
    objective_id: UUID, asked: ToChange, body: CarryOverBody
) -> Response:
    """Go on in a later cycle with a new objective, which is answered; last values are baselines."""
    command = CarryObjectiveOver(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        successor_id=uuid4(),
        carry_over=body.carry_over(),
        follow_kpis=body.follow_kpis,
    )
    return await asked.change(
        objectives.carry_objective_over,
        command,
        drafted_answer,
        reason=body.reason,
        touches=(body.cycle_id,),
    )
