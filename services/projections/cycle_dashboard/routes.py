"""Cycles and their dashboards over HTTP."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from contracts.events import OpaqueId
from contracts.goals import OwnerKind
from contracts.positions import MalformedPositionError
from contracts.progress import computed_status
from services.chassis.bodies import DAY_FORM, LINE, MOMENT_FORM
from services.projections.api import asked as api
from services.projections.api.filters import States, WithLabel
from services.projections.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
)
from services.projections.api.problems import documented
from services.projections.checkpoints import DAWN
from services.projections.cycle_dashboard.query import (
    Asked,
    SinceAfterAsOfError,
    Standing,
    find_standings,
    find_unchecked,
)
from services.projections.cycle_dashboard.schemas import CycleDashboardShape, CyclesShape
from services.projections.cycle_dashboard.summary import (
    by_owner,
    changed,
    furthest_behind,
    summarise,
)
from services.projections.okrs.cycles import UnknownCycleError, cycle_at, cycles_page, term
from services.projections.okrs.rows import Cycle
from services.projections.waiting import NotFollowedYetError

MAX_OWNERS: Final = 500
MAX_BEHIND: Final = 10
MAX_UNCHECKED: Final = 50
MAX_CHANGED: Final = 100

router = APIRouter(tags=["cycle dashboard"])

_ANY_QUERY: Final = (NotFollowedYetError, MalformedPositionError)


@router.get(
    "/v1/cycles",
    response_model=CyclesShape,
    responses=documented(MalformedCursorError, *_ANY_QUERY),
)
async def get_cycles(
    asked: api.Asked, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_ITEMS
) -> Response:
    """List the cycles that are known, the latest first."""
    before = decode_cursor(cursor, tuple[date, UUID]) if cursor is not None else None
    async with asked.known() as known:
        found = await cycles_page(known.connection, before=before, at=known.at, limit=limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return await known.answer(
        {
            "items": [_cycle(each) for each in shown],
            "next": encode_cursor((last.starts_on, last.cycle_id)) if last else None,
        }
    )


@router.get(
    "/v1/cycle-dashboards/{cycle_id}",
    response_model=CycleDashboardShape,
    responses=documented(UnknownCycleError, SinceAfterAsOfError, *_ANY_QUERY),
)
async def get_cycle_dashboard(
    asked: api.Asked,
    cycle_id: UUID,
    owner_kind: Annotated[OwnerKind | None, Query(description="Only objectives of these.")] = None,
    owner_id: Annotated[
        Annotated[OpaqueId, LINE] | None, Query(description="Only objectives of this one.")
    ] = None,
    states: States = None,
    label: WithLabel = None,
    since: Annotated[
        Annotated[AwareDatetime, MOMENT_FORM] | Annotated[date, DAY_FORM] | None,
        Query(description="Also list what changed since this moment, or this day (UTC)."),
    ] = None,
) -> Response:
    """Show how a cycle stands: progress, pace, confidence, by owner, and what is behind."""
    async with asked.known() as known:
        as_of = await known.as_of()
        cycle = await cycle_at(known.connection, cycle_id, as_of)
        wanted = Asked(
            cycle_id=cycle_id,
            at=as_of,
            since=_moment(since, as_of),
            owner_kind=owner_kind,
            owner_id=owner_id,
            states=states,
            label=label,
        )
        standings = await find_standings(known.connection, wanted)
        active = sorted(
            (each for each in standings if each.state == "active" and each.unchecked),
            key=lambda each: (each.title, each.id),
        )
        unchecked = await find_unchecked(
            known.connection, [each.id for each in active], as_of, MAX_UNCHECKED
        )
    document = _document(cycle, standings, wanted)
    return await known.answer(
        {**document, "key_results_without_check_in": [asdict(each) for each in unchecked]}
    )


def _moment(since: datetime | date | None, as_of: datetime) -> datetime | None:
    """`since` as a moment: a day begins at 00:00 UTC. Raises SinceAfterAsOfError."""
    if since is None:
        return None
    moment = since if isinstance(since, datetime) else datetime.combine(since, time.min, UTC)
    if moment > as_of:
        raise SinceAfterAsOfError
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return DAWN  # in UTC it was before the year 1


def _document(cycle: Cycle, standings: Sequence[Standing], wanted: Asked) -> dict[str, Any]:
    """A CycleDashboardShape, but for the key results."""
    now = term(cycle.starts_on, cycle.ends_on, wanted.at)
    owners = by_owner(standings, now)
    return {
        "cycle": _cycle(cycle),
        "expected": now.expected,
        **asdict(summarise(standings, now)),
        "owners": [
            {"owner": {"kind": kind, "id": owner_id}, **asdict(summary)}
            for kind, owner_id, summary in owners[:MAX_OWNERS]
        ],
        "owners_total": len(owners),
        "behind": [
            {
                **_named(each),
                "progress": each.progress,
                "pace": pace_now,
                "computed_status": computed_status(pace_now),
            }
            for each, pace_now in furthest_behind(standings, now, MAX_BEHIND)
        ],
        "changed": _changed(standings, wanted.since),
    }


def _changed(standings: Sequence[Standing], since: datetime | None) -> dict[str, Any] | None:
    """A ChangesShape, None where nobody asked."""
    if since is None:
        return None
    found = changed(standings)
    items = [
        {
            **_named(each),
            "state_before": each.state_before,
            "state": each.state,
            "progress_before": each.progress_before,
            "progress": each.progress,
        }
        for each in found[:MAX_CHANGED]
    ]
    return {"since": since, "total": len(found), "items": items}


def _named(standing: Standing) -> dict[str, Any]:
    return {
        "id": standing.id,
        "title": standing.title,
        "owner": {"kind": standing.owner_kind, "id": standing.owner_id},
    }


def _cycle(cycle: Cycle) -> dict[str, Any]:
    """A CycleShape."""
    return {
        "id": cycle.cycle_id,
        "name": cycle.name,
        "starts_on": cycle.starts_on,
        "ends_on": cycle.ends_on,
        "cadence": cycle.cadence,
        "check_in_rhythm": cycle.check_in_rhythm,
        "state": cycle.state,
    }
