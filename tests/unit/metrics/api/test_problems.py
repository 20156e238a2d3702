"""Every refusal of the service is a problem in its table: none becomes a 500."""

from services.chassis.eventstore.errors import EventLogError, LogBehindError
from services.chassis.problems import unmapped_errors
from services.metrics.api.pages import MalformedCursorError
from services.metrics.api.problems import PROBLEMS, documented
from services.metrics.application import NothingRecordedError
from services.metrics.domain.errors import KpiExistsError, KpiUnknownError, MetricsError
from services.metrics.reading_format import (
    MalformedBatchError,
    TooManyReadingsError,
    UnsupportedFormatError,
)
from services.metrics.recorder import RecorderOverloadedError, RecordingContendedError


def test_every_refusal_of_the_domain_is_in_the_table() -> None:
    # The base itself is never raised.
    assert unmapped_errors(MetricsError, PROBLEMS) == [MetricsError]


def test_every_refusal_of_the_log_is_in_the_table() -> None:
    # A reader that is ahead of the log is no caller's business.
    assert set(unmapped_errors(EventLogError, PROBLEMS)) == {EventLogError, LogBehindError}


def test_every_refusal_of_a_batch_is_in_the_table() -> None:
    refusals = (
        MalformedBatchError,
        TooManyReadingsError,
        UnsupportedFormatError,
        NothingRecordedError,
        RecorderOverloadedError,
        RecordingContendedError,
        MalformedCursorError,
    )
    assert [each for each in refusals if each not in PROBLEMS] == []


def test_what_passes_says_when_to_try_again() -> None:
    for problem in PROBLEMS.values():
        assert (problem.status == 503) <= (problem.retry_after_seconds is not None)


def test_a_kind_of_problem_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for problem in PROBLEMS.values():
        statuses.setdefault(problem.slug, set()).add(problem.status)
    assert {slug: found for slug, found in statuses.items() if len(found) > 1} == {}


def test_a_route_documents_what_it_leads_to_once() -> None:
    found = documented(KpiUnknownError, KpiExistsError, KpiUnknownError)
    assert set(found) == {404, 409}
    assert found[404]["description"] == "There is no such KPI."


def test_beside_its_own_refusals_of_a_body_a_route_documents_the_general_one() -> None:
    assert (
        "The request does not have the right form."
        in documented(NothingRecordedError)[422]["description"]
    )
    assert "too large" in documented(TooManyReadingsError)[413]["description"]
