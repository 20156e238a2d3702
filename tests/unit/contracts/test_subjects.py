import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.subjects import (
    KPI_KEY_PATTERN,
    SOURCE_PATTERN,
    STREAM_SUBJECTS,
    MalformedSourceError,
    event_subject,
    intake_source,
    intake_subject,
    rejected_subject,
)

OBJECTIVE = str(UUID(int=7))
REACHING_FURTHER = ["", "a.b", "*", ">", "a>", "a b", "a\r\n", "a\n", "é", "a" * 65]


@pytest.mark.parametrize(
    ("event_type", "aggregate", "subject"),
    [
        ("cairn.goals.cycle.planned.v1", OBJECTIVE, f"goals.cycle.{OBJECTIVE}.planned"),
        ("cairn.goals.objective.drafted.v1", OBJECTIVE, f"goals.objective.{OBJECTIVE}.drafted"),
        (
            "cairn.goals.key_result.checked_in.v1",
            OBJECTIVE,
            f"goals.objective.{OBJECTIVE}.key_result_checked_in",
        ),
        ("cairn.metrics.kpi.measured.v1", "sales.revenue", "metrics.kpi.sales.revenue.measured"),
    ],
)
def test_an_event_is_published_under_its_aggregate(
    event_type: str, aggregate: str, subject: str
) -> None:
    assert event_subject(event_type, aggregate) == subject


@given(st.from_regex(SOURCE_PATTERN, fullmatch=True))
def test_a_source_is_read_back_from_its_subject(source: str) -> None:
    assert intake_source(intake_subject(source)) == source
    assert rejected_subject(source) == f"intake.rejected.{source}"


@pytest.mark.parametrize("source", REACHING_FURTHER)
@pytest.mark.parametrize("make", [intake_subject, rejected_subject])
def test_a_source_cannot_reach_into_other_subjects(make: object, source: str) -> None:
    assert callable(make)
    with pytest.raises(MalformedSourceError, match="one subject token"):
        make(source)


@pytest.mark.parametrize(
    "subject", ["intake.readings", "intake.readings.a.b", "intake.rejected.a", "goals.readings.a"]
)
def test_a_subject_that_names_no_source_has_none(subject: str) -> None:
    assert intake_source(subject) is None


@pytest.mark.parametrize("key", ["sales", "sales.revenue.daily", "a-b_c.1"])
def test_a_kpi_key_is_words_joined_by_dots(key: str) -> None:
    assert re.fullmatch(KPI_KEY_PATTERN, key)


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", "A", "a.*", "a.>", "a b", "é", "a\n"])
def test_a_kpi_key_can_be_no_wildcard_and_no_empty_token(key: str) -> None:
    assert not re.fullmatch(KPI_KEY_PATTERN, key)


def test_no_two_streams_want_the_same_subject() -> None:
    prefixes = [
        subject.removesuffix(">") for subjects in STREAM_SUBJECTS.values() for subject in subjects
    ]
    for one in prefixes:
        assert [other for other in prefixes if other.startswith(one)] == [one]
