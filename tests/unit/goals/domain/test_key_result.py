"""How key results are defined, and which of what was said of them is the current value."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from services.goals.domain import key_result as key_results
from services.goals.domain.errors import (
    KeyResultTargetError,
    KeyResultTypeUnsupportedError,
    NumberRefusedError,
)
from services.goals.domain.events import KeyResultLinked, KeyResultMeasured
from services.goals.domain.key_result import CurrentValue, Definition
from tests.unit.goals.given import ACTIVE, ADA, COVERAGE, NOW, an_objective, checked_in, then

RISE = Definition(title="Test coverage", type="increase", baseline=70, target=90)
FALL = Definition(title="Latency", type="decrease", baseline=1400, target=1000)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "definition",
    [
        RISE,
        FALL,
        replace(RISE, stretch=95.0),
        replace(RISE, stretch=90.0),
        replace(FALL, stretch=800.0),
        replace(RISE, weight=0.0),
        replace(RISE, due_on=date(2029, 12, 31)),  # it may outlive its cycle
    ],
)
def test_a_key_result_is_defined_as_asked(definition: Definition) -> None:
    key_result_id = uuid4()
    event = key_results.define(definition, key_result_id=key_result_id)
    assert key_results.added(event).definition == definition
    assert event.key_result_id == key_result_id


@pytest.mark.parametrize("other", ["maintain", "milestones", "binary"])
def test_other_types_are_refused_and_the_supported_ones_named(other: str) -> None:
    with pytest.raises(KeyResultTypeUnsupportedError, match="increase or decrease") as refusal:
        key_results.define(replace(RISE, type=other), key_result_id=uuid4())  # type: ignore[arg-type]
    assert refusal.value.extensions == {"supported": ["increase", "decrease"]}


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (replace(RISE, target=70.0), "are equal"),
        (replace(RISE, target=60.0), "above its baseline"),
        (replace(FALL, target=1500.0), "above its baseline, that of a decrease below"),
        (replace(RISE, stretch=89.0), "beyond the target"),
        (replace(FALL, stretch=1001.0), "beyond the target"),
    ],
)
def test_a_target_that_is_no_way_to_go_is_refused(definition: Definition, text: str) -> None:
    with pytest.raises(KeyResultTargetError, match=text):
        key_results.define(definition, key_result_id=uuid4())


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("baseline", math.nan),
        ("target", math.inf),
        ("stretch", -math.inf),
        ("weight", -1.0),
        ("weight", math.nan),
        ("weight", 1_000_001.0),
    ],
)
def test_numbers_that_cannot_be_counted_with_are_refused(field: str, number: float) -> None:
    with pytest.raises(NumberRefusedError) as refusal:
        key_results.define(replace(RISE, **{field: number}), key_result_id=uuid4())  # type: ignore[arg-type]
    assert refusal.value.extensions == {"field": field}


def test_a_check_in_becomes_the_current_value() -> None:
    found = an_objective(*ACTIVE, checked_in(80)).key_result(COVERAGE)
    assert found.current == CurrentValue(value=80, source="manual", as_of=NOW, position=104)
    assert found.last_check_in is not None
    assert found.last_check_in.by == ADA


def test_a_check_in_about_an_earlier_time_does_not_become_the_current_value() -> None:
    before = an_objective(*ACTIVE, checked_in(80))
    after = then(before, checked_in(75), at=NOW + DAY, effective_at=NOW - DAY)
    assert after.key_results == before.key_results


def test_a_check_in_about_the_same_time_replaces_the_one_before() -> None:
    after = then(
        an_objective(*ACTIVE, checked_in(80)), checked_in(81), at=NOW + DAY, effective_at=NOW
    )
    current = after.key_result(COVERAGE).current
    assert current is not None
    assert current.value == 81


def test_a_check_in_from_a_clock_ahead_of_ours_does_not_outdate_the_next_one() -> None:
    ahead = NOW + timedelta(seconds=20)
    state = then(an_objective(*ACTIVE), checked_in(80), at=NOW, effective_at=ahead)
    state = then(state, checked_in(81), at=NOW + timedelta(seconds=1))
    current = state.key_result(COVERAGE).current
    assert current is not None
    assert current.value == 81


def measured(value: float, *, start: datetime, end: datetime) -> KeyResultMeasured:
    return KeyResultMeasured(
        key_result_id=COVERAGE,
        kpi="quality.coverage",
        value=value,
        period_start=start,
        period_end=end,
        metrics_position=7,
    )


def test_a_measurement_of_a_period_still_running_is_true_as_of_now() -> None:
    linked = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")
    state = an_objective(*ACTIVE, linked, measured(81, start=NOW - DAY, end=NOW + DAY))
    assert state.key_result(COVERAGE).current == CurrentValue(
        value=81, source="kpi", as_of=NOW, position=105
    )


def test_a_measurement_of_a_period_that_ended_is_true_as_of_its_end() -> None:
    end = datetime(2026, 1, 31, tzinfo=UTC)
    state = an_objective(*ACTIVE, measured(81, start=end - DAY, end=end))
    current = state.key_result(COVERAGE).current
    assert current is not None
    assert current.as_of == end
