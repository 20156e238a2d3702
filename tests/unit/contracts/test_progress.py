"""The arithmetic of progress, against numbers computed by hand and against its laws."""

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.progress import (
    KeyResultProgress,
    Part,
    attainment,
    clamp,
    expected_progress,
    key_result_progress,
    pace,
    verdict,
    weighted_mean,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(min_value=0, max_value=1)
weights = st.floats(min_value=0, max_value=1_000_000)
parts = st.builds(Part, st.none() | shares, weights)
days = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31))


@pytest.mark.parametrize(
    ("baseline", "target", "value", "expected"),
    [
        (70, 90, 80, 0.5),  # test coverage 70% -> 90%, half way
        (70, 90, 90, 1.0),
        (70, 90, 95, 1.25),  # stretch
        (70, 90, 65, -0.25),  # regress
        (1400, 1000, 1100, 0.75),  # latency down to 1,000 ms
        (1400, 1000, 1500, -0.25),
        (-10, 10, 0, 0.5),  # net profit margin out of the red
        (5, 8, 5, 0.0),
    ],
)
def test_attainment_is_the_share_of_the_way_from_baseline_to_target(
    baseline: float, target: float, value: float, expected: float
) -> None:
    assert attainment(baseline=baseline, target=target, value=value) == pytest.approx(expected)


@given(baseline=numbers, target=numbers, value=numbers)
@example(baseline=0.0, target=5e-324, value=1e308)
@example(baseline=-1e308, target=1e308, value=1e308)
@example(baseline=0.0, target=1e-300, value=-1e300)
def test_attainment_is_always_a_finite_number(baseline: float, target: float, value: float) -> None:
    if baseline != target:
        assert math.isfinite(attainment(baseline=baseline, target=target, value=value))


@given(baseline=numbers, target=numbers, values=st.tuples(numbers, numbers))
def test_attainment_never_falls_as_the_value_moves_towards_the_target(
    baseline: float, target: float, values: tuple[float, float]
) -> None:
    if baseline == target:
        return
    lower, upper = sorted(values)
    before, after = (lower, upper) if target > baseline else (upper, lower)
    assert attainment(baseline=baseline, target=target, value=before) <= attainment(
        baseline=baseline, target=target, value=after
    )


@given(baseline=numbers, target=numbers)
def test_the_baseline_is_no_progress_and_the_target_all_of_it(
    baseline: float, target: float
) -> None:
    if baseline != target:
        assert attainment(baseline=baseline, target=target, value=baseline) == 0.0
        assert attainment(baseline=baseline, target=target, value=target) == 1.0


@given(numbers)
def test_a_clamped_share_lies_between_none_and_all(share: float) -> None:
    assert 0.0 <= clamp(share) <= 1.0


def test_a_weighted_mean_by_hand() -> None:
    assert weighted_mean([Part(0.5, 1), Part(1.0, 3)]) == pytest.approx((0.5 * 1 + 1.0 * 3) / 4)


@pytest.mark.parametrize("nothing", [[], [Part(None, 1)], [Part(0.5, 0)], [Part(None, 0)]])
def test_a_mean_of_nothing_countable_is_null_and_not_zero(nothing: list[Part]) -> None:
    assert weighted_mean(nothing) is None


def test_a_weight_of_zero_is_not_counted() -> None:
    assert weighted_mean([Part(0.5, 2), Part(1.0, 0)]) == 0.5


def test_an_unknown_progress_is_not_counted_as_zero() -> None:
    assert weighted_mean([Part(0.5, 1), Part(None, 1)]) == 0.5


@given(st.lists(parts))
def test_a_mean_lies_within_what_it_is_a_mean_of(given_parts: list[Part]) -> None:
    mean = weighted_mean(given_parts)
    counted = [p.progress for p in given_parts if p.progress is not None and p.weight > 0]
    assert (mean is None) == (not counted)
    if mean is not None:
        assert min(counted) <= mean <= max(counted)


