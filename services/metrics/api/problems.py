"""The one table: which refusal is which problem over HTTP."""

from typing import Any, Final

from services.chassis.eventstore.http import LOG_PROBLEMS
from services.chassis.problems import (
    BODY_TOO_LARGE,
    INVALID_REQUEST,
    OVERLOADED,
    Problem,
    ProblemTable,
    find_problem,
    problem_responses,
)
from services.metrics.api.pages import MalformedCursorError
from services.metrics.application import NothingRecordedError
from services.metrics.domain import errors
from services.metrics.reading_format import (
    MalformedBatchError,
    TooManyReadingsError,
    UnsupportedFormatError,
)
from services.metrics.recorder import RecorderOverloadedError, RecordingContendedError


def _conflict(slug: str, title: str) -> Problem:
    return Problem(slug, 409, title)


def _invalid(slug: str, title: str) -> Problem:
    return Problem(slug, 422, title)


PROBLEMS: Final[ProblemTable] = {
    **LOG_PROBLEMS,
    MalformedCursorError: _invalid("malformed-cursor", "The cursor is none of ours."),
    # KPIs.
    errors.KpiUnknownError: Problem("kpi-not-found", 404, "There is no such KPI."),
    errors.KpiExistsError: _conflict("kpi-exists", "The key is taken."),
    errors.KpiKeyError: _invalid("kpi-key", "The key is none."),
    errors.KpiRetiredError: _conflict("kpi-retired", "The KPI is retired."),
    errors.DefinitionUnchangedError: _conflict(
        "definition-unchanged", "The definition says nothing new."
    ),
    errors.DefinitionUnknownError: Problem(
        "definition-not-found", 404, "The KPI has no such definition."
    ),
    errors.ReasonRequiredError: _invalid("reason-required", "The change takes a reason."),
    errors.TimeZoneUnknownError: _invalid("time-zone-unknown", "There is no such time zone."),
    # Readings.
    UnsupportedFormatError: Problem(
        "unsupported-media-type", 415, "Readings are not taken in this format."
    ),
    MalformedBatchError: Problem("malformed-readings", 400, "The body holds no readings."),
    TooManyReadingsError: Problem("too-many-readings", 413, "The batch has too many readings."),
    NothingRecordedError: _invalid("nothing-recorded", "No reading could be recorded."),
    RecorderOverloadedError: OVERLOADED,
    RecordingContendedError: Problem(
        "readings-contended",
        503,
        "The same readings are being recorded by others.",
        retry_after_seconds=1,
    ),
}


def documented(*refusals: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that leads to these refusals, for the OpenAPI document."""
    problems = [find_problem(PROBLEMS, each) for each in refusals]
    named = dict.fromkeys(each for each in problems if each is not None)
    for general in (INVALID_REQUEST, BODY_TOO_LARGE):
        if any(each.status == general.status for each in named):
            named[general] = None
    return problem_responses(*named)
