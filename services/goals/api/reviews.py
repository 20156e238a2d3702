"""Reviews over HTTP: opened, assigned, acted on, closed, listed, and shown as of any time."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from contracts.goals import KpiKey
from contracts.positions import MalformedPositionError
from contracts.reviews import ReviewState
from services.chassis.eventstore.errors import AggregateNotFoundError, VersionNotReachedError
from services.chassis.parameters import AsOf
from services.chassis.routes import DirectRoute
from services.goals import queries
from services.goals.api.answers import CREATED
from services.goals.api.asked import Reading, Running, ToChange, ToCreate
from services.goals.api.bodies import Day, ReasonBody
from services.goals.api.history_schemas import HistoryPage
from services.goals.api.key_results import MinMetricsPosition
from services.goals.api.owners import OwnerFilter, asked_owner
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
from services.goals.api.rendering import entry_document
from services.goals.api.review_bodies import (
    AddActionBody,
    AssignReviewBody,
    CloseReviewBody,
    FindCauseBody,
    MoveActionBody,
    OpenReviewBody,
    ReviseActionBody,
    owner_values,
)
from services.goals.api.review_rendering import (
    added_answer,
    opened_answer,
    review_answer,
    review_document,
    review_item,
)
from services.goals.api.review_schemas import ReviewPage, ReviewShape
from services.goals.api.states import (
    AtVersion,
    ConflictingParametersError,
    refuse_both,
    state_response,
)
from services.goals.application import reviews
from services.goals.domain import errors, review_errors
from services.goals.domain.review import Action
from services.goals.following import NotFollowedYetError, wait_until_followed
from services.goals.persistence.log import REVIEW
from services.goals.persistence.reviews import ReviewFilter, list_reviews
from services.goals.review_commands import (
    AddAction,
    AssignReview,
    CloseReview,
    FindCause,
    MoveAction,
    OpenReview,
    ReopenReview,
    ReviseAction,
)

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=DirectRoute)

# What every change of a review can be refused for.
_CHANGED = (
    AggregateNotFoundError,
    review_errors.NotReviewerError,
    review_errors.ReviewStateError,
)


@router.post(
    "",
    status_code=CREATED,
    response_model=ReviewShape,
    responses=documented(
        MalformedPositionError,
        NotFollowedYetError,
        review_errors.NotReviewerError,
        review_errors.UnknownSubjectError,
        review_errors.SubjectEndedError,
        review_errors.ReviewAlreadyOpenError,
        errors.KpiUnknownError,
    ),
)
async def open_review(
    body: OpenReviewBody, asked: ToCreate, position: MinMetricsPosition
) -> Response:
    """Open a review by hand; breaches of KPIs open theirs by themselves."""
    await wait_until_followed(asked.goals.pool, position)
    command = OpenReview(
        review_id=uuid4(),
        objective_id=body.objective_id,
        key_result_id=body.key_result_id,
        kpi=body.kpi,
        concern=body.concern,
        owner=body.owner.value() if body.owner else None,
        due_on=body.due_on,
        by=asked.by,
    )
    return await asked.run(
        lambda unit: opened_answer(unit, reviews.open_review(unit, command)),
        reason=body.reason,
        touches=(body.objective_id,) if body.objective_id else (),
    )


async def _wanted(
    *,
    objective: Annotated[UUID | None, Query(description="Only those of this objective.")] = None,
    kpi: Annotated[KpiKey | None, Query(description="Only those about this KPI.")] = None,
    owner: OwnerFilter = None,
    state: Annotated[ReviewState | None, Query(description="Only those in this state.")] = None,
    due_before: Annotated[
        Day | None, Query(description="Only those that are due before this day.")
    ] = None,
    overdue: Annotated[
        bool, Query(description="Only those that are not closed and should be.")
    ] = False,
) -> ReviewFilter:
    return ReviewFilter(
        objective_id=objective,
        kpi=kpi,
        owner=asked_owner(owner),
        state=state,
        due_before=due_before,
        overdue_on=_today() if overdue else None,
    )


@router.get("", response_model=ReviewPage, responses=documented(MalformedCursorError))
async def get_reviews(
    goals: Running,
    _: Reading,
    wanted: Annotated[ReviewFilter, Depends(_wanted)],
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List reviews in the order in which they were opened."""
    found = await list_reviews(goals.pool, wanted, after=decode_cursor(cursor), limit=limit + 1)
    return page_response(
        found,
        limit,
        render=lambda each: review_item(each, today=_today()),
        cursor=lambda each: encode_cursor(each.position),
    )


