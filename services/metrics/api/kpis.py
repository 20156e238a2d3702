"""KPIs over HTTP: their definitions, their readings, and what these came to."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal, NamedTuple, cast

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from contracts.goals import KpiKey, OwnerKind
from contracts.metrics import KpiCadence
from contracts.positions import MAX_POSITION, POSITION_HEADER, render_position
from services.chassis.bodies import NO_REASON, EmptyBody
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.eventstore.unit import Answer, Loaded
from services.chassis.parameters import AsOf, etag
from services.chassis.postgres import connection
from services.chassis.responses import OrjsonResponse, to_json
from services.chassis.routes import DirectRoute
from services.metrics import application
from services.metrics.api.asked import SERVICE, Reading, Running, ToChange, ToCreate
from services.metrics.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    page_response,
)
from services.metrics.api.problems import documented
from services.metrics.api.rendering import (
    kpi_document,
    kpi_item,
    period_document,
    reading_document,
)
from services.metrics.api.schemas import (
    EARLIEST_MOMENT,
    LATEST_MOMENT,
    KpiBody,
    KpiPage,
    KpiShape,
    Moment,
    PeriodPage,
    ReadingPage,
    RedefinitionBody,
)
from services.metrics.domain import errors
from services.metrics.domain.events import Owner
from services.metrics.domain.kpi import Kpi, kpi_id
from services.metrics.persistence.kpis import KpiFilter, find_kpi, list_kpis
from services.metrics.persistence.log import KPI
from services.metrics.persistence.readings import (
    FIRST_PLACE,
    ReadingFilter,
    ReadingPlace,
    list_readings,
)
from services.metrics.persistence.rollups import RollupFilter, list_rollups
from services.metrics.runtime import Metrics

router = APIRouter(prefix="/v1/kpis", tags=["kpis"], route_class=DirectRoute)

_BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
MAX_DEFINITION: Final = 2**31 - 1

_KEY_CHARACTERS: Final = r"^[a-z0-9._-]*$"

Prefix = Annotated[
    str, Query(max_length=400, pattern=_KEY_CHARACTERS, description="Only keys that begin so.")
]
OwnerFilter = Annotated[
    str | None,
    Query(
        pattern=r"^(company|team|person):[^\x00]{1,200}$",
        description="Only those of this owner, as in `team:sales`.",
    ),
]
Key = Annotated[KpiKey, Path(description="The KPI's key.")]
From = Annotated[Moment, Query(alias="from", description="Nothing before this moment.")]
To = Annotated[Moment, Query(description="Nothing from this moment on.")]


class _KeyPlace(NamedTuple):
    key: Annotated[str, msgspec.Meta(pattern=_KEY_CHARACTERS)]


class _PeriodPlace(NamedTuple):
    start: datetime


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=KpiShape,
    responses=documented(errors.KpiExistsError, errors.TimeZoneUnknownError),
)
async def define_kpi(body: KpiBody, asked: ToCreate) -> Response:
    """Define a KPI: what is measured, and how readings become one value a period."""
    return await asked.run(
        lambda unit: _answer(
            application.define_kpi(unit, body.key, body.terms()), HTTPStatus.CREATED
        ),
        reason=body.reason,
        touches=(kpi_id(body.key),),
    )


@router.get("", response_model=KpiPage, responses=documented(MalformedCursorError))
async def get_kpis(
    metrics: Running,
    _: Reading,
    prefix: Prefix = "",
    owner: OwnerFilter = None,
    cadence: Annotated[KpiCadence | None, Query(description="Only of this cadence.")] = None,
    retired: Annotated[bool | None, Query(description="Only retired ones, or only live.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List KPIs in the order of their keys."""
    wanted = KpiFilter(prefix=prefix, owner=_owner(owner), cadence=cadence, retired=retired)
    after = decode_cursor(cursor, _KeyPlace, _KeyPlace(""))
    async with connection(metrics.pool) as lent:
        found = await list_kpis(lent, wanted, after=after.key, limit=limit + 1)
    return page_response(found, limit, render=kpi_item, place=lambda each: _KeyPlace(each.key))


