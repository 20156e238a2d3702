"""Alignments over HTTP: one or many made, one moved, one ended."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.eventstore.errors import StaleVersionError
from services.chassis.routes import DirectRoute
from services.goals.api.alignment_bodies import AlignBody, BulkAlignBody, RealignBody, UnalignBody
from services.goals.api.answers import aligned_answer, objective_answer
from services.goals.api.asked import ToChange, ToCreate
from services.goals.api.objective_schemas import BulkAlignedShape, ObjectiveShape
from services.goals.api.problems import CHANGED, documented
from services.goals.application import alignments
from services.goals.commands import AlignMany, AlignObjective, RealignObjective, UnalignObjective
from services.goals.domain import errors

router = APIRouter(prefix="/v1", tags=["alignments"], route_class=DirectRoute)

_ALIGNED = (
    *CHANGED,
    errors.UnknownParentError,
    errors.ParentClosedError,
    errors.AlignmentCircleError,
    errors.AlignmentDepthError,
    errors.AlreadyAlignedError,
    errors.TooManyAlignmentsError,
    errors.CyclesApartError,
)


@router.post(
    "/objectives/{objective_id}/align",
    response_model=ObjectiveShape,
    responses=documented(*_ALIGNED),
)
async def align_objective(objective_id: UUID, body: AlignBody, asked: ToChange) -> Response:
    """Put the objective below another, or below one key result of it, or change how it is there."""
    command = AlignObjective(
        id=objective_id, version=asked.version, by=asked.by, alignment=body.alignment()
    )
    return await asked.change(
        alignments.align_objective,
        command,
        objective_answer,
        reason=body.reason,
        touches=(body.objective_id,),
    )


@router.post(
    "/objectives/{objective_id}/realign",
    response_model=ObjectiveShape,
    responses=documented(*_ALIGNED, errors.NotAlignedError),
)
async def realign_objective(objective_id: UUID, body: RealignBody, asked: ToChange) -> Response:
    """Move an alignment from one parent to another; kind and weight stay unless they are sent."""
    command = RealignObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        from_parent=(body.from_objective_id, body.from_key_result_id),
        to_parent=(body.objective_id, body.key_result_id),
        changes=body.changes(),
    )
    return await asked.change(
        alignments.realign_objective,
        command,
        objective_answer,
        reason=body.reason,
        touches=(body.objective_id,),
    )


@router.post(
    "/objectives/{objective_id}/unalign",
    response_model=ObjectiveShape,
    responses=documented(*CHANGED, errors.NotAlignedError),
)
async def unalign_objective(objective_id: UUID, body: UnalignBody, asked: ToChange) -> Response:
    """End an alignment; who answers for the parent may as well."""
    command = UnalignObjective(
        id=objective_id,
        version=asked.version,
        by=asked.by,
        parent=(body.objective_id, body.key_result_id),
    )
    return await asked.change(
        alignments.unalign_objective, command, objective_answer, reason=body.reason
    )


@router.post(
    "/alignments",
    response_model=BulkAlignedShape,
    responses=documented(*_ALIGNED, StaleVersionError),
)
async def align_many(body: BulkAlignBody, asked: ToCreate) -> Response:
    """Align a whole tree at once: all of it, or none. Each entry names its child's version."""
    command = AlignMany(
        alignments=[
            AlignObjective(
                id=each.child_id, version=each.version, by=asked.by, alignment=each.alignment()
            )
            for each in body.alignments
        ]
    )
    named = ((each.child_id, each.objective_id) for each in body.alignments)
    return await asked.run(
        lambda unit: aligned_answer(alignments.align_many(unit, command)),
        reason=body.reason,
        touches=tuple({objective_id for pair in named for objective_id in pair}),
    )