@given(st.lists(parts), st.floats(min_value=1e-6, max_value=1e6))
def test_only_the_ratios_of_weights_matter(given_parts: list[Part], factor: float) -> None:
    # Weights below the smallest normal double lose digits when they are scaled.
    normal = [Part(p.progress, p.weight if p.weight > 1e-290 else 0.0) for p in given_parts]
    scaled = [Part(p.progress, p.weight * factor) for p in normal]
    assert weighted_mean(scaled) == pytest.approx(weighted_mean(normal))


@given(st.lists(parts, min_size=1), shares, st.data())
def test_a_mean_never_falls_when_one_of_its_parts_rises(
    given_parts: list[Part], raised: float, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(given_parts) - 1))
    part = given_parts[index]
    if part.progress is None:
        return
    higher = list(given_parts)
    higher[index] = Part(max(part.progress, raised), part.weight)
    before, after = weighted_mean(given_parts), weighted_mean(higher)
    if before is not None:
        assert after is not None
        assert after >= before - 1e-12


def test_a_key_result_with_an_own_value_shows_it_unclamped_beside_its_progress() -> None:
    assert key_result_progress(
        baseline=70, target=90, value=95, source="kpi", children=[Part(0.1, 1)]
    ) == KeyResultProgress(attainment=1.25, progress=1.0, source="kpi")


def test_a_key_result_without_a_value_stands_where_its_children_stand() -> None:
    answer = key_result_progress(
        baseline=0, target=1, value=None, children=[Part(0.2, 1), Part(0.8, 2)]
    )
    assert answer.source == "aligned"
    assert answer.attainment is None
    assert answer.progress == pytest.approx((0.2 * 1 + 0.8 * 2) / 3)


def test_a_key_result_with_nothing_to_go_by_has_not_moved() -> None:
    assert key_result_progress(
        baseline=0, target=1, value=None, children=[Part(None, 1)]
    ) == KeyResultProgress(attainment=None, progress=0.0, source="computed")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), 0.0),
        (datetime(2026, 1, 1, tzinfo=UTC), 0.0),
        (datetime(2026, 1, 6, tzinfo=UTC), 0.5),  # 5 of 10 days
        (datetime(2026, 1, 6, 3, tzinfo=timezone(timedelta(hours=3))), 0.5),
        (datetime(2026, 1, 11, tzinfo=UTC), 1.0),
        (datetime(2027, 1, 1, tzinfo=UTC), 1.0),
    ],
)
def test_expected_progress_is_linear_over_the_days_of_the_cycle(
    at: datetime, expected: float
) -> None:
    answer = expected_progress(starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 10), at=at)
    assert answer == pytest.approx(expected)


@given(
    start=days,
    length=st.integers(0, 400),
    moments=st.tuples(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC))),
)
def test_expected_progress_never_falls_with_time(
    start: date, length: int, moments: tuple[datetime, datetime]
) -> None:
    end = start + timedelta(days=length)
    earlier, later = (
        expected_progress(starts_on=start, ends_on=end, at=at) for at in sorted(moments)
    )
    assert 0.0 <= earlier <= later <= 1.0


def test_pace_is_how_far_ahead_of_expected() -> None:
    assert pace(0.75, 0.5) == 0.25
    assert pace(0.25, 0.5) == -0.25
    assert pace(None, 0.5) is None


@pytest.mark.parametrize(
    ("score", "committed", "aspirational"),
    [
        (1.0, "achieved", "achieved"),
        (0.9999999999, "achieved", "achieved"),  # 1.0 but for the last bits
        (0.999999, "partial", "achieved"),
        (0.7, "partial", "achieved"),
        (0.6999999999, "partial", "achieved"),
        (0.69, "partial", "partial"),
        (0.4, "partial", "partial"),
        (0.3999999999, "partial", "partial"),
        (0.39, "missed", "missed"),
        (0.0, "missed", "missed"),
    ],
)
def test_the_verdict_depends_on_the_ambition(
    score: float, committed: str, aspirational: str
) -> None:
    assert verdict(ambition="committed", score=score) == committed
    assert verdict(ambition="aspirational", score=score) == aspirational