@router.get(
    "/{key}",
    response_model=KpiShape,
    responses=documented(errors.KpiUnknownError, VersionNotReachedError),
)
async def get_kpi(
    key: Key,
    metrics: Running,
    _: Reading,
    as_of: AsOf,
    version: Annotated[
        int | None, Query(ge=1, le=MAX_POSITION, description="As this version left it.")
    ] = None,
) -> Response:
    """Show a KPI as it stands, as it was known at a moment, or as a version left it."""
    try:
        loaded = await metrics.log.state(KPI, kpi_id(key), as_of=as_of, version=version)
    except AggregateNotFoundError:
        raise errors.KpiUnknownError(key) from None
    position = loaded.state.position
    assert position is not None
    return OrjsonResponse(
        kpi_document(loaded),
        headers={
            "ETag": etag(loaded.version),
            POSITION_HEADER: render_position(SERVICE, position),
        },
    )


@router.post(
    "/{key}/redefine",
    response_model=KpiShape,
    responses=documented(
        errors.KpiUnknownError,
        errors.KpiRetiredError,
        errors.DefinitionUnchangedError,
        errors.TimeZoneUnknownError,
    ),
)
async def redefine_kpi(key: Key, body: RedefinitionBody, asked: ToChange) -> Response:
    """Give a KPI its next definition; what was published under the one before stays so."""
    return await asked.run(
        lambda unit: _answer(
            application.redefine_kpi(
                unit, key, body.changes(), version=asked.version, reason=body.reason
            )
        ),
        reason=body.reason,
        touches=(kpi_id(key),),
    )


@router.post(
    "/{key}/retire",
    response_model=KpiShape,
    responses=documented(errors.KpiUnknownError, errors.KpiRetiredError),
)
async def retire_kpi(key: Key, asked: ToChange, body: EmptyBody = NO_REASON) -> Response:
    """Take no more readings of a KPI. What it measured stays readable."""
    return await asked.run(
        lambda unit: _answer(application.retire_kpi(unit, key, version=asked.version)),
        reason=body.reason,
        touches=(kpi_id(key),),
    )


@router.get(
    "/{key}/readings",
    response_model=ReadingPage,
    responses=documented(errors.KpiUnknownError, MalformedCursorError),
)
async def get_readings(
    key: Key,
    metrics: Running,
    _: Reading,
    start: From = EARLIEST_MOMENT,
    to: To = LATEST_MOMENT,
    revisions: Annotated[
        Literal["current", "all"], Query(description="Whether superseded ones are listed too.")
    ] = "current",
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List the readings of a KPI in the order of their moments."""
    await _require_kpi(metrics, key)
    wanted = ReadingFilter(start=start, end=to, all_revisions=revisions == "all")
    after = decode_cursor(cursor, ReadingPlace, FIRST_PLACE)
    async with connection(metrics.pool) as lent:
        found = await list_readings(lent, key, wanted, after=after, limit=limit + 1)
    return page_response(found, limit, render=reading_document, place=lambda each: each.place)


@router.get(
    "/{key}/periods",
    response_model=PeriodPage,
    responses=documented(
        errors.KpiUnknownError, errors.DefinitionUnknownError, MalformedCursorError
    ),
)
async def get_periods(
    key: Key,
    metrics: Running,
    _: Reading,
    start: From = EARLIEST_MOMENT,
    to: To = LATEST_MOMENT,
    definition: Annotated[
        int | None,
        Query(ge=1, le=MAX_DEFINITION, description="By which definition; the current one."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List what a KPI's readings came to in the periods that meet a range, in order."""
    current = await _require_kpi(metrics, key)
    if definition is not None and definition > current:
        raise errors.DefinitionUnknownError(key, definition)
    wanted = RollupFilter(definition=definition or current, start=start, end=to)
    after = decode_cursor(cursor, _PeriodPlace, _PeriodPlace(_BEFORE_ALL))
    async with connection(metrics.pool) as lent:
        found = await list_rollups(lent, key, wanted, after=after.start, limit=limit + 1)
    return page_response(
        found, limit, render=period_document, place=lambda each: _PeriodPlace(each.period_start)
    )


def _answer(loaded: Loaded[Kpi], status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """The KPI as the command left it."""
    created = status == HTTPStatus.CREATED
    return Answer(
        status,
        to_json(kpi_document(loaded)),
        etag=loaded.version,
        location=f"/v1/kpis/{loaded.state.key}" if created else None,
    )


def _owner(given: str | None) -> Owner | None:
    if given is None:
        return None
    kind, _, owner_id = given.partition(":")
    return Owner(kind=cast("OwnerKind", kind), id=owner_id)


async def _require_kpi(metrics: Metrics, key: str) -> int:
    """The number of the KPI's current definition. Raises KpiUnknownError."""
    async with connection(metrics.pool) as lent:
        found = await find_kpi(lent, key)
    if found is None:
        raise errors.KpiUnknownError(key)
    return found.definition
