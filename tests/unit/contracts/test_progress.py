"""The arithmetic of progress, against numbers computed by hand and against its laws."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts.goals import KeyResultType, PhasedTarget
from contracts.progress import (
    NO_TALLY,
    KeyResultProgress,
    Part,
    Tally,
    aligned_progress,
    attained,
    attainment,
    clamp,
    computed_status,
    done_share,
    expected_by_phases,
    expected_progress,
    newest_position,
    pace,
    valued_progress,
    verdict,
    weighted_mean,
    within_band,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(min_value=0, max_value=1)
weights = st.floats(min_value=0, max_value=1_000_000)
parts = st.builds(Part, st.none() | shares, weights)
days = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31))
paces = st.floats(min_value=-1, max_value=1)
moments = st.datetimes(datetime(1999, 1, 1), datetime(2102, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
milestone_lists = st.lists(
    st.tuples(st.floats(min_value=1e-9, max_value=1_000_000), st.booleans()), min_size=1
)

# A year in which every quarter is worth something else: a tenth, a half, three quarters, all.
YEAR = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
QUARTERS = (
    PhasedTarget(on=date(2026, 3, 31), value=55),
    PhasedTarget(on=date(2026, 6, 30), value=75),
    PhasedTarget(on=date(2026, 9, 30), value=87.5),
)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def by_quarters(at: datetime) -> float:
    """Expected of electric vehicles from 50 to 100 by the phases above."""
    return expected_by_phases(QUARTERS, baseline=50, target=100, at=at, **YEAR)


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


@pytest.mark.parametrize(
    ("kind", "value", "definition", "expected"),
    [
        # Monthly active users +25%: of 40,000, 45,000 are half of the way to 50,000.
        ("increase", 45_000, {"baseline": 40_000, "target": 50_000}, 0.5),
        # Conversion 5% -> 8%.
        ("increase", 6.5, {"baseline": 5, "target": 8}, 0.5),
        # Leads +40%, of which 50% came.
        ("increase", 300, {"baseline": 200, "target": 280}, 1.25),
        # Churn -15%: from 20 to 17 customers a month; 18.5 is half of it, 21 is a step back.
        ("decrease", 18.5, {"baseline": 20, "target": 17}, 0.5),
        ("decrease", 21.5, {"baseline": 20, "target": 17}, -0.5),
        # Load time -0.2 s.
        ("decrease", 1.05, {"baseline": 1.2, "target": 1.0}, 0.75),
        # Uptime at least 99.99%, kept in 11 of 12 weeks; the last value is not what counts.
        ("maintain", 99.9, {"tally": Tally(12, 11)}, 11 / 12),
        ("maintain", 99.9, {"tally": Tally(1, 0)}, 0.0),
        # Three languages of equal weight, two of which are there.
        ("milestones", 2 / 3, {}, 2 / 3),
        # Responsive design: there or not.
        ("binary", 0, {}, 0.0),
        ("binary", 1, {}, 1.0),
    ],
)
def test_what_is_attained_depends_on_the_type(
    kind: KeyResultType, value: float, definition: dict[str, Any], expected: float
) -> None:
    ways = {"baseline": None, "target": None, **definition}
    assert attained(kind, value, **ways) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["milestones", "binary"])
@given(value=shares)
def test_a_share_that_is_done_is_what_is_attained(kind: KeyResultType, value: float) -> None:
    assert attained(kind, value, baseline=None, target=None) == value


@given(kind=st.sampled_from(get_args(KeyResultType)), value=shares, in_band=st.booleans())
def test_whatever_the_type_progress_is_a_share(
    kind: KeyResultType, value: float, in_band: bool
) -> None:
    reached = attained(
        kind, value, baseline=0.25, target=0.75, tally=NO_TALLY.plus(in_band=in_band)
    )
    answer = valued_progress(reached, "manual", 1)
    assert answer.attainment == reached
    assert 0.0 <= answer.progress <= 1.0


@pytest.mark.parametrize(
    ("lower", "upper", "within", "without"),
    [
        (1, 3, [1, 2, 3], [0.9, 3.1]),
        (99.99, None, [99.99, 1e300], [99.98]),  # uptime
        (None, 1_000, [-1e300, 1_000], [1_001]),  # latency in ms
        (None, None, [-1e300, 0, 1e300], []),
    ],
)
def test_a_band_includes_its_bounds_and_a_missing_bound_bounds_nothing(
    lower: float | None, upper: float | None, within: list[float], without: list[float]
) -> None:
    assert all(within_band(value, lower=lower, upper=upper) for value in within)
    assert not any(within_band(value, lower=lower, upper=upper) for value in without)


@given(numbers, numbers, numbers, st.floats(min_value=0, max_value=1e6))
def test_a_wider_band_loses_nothing(value: float, lower: float, upper: float, wider: float) -> None:
    if within_band(value, lower=lower, upper=upper):
        assert within_band(value, lower=lower - wider, upper=upper + wider)
        assert within_band(value, lower=None, upper=upper)
        assert within_band(value, lower=lower, upper=None)


def test_a_tally_counts_what_was_measured_and_what_was_in_band() -> None:
    tally = NO_TALLY.plus(in_band=True).plus(in_band=False).plus(in_band=True)
    assert tally == Tally(measured=3, in_band=2)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (False, True, Tally(3, 2)),
        (True, False, Tally(3, 0)),
        (True, True, Tally(3, 1)),
        (False, False, Tally(3, 1)),
    ],
)
def test_what_is_told_anew_is_not_counted_twice(was: bool, now: bool, expected: Tally) -> None:
    assert Tally(3, 1).plus(in_band=now, instead_of=was) == expected


@given(st.lists(st.tuples(st.booleans(), st.none() | st.booleans()), min_size=1))
def test_a_tally_never_leaves_its_range(told: list[tuple[bool, bool | None]]) -> None:
    tally = NO_TALLY
    for in_band, instead_of in told:
        tally = tally.plus(in_band=in_band, instead_of=instead_of)
        assert 0 <= tally.in_band <= tally.measured
    assert tally.measured == sum(instead_of is None for _, instead_of in told)


@given(st.lists(st.booleans(), min_size=1), st.data())
def test_putting_one_right_leaves_what_would_have_been_counted(
    counted: list[bool], data: st.DataObject
) -> None:
    place, right = data.draw(st.integers(0, len(counted) - 1)), data.draw(st.booleans())
    tally = NO_TALLY
    for in_band in counted:
        tally = tally.plus(in_band=in_band)
    corrected = [*counted]
    corrected[place] = right
    assert tally.plus(in_band=right, instead_of=counted[place]) == Tally(
        measured=len(counted), in_band=sum(corrected)
    )


def test_milestones_count_with_their_weight() -> None:
    # Two requested features, of which the larger is shipped; then three equal languages.
    assert done_share([(3.0, True), (1.0, False)]) == 0.75
    assert done_share([(1.0, True), (1.0, False), (1.0, True)]) == pytest.approx(2 / 3)
    assert done_share([(1.0, True), (0.0, False)]) == 1.0


@pytest.mark.parametrize("nothing", [[], [(0.0, True)], [(0.0, False), (0.0, True)]])
def test_milestones_that_weigh_nothing_have_no_share(nothing: list[tuple[float, bool]]) -> None:
    with pytest.raises(ZeroDivisionError, match="no milestone has a weight"):
        done_share(nothing)


@given(milestone_lists)
def test_a_done_share_runs_from_nothing_to_all(milestones: list[tuple[float, bool]]) -> None:
    assert 0.0 <= done_share(milestones) <= 1.0
    assert done_share((weight, False) for weight, _ in milestones) == 0.0
    assert done_share((weight, True) for weight, _ in milestones) == 1.0


@given(milestone_lists, st.data())
def test_one_more_milestone_done_is_never_less(
    milestones: list[tuple[float, bool]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(milestones) - 1))
    more = [*milestones]
    more[place] = (milestones[place][0], True)
    assert done_share(more) >= done_share(milestones)


@given(milestone_lists, st.floats(min_value=1e-6, max_value=1e6))
def test_only_the_ratios_of_milestones_matter(
    milestones: list[tuple[float, bool]], factor: float
) -> None:
    scaled = [(weight * factor, done) for weight, done in milestones]
    assert done_share(scaled) == pytest.approx(done_share(milestones))


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


def test_an_unknvalued_progress_is_not_counted_as_zero() -> None:
    assert weighted_mean([Part(0.5, 1), Part(None, 1)]) == 0.5


def test_weights_count_however_small_they_are() -> None:
    # Times a progress, the smallest double would come out as nothing.
    assert weighted_mean([Part(0.25, 5e-324), Part(0.75, 5e-324)]) == 0.5


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
    assert valued_progress(1.25, "kpi", 7) == KeyResultProgress(
        attainment=1.25, progress=1.0, source="kpi", position=7
    )
    assert valued_progress(-0.25, "manual", 8) == KeyResultProgress(
        attainment=-0.25, progress=0.0, source="manual", position=8
    )


def test_a_key_result_without_a_value_stands_where_its_children_stand() -> None:
    answer = aligned_progress([Part(0.2, 1, 12), Part(0.8, 2, 11)])
    assert (answer.source, answer.position) == ("aligned", 12)
    assert answer.attainment is None
    assert answer.progress == pytest.approx((0.2 * 1 + 0.8 * 2) / 3)


def test_a_key_result_with_nothing_to_go_by_has_not_moved() -> None:
    assert aligned_progress([Part(None, 1)]) == KeyResultProgress(
        attainment=None, progress=0.0, source="computed", position=None
    )


def test_a_mean_rests_on_the_newest_value_that_counts() -> None:
    uncounted = [Part(0.1, 0, 90), Part(None, 1, 91), Part(0.0, 1)]
    assert newest_position([Part(0.2, 1, 12), Part(0.8, 2, 11), *uncounted]) == 12
    assert newest_position(uncounted) is None


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
    length=st.integers(-400, 400),
    at=st.tuples(moments, moments),
)
def test_expected_progress_never_falls_with_time(
    start: date, length: int, at: tuple[datetime, datetime]
) -> None:
    end = start + timedelta(days=length)
    earlier, later = (
        expected_progress(starts_on=start, ends_on=end, at=moment) for moment in sorted(at)
    )
    assert 0.0 <= earlier <= later <= 1.0


@pytest.mark.parametrize("ends_on", [date(2025, 12, 31), date(2025, 6, 30)])
def test_what_is_due_before_the_cycle_is_expected_at_once(ends_on: date) -> None:
    due = midnight(ends_on) + timedelta(days=1)
    for at, expected in ((due - timedelta(seconds=1), 0.0), (due, 1.0)):
        assert expected_progress(starts_on=date(2026, 1, 1), ends_on=ends_on, at=at) == expected


def test_the_calendar_may_end_with_what_is_due() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert expected_progress(starts_on=at.date(), ends_on=date.max, at=at) == 0.0
    assert 0 < expected_progress(starts_on=date(2025, 1, 1), ends_on=date.max, at=at) < 1e-3


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2025, 1, 1, tzinfo=UTC), 0.0),
        (datetime(2026, 1, 1, tzinfo=UTC), 0.0),
        (datetime(2026, 2, 15, tzinfo=UTC), 0.05),  # 45 of 90 days towards a tenth
        (datetime(2026, 4, 1, tzinfo=UTC), 0.1),  # the end of 31 March
        (datetime(2026, 5, 16, 12, tzinfo=UTC), 0.3),  # 45.5 of 91 days from 0.1 to 0.5
        (datetime(2026, 7, 1, tzinfo=UTC), 0.5),
        (datetime(2026, 10, 1, tzinfo=UTC), 0.75),
        (datetime(2026, 11, 16, tzinfo=UTC), 0.875),  # 46 of 92 days from 0.75 to 1
        (datetime(2027, 1, 1, tzinfo=UTC), 1.0),
        (datetime(2030, 1, 1, tzinfo=UTC), 1.0),
    ],
)
def test_phased_targets_bend_the_line_of_what_is_expected(at: datetime, expected: float) -> None:
    assert by_quarters(at) == pytest.approx(expected)


def test_phases_of_a_decrease_go_down() -> None:
    # Production bugs -50%, from 40 to 20; 25 are expected after the first half.
    expected = expected_by_phases(
        [PhasedTarget(on=date(2026, 1, 5), value=25)],
        baseline=40,
        target=20,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 1, 10),
        at=datetime(2026, 1, 6, tzinfo=UTC),
    )
    assert expected == 0.75


@given(moments, st.timedeltas(timedelta(0), timedelta(minutes=1)))
def test_what_phases_expect_moves_without_a_jump(at: datetime, step: timedelta) -> None:
    # The steepest phase asks for 0.4 in 91 days.
    assert abs(by_quarters(at + step) - by_quarters(at)) <= 0.4 * (step / timedelta(days=91)) + 1e-9


@st.composite
def phased_ways(draw: st.DrawFn) -> dict[str, Any]:
    """A way with phases in the order of their days, on its way or off it."""
    baseline, target = draw(numbers), draw(numbers)
    assume(baseline != target)
    first, length = draw(days), draw(st.integers(0, 400))
    around = st.integers(-20, length + 20).map(lambda day: first + timedelta(days=day))
    return {
        "phases": [
            PhasedTarget(on=day, value=draw(numbers)) for day in sorted(draw(st.sets(around)))
        ],
        "baseline": baseline,
        "target": target,
        "starts_on": first,
        "ends_on": first + timedelta(days=length),
    }


@given(phased_ways(), moments)
def test_what_phases_expect_is_a_share(way: dict[str, Any], at: datetime) -> None:
    assert 0.0 <= expected_by_phases(**way, at=at) <= 1.0


@given(phased_ways(), st.timedeltas(timedelta(0), timedelta(days=400)))
def test_nothing_is_expected_before_the_start_and_all_from_the_end_on(
    way: dict[str, Any], away: timedelta
) -> None:
    start, end = midnight(way["starts_on"]), midnight(way["ends_on"]) + timedelta(days=1)
    assert expected_by_phases(**way, at=start - away) == 0.0
    assert expected_by_phases(**way, at=end + away) == 1.0


@given(phased_ways())
def test_at_the_end_of_its_day_a_phase_within_the_time_is_expected(way: dict[str, Any]) -> None:
    for phase in way["phases"]:
        if way["starts_on"] <= phase.on < way["ends_on"]:
            ends = midnight(phase.on) + timedelta(days=1)
            share = attainment(baseline=way["baseline"], target=way["target"], value=phase.value)
            assert expected_by_phases(**way, at=ends) == clamp(share)


@given(phased_ways(), st.tuples(moments, moments))
def test_phases_that_never_go_back_never_expect_less_later(
    way: dict[str, Any], at: tuple[datetime, datetime]
) -> None:
    ordered: Sequence[float] = sorted(
        (phase.value for phase in way["phases"]), reverse=way["target"] < way["baseline"]
    )
    way["phases"] = [
        PhasedTarget(on=phase.on, value=value)
        for phase, value in zip(way["phases"], ordered, strict=True)
    ]
    earlier, later = (expected_by_phases(**way, at=moment) for moment in sorted(at))
    assert earlier <= later + 1e-12


@given(
    start=days,
    length=st.integers(1, 400),
    phased=st.sets(st.integers(0, 399)),
    ends=st.sampled_from([(0.0, 100.0), (40.0, 20.0), (-10.0, 10.0)]),
    at=moments,
)
def test_phases_on_the_straight_line_change_nothing(
    start: date, length: int, phased: set[int], ends: tuple[float, float], at: datetime
) -> None:
    baseline, target = ends
    phases = [
        PhasedTarget(
            on=start + timedelta(days=day),
            value=baseline + (target - baseline) * (day + 1) / (length + 1),
        )
        for day in sorted(phased)
        if day < length
    ]
    cycle = {"starts_on": start, "ends_on": start + timedelta(days=length)}
    bent = expected_by_phases(phases, baseline=baseline, target=target, at=at, **cycle)
    assert bent == pytest.approx(expected_progress(at=at, **cycle), abs=1e-12)


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0.3, "on_track"),
        (0.0, "on_track"),
        (-0.1, "on_track"),
        (-0.11, "at_risk"),
        (-0.25, "at_risk"),
        (-0.26, "off_track"),
        (-1.0, "off_track"),
        (None, None),
    ],
)
def test_the_pace_says_a_status_of_its_own(ahead: float | None, status: str | None) -> None:
    assert computed_status(ahead) == status


@given(st.tuples(paces, paces))
def test_a_better_pace_is_never_a_worse_status(ahead: tuple[float, float]) -> None:
    order = ["off_track", "at_risk", "on_track"]
    worse, better = (order.index(computed_status(each) or "") for each in sorted(ahead))
    assert worse <= better


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
