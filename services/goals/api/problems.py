"""The one table: which refusal is which problem over HTTP."""

from typing import Any, Final

from contracts.positions import MalformedPositionError
from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.http import LOG_PROBLEMS
from services.chassis.problems import (
    INVALID_HEADER,
    INVALID_REQUEST,
    Problem,
    ProblemTable,
    find_problem,
    problem_responses,
)
from services.goals.api.pages import MalformedCursorError
from services.goals.api.plan_type import UnknownPlanTypeError
from services.goals.api.states import ConflictingParametersError
from services.goals.api.webhook_problems import WEBHOOK_PROBLEMS
from services.goals.domain import errors, review_errors
from services.goals.exchange import errors as exchange_errors
from services.goals.following import NotFollowedYetError


def _conflict(slug: str, title: str) -> Problem:
    return Problem(slug, 409, title)


def _invalid(slug: str, title: str) -> Problem:
    return Problem(slug, 422, title)


PROBLEMS: Final[ProblemTable] = {
    **LOG_PROBLEMS,
    **WEBHOOK_PROBLEMS,
    MalformedPositionError: INVALID_HEADER,
    MalformedCursorError: _invalid("malformed-cursor", "The cursor is none of ours."),
    ConflictingParametersError: _invalid(
        "conflicting-parameters", "The parameters cannot be asked for together."
    ),
    NotFollowedYetError: Problem(
        "metrics-not-followed-yet",
        503,
        "The metrics have not been followed that far yet.",
        retry_after_seconds=1,
    ),
    # Who may.
    errors.NotOwnerError: Problem("not-owner", 403, "Only its owner may change it."),
    errors.NotApproverError: Problem("not-approver", 403, "Only who answers for above approves."),
    errors.AdminRequiredError: Problem("admin-required", 403, "Only administrators may do that."),
    # Cycles.
    errors.CycleDatesError: _invalid("cycle-dates", "The dates make no cycle."),
    errors.CycleStateError: _conflict("cycle-state", "The cycle is not in a state for that."),
    errors.UnknownCycleError: _invalid("unknown-cycle", "The cycle is not there."),
    errors.CycleNotOpenError: _conflict("cycle-not-open", "The cycle takes no new objectives."),
    errors.CycleNotActiveError: _conflict("cycle-not-active", "The cycle is not active."),
    errors.CycleLockedError: _conflict("cycle-locked", "The cycle is closed."),
    # Objectives and their key results.
    errors.ObjectiveStateError: _conflict(
        "objective-state", "The objective is not in a state for that."
    ),
    errors.NoKeyResultsError: _conflict("no-key-results", "The objective has no key results."),
    errors.TooManyKeyResultsError: _conflict(
        "too-many-key-results", "The objective has as many key results as it may."
    ),
    errors.KeyResultNotFoundError: Problem(
        "key-result-not-found", 404, "The objective has no such key result."
    ),
    errors.KeyResultTargetError: _invalid(
        "key-result-target", "What is to be reached makes no sense."
    ),
    errors.KeyResultTypeFixedError: _conflict("key-result-type-fixed", "The type is fixed."),
    errors.LastKeyResultError: _conflict("last-key-result", "It is the only key result."),
    errors.KeyResultHasChildrenError: _conflict(
        "key-result-has-children", "Objectives are aligned to the key result."
    ),
    errors.NotMeasurableByKpiError: _conflict(
        "not-measurable-by-kpi", "The key result has no number that a KPI could say."
    ),
    errors.ReasonRequiredError: _invalid("reason-required", "That takes a reason."),
    errors.OverrideReasonRequiredError: _invalid(
        "override-reason-required", "Overriding a KPI takes a reason."
    ),
    errors.NothingChangesError: _conflict("nothing-changes", "Nothing would change."),
    errors.TooManyLabelsError: _invalid("too-many-labels", "There are too many labels."),
    errors.TooManyDelegatesError: _invalid("too-many-delegates", "There are too many delegates."),
    errors.NotApprovedError: _conflict("not-approved", "The proposal is not approved yet."),
    errors.AlreadyApprovedError: _conflict("already-approved", "The proposal is approved."),
    errors.OverrideRefusedError: _invalid("override-refused", "A score cannot be set so."),
    errors.AlreadyCarriedOverError: _conflict(
        "already-carried-over", "The objective was carried over before."
    ),
    errors.CarryOverCycleError: _conflict(
        "carry-over-cycle", "An objective is not carried over into that cycle."
    ),
    errors.NothingToCarryOverError: _conflict(
        "nothing-to-carry-over", "Every key result has reached its target."
    ),
    errors.NumberRefusedError: _invalid("number-refused", "A number is out of its bounds."),
    errors.NothingToScoreError: _conflict("nothing-to-score", "No key result counts."),
    errors.RollUpTooLargeError: _conflict(
        "roll-up-too-large", "Too many objectives contribute to be rolled up at once."
    ),
    # Check-ins.
    errors.EffectiveAtError: _invalid("effective-at", "The check-in is about an impossible time."),
    errors.CheckInNotFoundError: Problem(
        "check-in-not-found", 404, "The objective has no such check-in."
    ),
    errors.CheckInValueError: _invalid("check-in-value", "The key result is not measured so."),
    errors.MilestoneNotFoundError: _invalid(
        "milestone-not-found", "The checklist has no such milestone."
    ),
    # Alignment.
    errors.UnknownParentError: _invalid("unknown-parent", "The parent is not there."),
    errors.ParentClosedError: _conflict("parent-closed", "The parent is closed."),
    errors.AlignmentCircleError: _conflict(
        "alignment-circle", "The alignment would close a circle."
    ),
    errors.AlignmentDepthError: _conflict(
        "alignment-depth", "Too many objectives stand above the parent."
    ),
    errors.AlreadyAlignedError: _conflict("already-aligned", "The alignment exists."),
    errors.NotAlignedError: _conflict("not-aligned", "There is no such alignment."),
    errors.TooManyAlignmentsError: _conflict(
        "too-many-alignments", "The objective has as many alignments as it may."
    ),
    errors.CyclesApartError: _conflict("cycles-apart", "The cycles have no day in common."),
    # Links to KPIs.
    errors.AlreadyLinkedError: _conflict("already-linked", "The key result follows a KPI."),
    errors.NotLinkedError: _conflict("not-linked", "The key result follows no KPI."),
    errors.KpiUnknownError: _conflict("kpi-unknown", "The KPI is not known."),
    errors.KpiRetiredError: _conflict("kpi-retired", "The KPI is retired."),
    # Plans taken in and given out.
    exchange_errors.PlanRefusedError: _invalid("plan-refused", "The plan has errors."),
    exchange_errors.PlanNotAllowedError: Problem(
        "plan-not-allowed", 403, "Not all of the plan is its sender's to bring in."
    ),
    exchange_errors.ExportTooLargeError: _invalid(
        "export-too-large", "The cycle is too large to be exported at once."
    ),
    UnknownPlanTypeError: Problem("unknown-plan-type", 415, "A plan is sent as JSON or as CSV."),
    # Reviews.
    review_errors.NotReviewerError: Problem(
        "not-reviewer", 403, "Only who answers for it may review it."
    ),
    review_errors.ReviewStateError: _conflict(
        "review-state", "The review is not in a state for that."
    ),
    review_errors.ReviewAlreadyOpenError: _conflict(
        "review-already-open", "The same is being reviewed."
    ),
    review_errors.UnknownSubjectError: _invalid("unknown-subject", "There is nothing to review."),
    review_errors.SubjectEndedError: _conflict("subject-ended", "The objective has ended."),
    review_errors.ActionNotFoundError: Problem(
        "action-not-found", 404, "The review has no such action."
    ),
    review_errors.TooManyActionsError: _conflict(
        "too-many-actions", "The review has as many actions as it may."
    ),
    review_errors.ActionStateError: _conflict(
        "action-state", "The action is in that state already."
    ),
    review_errors.ActionsLeftError: _conflict(
        "actions-left", "The review has actions that are not done."
    ),
}


def documented(*refusals: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that leads to these refusals, for the OpenAPI document."""
    problems = [find_problem(PROBLEMS, each) for each in refusals]
    named = dict.fromkeys(each for each in problems if each is not None)
    if any(each.status == INVALID_REQUEST.status for each in named):
        named[INVALID_REQUEST] = None
    return problem_responses(*named)


# What every change of an objective can be refused for.
CHANGED: Final = (
    AggregateNotFoundError,
    errors.NotOwnerError,
    errors.CycleLockedError,
    errors.ObjectiveStateError,
)
