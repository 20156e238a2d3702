"""Readings over HTTP: taken in, and those from the bus that could not be taken."""

from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from contracts.positions import MAX_POSITION
from contracts.readings import Reading as ContractReading
from contracts.subjects import SOURCE_PATTERN
from services.chassis.parameters import IdempotencyKey
from services.chassis.postgres import connection
from services.chassis.responses import OrjsonResponse
from services.chassis.routes import DirectRoute
from services.metrics import application
from services.metrics.api.asked import Producing, Reading, Running
from services.metrics.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    page_response,
)
from services.metrics.api.problems import documented
from services.metrics.api.rendering import recording_document, rejection_document
from services.metrics.api.schemas import RecordingShape, RejectedReadingPage
from services.metrics.persistence.rejected import list_rejections
from services.metrics.reading_format import (
    MAX_READINGS,
    MEDIA_TYPE,
    MalformedBatchError,
    TooManyReadingsError,
    UnsupportedFormatError,
    decode_batch,
    require_supported,
)
from services.metrics.recorder import RecorderOverloadedError, RecordingContendedError
from services.metrics.recording import Submission

router = APIRouter(prefix="/v1", tags=["readings"], route_class=DirectRoute)


def _with_source(schema: dict[str, Any]) -> dict[str, Any]:
    """What is published on the bus, with the source that a subject names there."""
    source = {"type": "string", "pattern": f"^{SOURCE_PATTERN}$", "description": "Who measured."}
    return schema | {
        "properties": schema["properties"] | {"source": source},
        "required": [*schema["required"], "source"],
    }


_READING: Final = _with_source(ContractReading.model_json_schema())
_READINGS: Final = {"type": "array", "items": _READING, "maxItems": MAX_READINGS}
_MEASURED: Final = {
    "kpi": "sales.conversion",
    "at": "2026-02-02T06:00:00Z",
    "value": 6.4,
    "source": "shop",
}
_CORRECTED: Final = {
    "kpi": "customers.churn",
    "at": "2026-02-01T00:00:00Z",
    "value": 3.72,
    "source": "crm",
    "correction": True,
    "reason": "Two customers had only moved.",
}
_EXAMPLES: Final = {
    "one": {"summary": "One reading", "value": _MEASURED},
    "several": {"summary": "An array; one corrects", "value": [_MEASURED, _CORRECTED]},
    "object": {"summary": "An object", "value": {"readings": [_MEASURED]}},
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "oneOf": [
                        _READING,
                        _READINGS,
                        {
                            "type": "object",
                            "required": ["readings"],
                            "properties": {"readings": _READINGS},
                            "additionalProperties": False,
                        },
                    ]
                },
                "examples": _EXAMPLES,
            }
        },
    }
}


class _Number(NamedTuple):
    number: int


@router.post(
    "/readings",
    response_model=RecordingShape,
    responses=documented(
        UnsupportedFormatError,
        MalformedBatchError,
        TooManyReadingsError,
        application.NothingRecordedError,
        RecorderOverloadedError,
        RecordingContendedError,
    ),
    openapi_extra=_BODY,
)
async def record_readings(
    request: Request, metrics: Running, caller: Producing, _: IdempotencyKey
) -> Response:
    """Record readings: one, an array of them, or an object with such an array in `readings`.

    Rows are taken one by one: those that cannot be recorded are listed with their index and the
    reason, the others are kept, and durable when this is answered. Where all are refused, the
    answer is a problem that lists them. A batch can be sent again without harm, whatever became
    of the first time and with or without the same Idempotency-Key: a reading that was recorded
    is counted as a duplicate.
    """
    require_supported(request.headers.get("content-type"))
    submission = Submission(
        batch=decode_batch(await request.body()),
        actor=f"{caller.kind}:{caller.id}",
        may_write=caller.may_write_kpi,
    )
    recording = await application.record_readings(metrics.recorder, submission)
    return OrjsonResponse(recording_document(recording))


@router.get(
    "/rejected-readings",
    response_model=RejectedReadingPage,
    responses=documented(MalformedCursorError),
)
async def get_rejected_readings(
    metrics: Running,
    _: Reading,
    source: Annotated[
        str | None, Query(pattern=f"^{SOURCE_PATTERN}$", description="Only of this producer.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List what producers sent over the bus and could not be taken, newest first."""
    before = decode_cursor(cursor, _Number, _Number(MAX_POSITION))
    async with connection(metrics.pool) as lent:
        found = await list_rejections(lent, source=source, before=before.number, limit=limit + 1)
    return page_response(
        found, limit, render=rejection_document, place=lambda each: _Number(each.rejected_no)
    )
