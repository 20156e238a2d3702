"""The same reading again is a duplicate, another one a conflict, unless it corrects."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.revisions import Revision, Revisions, Settlement
from tests.unit.metrics.domain.test_readings import Submitted


@dataclass(frozen=True)
class Case:
    """What was recorded as (value, reason), what comes, and what it is."""

    recorded: list[tuple[float, str | None]]
    value: float
    settled: Settlement
    correction: bool = False
    reason: str | None = None


CASES = {
    "the first one": Case([], 1.0, "accepted"),
    "a correction of nothing": Case([], 1.0, "accepted", correction=True, reason="typo"),
    "the same again": Case([(1.0, None)], 1.0, "duplicate"),
    "zero is zero": Case([(0.0, None)], -0.0, "duplicate"),
    "another value": Case([(1.0, None)], 2.0, "conflict"),
    "a reason alone corrects nothing": Case([(1.0, None)], 2.0, "conflict", reason="typo"),
    "a correction": Case([(1.0, None)], 2.0, "correction", correction=True, reason="typo"),
    "a correction to what it is": Case(
        [(1.0, None)], 1.0, "duplicate", correction=True, reason="typo"
    ),
    "the original, delivered again": Case([(1.0, None), (2.0, "typo")], 1.0, "duplicate"),
    "a correction, delivered again": Case(
        [(1.0, None), (2.0, "typo"), (3.0, "audit")],
        2.0,
        "duplicate",
        correction=True,
        reason="typo",
    ),
    "a correction back": Case(
        [(1.0, None), (2.0, "typo")], 1.0, "correction", correction=True, reason="it was none"
    ),
}


def settled(case: Case, revisions: Revisions) -> Settlement:
    return revisions.settle(
        Submitted(value=case.value, correction=case.correction, reason=case.reason)
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_reading_is_settled_beside_what_is_recorded(case: Case) -> None:
    recorded = [
        Revision(number, value, reason)
        for number, (value, reason) in enumerate(case.recorded, start=1)
    ]
    revisions = Revisions(reversed(recorded))
    assert settled(case, revisions) == case.settled
    added = case.settled in {"accepted", "correction"}
    assert revisions.last == len(recorded) + added


readings = st.builds(
    Submitted,
    value=st.sampled_from([1.0, 2.0, 3.0]),
    correction=st.booleans(),
    reason=st.sampled_from(["typo", "audit"]),
)


@given(st.lists(readings, min_size=1))
def test_whatever_was_recorded_is_a_duplicate_from_then_on(sent: list[Submitted]) -> None:
    revisions = Revisions()
    settlements = [revisions.settle(reading) for reading in sent]
    assert settlements[0] == "accepted"
    recorded = [
        reading
        for reading, settlement in zip(sent, settlements, strict=True)
        if settlement in {"accepted", "correction"}
    ]
    assert revisions.last == len(recorded)
    assert {revisions.settle(reading) for reading in recorded} == {"duplicate"}
