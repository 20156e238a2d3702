"""The one table: which refusal is which problem over HTTP."""

from typing import Any, Final

from contracts.positions import MalformedPositionError
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
from services.goals.api.states import ConflictingParametersError
from services.goals.domain import errors
from services.goals.following import NotFollowedYetError


def _conflict(slug: str, title: str) -> Problem:
    return Problem(slug, 409, title)


def _invalid(slug: str, title: str) -> Problem:
    return Problem(slug, 422, title)


PROBLEMS: Final[ProblemTable] = {
    **LOG_PROBLEMS,
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
    errors.AdminRequiredError: Problem("admin-required", 403, "Only administrators may do that."),
    # Cycles.
    errors.CycleDatesError: _invalid("cycle-dates", "The dates make no cycle."),
    errors.CycleStateError: _conflict("cycle-state", "The cycle is not in a state for that."),
    errors.ActiveObjectivesLeftError: _conflict(
        "active-objectives-left", "The cycle has active objectives."
    ),
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
    errors.KeyResultTypeUnsupportedError: _invalid(
        "key-result-type-unsupported", "Key results of that type are not supported."
    ),
    errors.KeyResultTargetError: _invalid("key-result-target", "The target is no way to go."),
    errors.NumberRefusedError: _invalid("number-refused", "A number is out of its bounds."),
    errors.NothingToScoreError: _conflict("nothing-to-score", "No key result counts."),
    errors.RollUpTooLargeError: _conflict(
        "roll-up-too-large", "Too many objectives contribute to be rolled up at once."
    ),
    # Check-ins.
    errors.EffectiveAtError: _invalid("effective-at", "The check-in is about an impossible time."),
    errors.ReasonRequiredError: _invalid("reason-required", "The change takes a reason."),
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
}


def documented(*refusals: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that leads to these refusals, for the OpenAPI document."""
    problems = [find_problem(PROBLEMS, each) for each in refusals]
    named = dict.fromkeys(each for each in problems if each is not None)
    if any(each.status == INVALID_REQUEST.status for each in named):
        named[INVALID_REQUEST] = None
    return problem_responses(*named)