@router.get(
    "/{review_id}",
    response_model=ReviewShape,
    responses=documented(
        AggregateNotFoundError, VersionNotReachedError, ConflictingParametersError
    ),
)
async def get_review(
    review_id: UUID,
    goals: Running,
    _: Reading,
    as_of: AsOf,
    version: AtVersion = None,
) -> Response:
    """Show a review as it stands, as it was known at a moment, or as a version left it."""
    refuse_both(as_of, version)
    loaded = await goals.log.state(REVIEW, review_id, as_of=as_of, version=version)
    moment = as_of if version is None else loaded.state.changed_at
    return state_response(
        review_document(loaded, today=moment.date() if moment else _today()),
        version=loaded.version,
        position=loaded.state.position,
    )


@router.get(
    "/{review_id}/history",
    response_model=HistoryPage,
    responses=documented(AggregateNotFoundError, VersionNotReachedError, MalformedCursorError),
)
async def get_review_history(
    review_id: UUID,
    goals: Running,
    _: Reading,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """Tell a review's history, oldest first: who did what, when and why, and what changed."""
    entries = await queries.review_history(
        goals, review_id, after_version=decode_cursor(cursor), limit=limit + 1
    )
    return page_response(
        entries,
        limit,
        render=entry_document,
        cursor=lambda each: encode_cursor(each.logged.originator_version),
    )


@router.post(
    "/{review_id}/assign",
    response_model=ReviewShape,
    responses=documented(*_CHANGED, errors.NothingChangesError),
)
async def assign_review(review_id: UUID, body: AssignReviewBody, asked: ToChange) -> Response:
    """Have somebody answer for the review, until some day."""
    command = AssignReview(id=review_id, version=asked.version, by=asked.by, changes=body.changes())
    return await asked.change(reviews.assign_review, command, review_answer, reason=body.reason)


@router.post(
    "/{review_id}/find-cause",
    response_model=ReviewShape,
    responses=documented(*_CHANGED, errors.NothingChangesError),
)
async def find_cause(review_id: UUID, body: FindCauseBody, asked: ToChange) -> Response:
    """Say what the cause is."""
    command = FindCause(id=review_id, version=asked.version, by=asked.by, cause=body.cause)
    return await asked.change(reviews.find_cause, command, review_answer, reason=body.reason)


@router.post(
    "/{review_id}/close",
    response_model=ReviewShape,
    responses=documented(*_CHANGED, review_errors.ActionsLeftError),
)
async def close_review(review_id: UUID, body: CloseReviewBody, asked: ToChange) -> Response:
    """End the review, once each of its actions is done or dropped."""
    command = CloseReview(
        id=review_id, version=asked.version, by=asked.by, resolution=body.resolution
    )
    return await asked.change(reviews.close_review, command, review_answer, reason=body.reason)


@router.post(
    "/{review_id}/reopen",
    response_model=ReviewShape,
    responses=documented(
        *_CHANGED, errors.ReasonRequiredError, review_errors.ReviewAlreadyOpenError
    ),
)
async def reopen_review(review_id: UUID, body: ReasonBody, asked: ToChange) -> Response:
    """Go on with a review that is closed, or is proposed to be."""
    command = ReopenReview(id=review_id, version=asked.version, by=asked.by)
    return await asked.change(reviews.reopen_review, command, review_answer, reason=body.reason)


@router.post(
    "/{review_id}/actions",
    status_code=CREATED,
    response_model=ReviewShape,
    responses=documented(*_CHANGED, review_errors.TooManyActionsError),
)
async def add_action(review_id: UUID, body: AddActionBody, asked: ToChange) -> Response:
    """Decide that something is to be done."""
    action = Action(
        id=uuid4(), title=body.title, owners=owner_values(body.owners), due_on=body.due_on
    )
    command = AddAction(id=review_id, version=asked.version, by=asked.by, action=action)
    return await asked.change(reviews.add_action, command, added_answer, reason=body.reason)


@router.post(
    "/{review_id}/actions/{action_id}/revise",
    response_model=ReviewShape,
    responses=documented(*_CHANGED, review_errors.ActionNotFoundError, errors.NothingChangesError),
)
async def revise_action(
    review_id: UUID, action_id: UUID, body: ReviseActionBody, asked: ToChange
) -> Response:
    """Say anew what is to be done, by whom and until when."""
    command = ReviseAction(
        id=review_id,
        version=asked.version,
        by=asked.by,
        action_id=action_id,
        changes=body.changes(),
    )
    return await asked.change(reviews.revise_action, command, review_answer, reason=body.reason)


@router.post(
    "/{review_id}/actions/{action_id}/move",
    response_model=ReviewShape,
    responses=documented(
        *_CHANGED, review_errors.ActionNotFoundError, review_errors.ActionStateError
    ),
)
async def move_action(
    review_id: UUID, action_id: UUID, body: MoveActionBody, asked: ToChange
) -> Response:
    """Say how far an action is; its owners may, too."""
    command = MoveAction(
        id=review_id, version=asked.version, by=asked.by, action_id=action_id, to=body.to
    )
    return await asked.change(reviews.move_action, command, review_answer, reason=body.reason)


def _today() -> date:
    return datetime.now(UTC).date()
