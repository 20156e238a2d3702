"""Plans over HTTP: a cycle with all that is in it given out, and a whole plan taken in."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.unit import Answer
from services.chassis.parameters import AsOf
from services.chassis.responses import OrjsonResponse, to_json
from services.chassis.routes import DirectRoute
from services.goals import queries
from services.goals.api.answers import CREATED, OK
from services.goals.api.asked import Reading, Running, ToCreate
from services.goals.api.bodies import StorableTitle
from services.goals.api.plan_schemas import PLAN_BODY, ImportedPlanShape
from services.goals.api.plan_type import (
    CSV,
    JSON,
    PlanFormat,
    UnknownPlanTypeError,
    sent_format,
    wanted_format,
)
from services.goals.api.problems import documented
from services.goals.application import exchange
from services.goals.application.exchange import ImportedObjective, ImportedPlan, PlanRehearsedError
from services.goals.commands import ImportPlan
from services.goals.exchange.errors import (
    ExportTooLargeError,
    PlanNotAllowedError,
    PlanRefusedError,
)
from services.goals.exchange.findings import Findings
from services.goals.exchange.plan import ExportedPlan
from services.goals.exchange.reading import ReadPlan
from services.goals.exchange.sent import read_document, read_file
from services.goals.exchange.writing import HEADER, plan_as_csv

router = APIRouter(prefix="/v1", tags=["plans"], route_class=DirectRoute)


@router.get(
    "/cycles/{cycle_id}/export",
    response_model=ExportedPlan,
    responses={
        OK: {
            "description": "The plan.",
            "content": {
                CSV: {
                    "schema": {
                        "type": "string",
                        "description": "A row for each key result; columns: " + ", ".join(HEADER),
                    }
                }
            },
        },
        **documented(AggregateNotFoundError, ExportTooLargeError),
    },
)
async def export_cycle(
    cycle_id: UUID,
    request: Request,
    goals: Running,
    _: Reading,
    as_of: AsOf,
    asked: Annotated[
        PlanFormat | None,
        Query(alias="format", description="It goes before what Accept says; else json."),
    ] = None,
) -> Response:
    """Give a cycle with all that is in it, as it stands or as it was known at a moment.

    The same can be imported again, here or elsewhere. In CSV, a text that a spreadsheet would take
    for a formula has an apostrophe before it, which an import takes away.
    """
    plan = await queries.cycle_plan(goals, cycle_id, as_of=as_of)
    chosen = wanted_format(asked, request.headers.get("accept"))
    render = _as_csv if chosen == "csv" else _as_json
    content = await asyncio.to_thread(render, plan)
    return Response(
        content,
        media_type=CSV if chosen == "csv" else JSON,
        headers={
            "Content-Disposition": f'attachment; filename="cycle-{cycle_id}.{chosen}"',
            "Vary": "Accept",
        },
    )


@router.post(
    "/plans",
    status_code=CREATED,
    response_model=ImportedPlanShape,
    responses={
        OK: {
            "description": "Nothing new: a dry run, or all of it was there.",
            "model": ImportedPlanShape,
        },
        **documented(PlanRefusedError, PlanNotAllowedError, UnknownPlanTypeError),
    },
    openapi_extra={"requestBody": PLAN_BODY},
)
async def import_plan(
    request: Request,
    asked: ToCreate,
    *,
    dry_run: Annotated[
        bool, Query(description="Answer what an import would answer, and record nothing.")
    ] = False,
    activate: Annotated[
        bool, Query(description="Begin the work on what can be worked on; else all are drafts.")
    ] = False,
    cycle: Annotated[
        StorableTitle | None,
        Query(description="Id or name of the cycle to bring it into, instead of the plan's own."),
    ] = None,
) -> Response:
    """Bring a whole plan in: all of it, or with one error nothing.

    Every fault is named with its place. An objective that an earlier import of the same plan
    brought into the cycle, as its key tells, is left as it is. For administrators, and for who
    speaks for the owners of all objectives that are new.
    """
    read = await _read(request)
    command = ImportPlan(read=read, cycle=cycle, activate=activate, dry_run=dry_run, by=asked.by)
    try:
        return await asked.run(
            lambda unit: _answer(exchange.import_plan(unit, command)),
            reason=read.reason,
            touches=exchange.touches(command),
        )
    except PlanRehearsedError as rehearsed:
        return OrjsonResponse(_document(rehearsed.imported, dry_run=True))


async def _read(request: Request) -> ReadPlan:
    """The plan in the body. Raises UnknownPlanTypeError, PlanRefusedError."""
    sent = sent_format(request.headers.get("content-type"))
    content = await request.body()
    read = await asyncio.to_thread(_read_json if sent == "json" else read_file, content)
    if not read.objectives:
        found = Findings(read.findings)
        raise PlanRefusedError(found.kept, errors=found.errors, total=found.total)
    return read


def _read_json(content: bytes) -> ReadPlan:
    try:
        return read_document(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([fault]) from error


def _as_csv(plan: ExportedPlan) -> bytes:
    return plan_as_csv(plan).encode()


def _as_json(plan: ExportedPlan) -> bytes:
    return to_json(plan.model_dump(mode="json"))


def _answer(imported: ImportedPlan) -> Answer:
    document = _document(imported, dry_run=False)
    news = document["created"] or imported.cycle_created
    return Answer(CREATED if news else OK, to_json(document))


def _document(imported: ImportedPlan, *, dry_run: bool) -> dict[str, Any]:
    """An ImportedPlanShape."""
    created = sum(each.created for each in imported.objectives)
    return {
        "dry_run": dry_run,
        "cycle": {
            "id": imported.cycle.id,
            "name": imported.cycle.state.name,
            "created": imported.cycle_created,
        },
        "created": created,
        "already_there": len(imported.objectives) - created,
        "objectives": [_objective(each) for each in imported.objectives],
        "findings": imported.findings,
        "findings_total": imported.findings_total,
    }


def _objective(imported: ImportedObjective) -> dict[str, Any]:
    loaded = imported.loaded
    return {
        "key": imported.key,
        "id": loaded.id,
        "title": loaded.state.title,
        "state": loaded.state.state,
        "created": imported.created,
        "key_results": len(loaded.state.key_results),
        "alignments": len(loaded.state.alignments),
        "version": loaded.version,
    }
