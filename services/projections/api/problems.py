"""The one table: which refusal is which problem over HTTP."""

from typing import Any, Final

from contracts.positions import MalformedPositionError
from services.chassis.problems import (
    INVALID_HEADER,
    INVALID_REQUEST,
    NOT_FOUND,
    Problem,
    ProblemTable,
    find_problem,
    problem_responses,
)
from services.projections.alignment_tree.query import TwoBeginningsError, UnknownObjectiveError
from services.projections.api.pages import MalformedCursorError
from services.projections.cycle_dashboard.query import SinceAfterAsOfError
from services.projections.okrs.cycles import UnknownCycleError
from services.projections.parking import NotParkedError
from services.projections.waiting import NotFollowedYetError, NotSettledYetError

NOT_FOLLOWED_YET: Final = Problem(
    "not-followed-yet",
    503,
    "The read models have not come that far yet.",
    retry_after_seconds=1,
)

PROBLEMS: Final[ProblemTable] = {
    MalformedPositionError: INVALID_HEADER,
    NotFollowedYetError: NOT_FOLLOWED_YET,
    NotSettledYetError: NOT_FOLLOWED_YET,
    UnknownCycleError: NOT_FOUND,
    UnknownObjectiveError: NOT_FOUND,
    NotParkedError: NOT_FOUND,
    MalformedCursorError: Problem("malformed-cursor", 422, "The cursor is none of ours."),
    TwoBeginningsError: Problem(
        "conflicting-parameters", 422, "The parameters cannot be asked for together."
    ),
    SinceAfterAsOfError: Problem("since-after-as-of", 422, "The period ends before it begins."),
}


def documented(*refusals: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that leads to these refusals, for the OpenAPI document."""
    problems = [find_problem(PROBLEMS, each) for each in refusals]
    named = dict.fromkeys(each for each in problems if each is not None)
    if any(each.status == INVALID_REQUEST.status for each in named):
        named[INVALID_REQUEST] = None
    return problem_responses(*named)
