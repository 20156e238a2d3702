import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter

import pytest

from contracts.progress import verdict
from contracts.subjects import KPI_KEY_PATTERN
from deploy.local.sample import last_quarter, this_quarter
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.history import YEAR, history, value_at
from deploy.local.sample.kpis import KPIS, KpiPlan
from deploy.local.sample.plans import KeyResultPlan, ObjectivePlan
from deploy.local.sample.quarters import Quarter

NOW = datetime(2026, 2, 20, 15, 30, tzinfo=UTC)
QUARTER = Quarter(2026, 1)

CYCLES = pytest.mark.parametrize(
    "objectives", [this_quarter.OBJECTIVES, last_quarter.OBJECTIVES], ids=["this", "last"]
)
EVERY_KPI = pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.key)
EVERY_KEY_RESULT = [
    pytest.param(key_result, id=f"{objective.slug}/{key_result.slug}")
    for objective in (*this_quarter.OBJECTIVES, *last_quarter.OBJECTIVES)
    for key_result in objective.key_results
]


def kpi(key: str) -> KpiPlan:
    return next(each for each in KPIS if each.key == key)


# Quarters


@pytest.mark.parametrize(
    ("day", "name", "first", "last"),
    [
        (date(2026, 1, 1), "2026 Q1", date(2026, 1, 1), date(2026, 3, 31)),
        (date(2024, 2, 29), "2024 Q1", date(2024, 1, 1), date(2024, 3, 31)),
        (date(2026, 6, 30), "2026 Q2", date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 12, 31), "2026 Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_day_lies_in_its_quarter(day: date, name: str, first: date, last: date) -> None:
    quarter = Quarter.containing(day)
    assert (quarter.name, quarter.starts_on, quarter.ends_on) == (name, first, last)


def test_the_quarter_before_the_first_is_the_last_of_the_year_before() -> None:
    assert Quarter(2026, 1).previous() == Quarter(2025, 4)
    assert Quarter(2026, 1).previous().ends_at == Quarter(2026, 1).begins_at


def test_elapsed_is_a_share_of_the_quarter() -> None:
    assert QUARTER.elapsed(datetime(2025, 7, 1, tzinfo=UTC)) == 0
    assert QUARTER.elapsed(datetime(2026, 2, 15, tzinfo=UTC)) == 0.5
    assert QUARTER.elapsed(datetime(2027, 1, 1, tzinfo=UTC)) == 1


# Objectives


@CYCLES
def test_slugs_are_unique(objectives: tuple[ObjectivePlan, ...]) -> None:
    slugs = [each.slug for each in objectives]
    assert len(slugs) == len(set(slugs))
    for objective in objectives:
        inner = [each.slug for each in objective.key_results]
        assert len(inner) == len(set(inner))
    titles = [each.title for each in objectives]
    assert len(titles) == len(set(titles))


@CYCLES
def test_alignments_make_a_tree_from_the_company_down_to_persons(
    objectives: tuple[ObjectivePlan, ...],
) -> None:
    graph = {each.slug: [parent.objective for parent in each.parents] for each in objectives}
    assert set(TopologicalSorter(graph).static_order()) == {each.slug for each in objectives}
    assert {each.owner.kind for each in objectives} == {"company", "team", "person"}
    for objective in objectives:
        assert bool(objective.parents) == (objective.owner.kind != "company")


@CYCLES
def test_objectives_come_after_those_they_stand_below(
    objectives: tuple[ObjectivePlan, ...],
) -> None:
    known: dict[str, set[str]] = {}
    for objective in objectives:
        for parent in objective.parents:
            assert parent.objective in known
            assert parent.key_result is None or parent.key_result in known[parent.objective]
            assert parent.weight > 0
        known[objective.slug] = {each.slug for each in objective.key_results}


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_key_results_have_a_way_to_go(key_result: KeyResultPlan) -> None:
    assert key_result.baseline != key_result.target
    assert key_result.weight > 0
    assert key_result.reached is None or key_result.follow is None
    if key_result.stretch is not None:
        beyond = (key_result.stretch - key_result.target) * (
            key_result.target - key_result.baseline
        )
        assert beyond > 0


@CYCLES
def test_what_nobody_measures_is_fed_by_a_child_or_not_begun(
    objectives: tuple[ObjectivePlan, ...],
) -> None:
    fed = {
        (parent.objective, parent.key_result)
        for each in objectives
        for parent in each.parents
        if parent.kind == "contributes"
    }
    for objective in objectives:
        for each in objective.key_results:
            measured = each.reached is not None or each.follow is not None
            is_fed = (objective.slug, each.slug) in fed
            assert measured != is_fed or not objective.started


def test_started_objectives_have_two_to_five_key_results() -> None:
    for objective in (*this_quarter.OBJECTIVES, *last_quarter.OBJECTIVES):
        assert 2 <= len(objective.key_results) <= 5 or not objective.started


def test_every_objective_of_the_last_quarter_can_be_scored() -> None:
    for objective in last_quarter.OBJECTIVES:
        assert objective.started
        assert all(each.reached is not None for each in objective.key_results)


def test_the_last_quarter_ended_in_every_way() -> None:
    verdicts = set()
    for objective in last_quarter.OBJECTIVES:
        shares = [min(each.reached or 0.0, 1.0) for each in objective.key_results]
        verdicts.add(verdict(ambition=objective.ambition, score=sum(shares) / len(shares)))
    assert verdicts == {"achieved", "partial", "missed"}


def test_one_key_result_outlives_its_quarter() -> None:
    outliving = [
        each.slug
        for objective in this_quarter.OBJECTIVES
        for each in objective.key_results
        if (due_on := each.definition(QUARTER)["due_on"])
        and date.fromisoformat(str(due_on)) > QUARTER.ends_on
    ]
    assert outliving == ["electric-fleet"]


def test_followed_kpis_begin_where_their_key_results_do() -> None:
    followers = [
        each
        for objective in this_quarter.OBJECTIVES
        for each in objective.key_results
        if each.follow is not None
    ]
    assert len(followers) >= 4
    for key_result in followers:
        assert key_result.follow is not None
        followed = kpi(key_result.follow.kpi)
        assert followed.course.beginning == key_result.baseline
        moved = followed.course.end - followed.course.beginning
        assert moved * (key_result.target - key_result.baseline) > 0


# Check-ins


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_a_finished_quarter_ends_with_what_was_reached(key_result: KeyResultPlan) -> None:
    said = check_ins(key_result, QUARTER, QUARTER.ends_at)
    if key_result.reached is None:
        assert said == []
        return
    way = key_result.target - key_result.baseline
    expected = key_result.baseline + key_result.reached * way
    assert said[-1].value == pytest.approx(expected, abs=0.5 * 10**-key_result.decimals + 1e-9)
    assert said[-1].effective_at.date() == QUARTER.ends_on


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_check_ins_stay_within_the_quarter_and_the_past(key_result: KeyResultPlan) -> None:
    said = check_ins(key_result, QUARTER, NOW)
    moments = [each.effective_at for each in said]
    assert moments == sorted(set(moments))
    assert all(QUARTER.begins_at <= each <= NOW for each in moments)
    assert all(0 <= each.confidence <= 1 for each in said)


def test_what_was_said_does_not_change_as_time_goes_on() -> None:
    (key_result, *_) = this_quarter.MARKET_SHARE.key_results
    earlier = check_ins(key_result, QUARTER, NOW)
    later = check_ins(key_result, QUARTER, QUARTER.ends_at)
    assert 0 < len(earlier) < len(later)
    assert later[: len(earlier)] == earlier


def test_nobody_has_said_anything_on_the_first_day() -> None:
    (key_result, *_) = this_quarter.MARKET_SHARE.key_results
    assert check_ins(key_result, QUARTER, QUARTER.begins_at + timedelta(hours=12)) == []


def test_a_key_result_due_in_three_years_is_not_behind_after_a_quarter() -> None:
    fleet = this_quarter.CARBON.key_results[-1]
    assert fleet.reached is not None
    assert fleet.reached < 0.2
    assert check_ins(fleet, QUARTER, QUARTER.ends_at)[-1].status == "on_track"


# KPIs and their history


def test_there_are_seventeen_kpis_with_keys_of_the_right_form() -> None:
    keys = [each.key for each in KPIS]
    assert len(set(keys)) == len(keys) == 17
    assert all(re.fullmatch(KPI_KEY_PATTERN, each) for each in keys)


@EVERY_KPI
def test_a_kpi_has_a_year_of_plausible_readings(kpi: KpiPlan) -> None:
    readings = list(history(kpi, QUARTER, NOW))
    moments = [each.at for each in readings]
    assert len(readings) in (YEAR // kpi.every, YEAR // kpi.every + 1)
    assert moments == sorted(set(moments))
    assert NOW - YEAR <= moments[0] < NOW - YEAR + kpi.every
    assert NOW - kpi.every < moments[-1] <= NOW
    highest = kpi.ceiling or max(kpi.course.year_before, kpi.course.end) * 2
    assert all(0 < each.value <= highest for each in readings)
    assert len({each.value for each in readings}) > 5


@EVERY_KPI
def test_a_kpi_moves_towards_the_better(kpi: KpiPlan) -> None:
    course = kpi.course
    ordered = [course.year_before, course.beginning, course.end]
    assert ordered == sorted(ordered, reverse=kpi.direction == "lower")


@EVERY_KPI
def test_history_is_the_same_every_time_and_only_grows(kpi: KpiPlan) -> None:
    readings = list(history(kpi, QUARTER, NOW))
    assert readings == list(history(kpi, QUARTER, NOW))
    next_day = list(history(kpi, QUARTER, NOW + timedelta(days=1)))
    assert set(next_day) >= {each for each in readings if each.at >= next_day[0].at}


def test_values_follow_the_course() -> None:
    conversion = kpi("sales.conversion")
    days = [QUARTER.begins_at + timedelta(hours=6 * step) for step in range(4 * 28)]
    month = [value_at(conversion, QUARTER, at) for at in days]
    level = sum(month) / len(month)
    course = conversion.course
    expected = course.beginning + (course.end - course.beginning) * 14 / 90
    assert level == pytest.approx(expected, rel=0.02)


def test_a_value_never_passes_its_ceiling() -> None:
    capped = replace(kpi("delivery.on_time"), ceiling=95.0)
    days = [QUARTER.begins_at + timedelta(days=step) for step in range(90)]
    assert max(value_at(capped, QUARTER, at) for at in days) == 95
