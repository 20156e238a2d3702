import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter

import pytest

from contracts.progress import verdict
from contracts.subjects import KPI_KEY_PATTERN
from deploy.local.sample import last_quarter, this_quarter, this_year
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.history import YEAR, history, value_at
from deploy.local.sample.kpis import KPIS, KpiPlan
from deploy.local.sample.measures import Band, Change, Checklist, Deed, Standing
from deploy.local.sample.periods import Quarter, Year
from deploy.local.sample.plans import KeyResultPlan, ObjectivePlan
from deploy.local.sample.this_quarter import growth, shop

NOW = datetime(2026, 2, 20, 15, 30, tzinfo=UTC)
QUARTER = Quarter(2026, 1)
THIS_YEAR = Year(2026)

# What is aligned to one another, from the top down.
NOW_PURSUED = (*this_year.OBJECTIVES, *this_quarter.OBJECTIVES)
ALL = (*NOW_PURSUED, *last_quarter.OBJECTIVES)

TREES = pytest.mark.parametrize(
    "objectives", [NOW_PURSUED, last_quarter.OBJECTIVES], ids=["now", "last"]
)
EVERY_KPI = pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.key)
EVERY_KEY_RESULT = [
    pytest.param(key_result, id=f"{objective.slug}/{key_result.slug}")
    for objective in ALL
    for key_result in objective.key_results
]


def kpi(key: str) -> KpiPlan:
    return next(each for each in KPIS if each.key == key)


# Quarters and years


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


def test_a_year_has_all_of_its_quarters() -> None:
    quarters = [Quarter(2026, number) for number in (1, 2, 3, 4)]
    assert THIS_YEAR.name == "2026"
    assert THIS_YEAR.begins_at == quarters[0].begins_at
    assert THIS_YEAR.ends_at == quarters[-1].ends_at


def test_elapsed_is_a_share_of_the_quarter() -> None:
    assert QUARTER.elapsed(datetime(2025, 7, 1, tzinfo=UTC)) == 0
    assert QUARTER.elapsed(datetime(2026, 2, 15, tzinfo=UTC)) == 0.5
    assert QUARTER.elapsed(datetime(2027, 1, 1, tzinfo=UTC)) == 1


# Objectives


@TREES
def test_slugs_are_unique(objectives: tuple[ObjectivePlan, ...]) -> None:
    slugs = [each.slug for each in objectives]
    assert len(slugs) == len(set(slugs))
    for objective in objectives:
        inner = [each.slug for each in objective.key_results]
        assert len(inner) == len(set(inner))
    titles = [each.title for each in objectives]
    assert len(titles) == len(set(titles))


@TREES
def test_alignments_make_a_tree_from_the_company_down_to_persons(
    objectives: tuple[ObjectivePlan, ...],
) -> None:
    graph = {each.slug: [parent.objective for parent in each.parents] for each in objectives}
    assert set(TopologicalSorter(graph).static_order()) == {each.slug for each in objectives}
    assert {each.owner.kind for each in objectives} == {"company", "team", "person"}
    for objective in objectives:
        assert objective.parents or objective.owner.kind == "company"


@TREES
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


def test_what_a_quarter_wants_leads_to_what_the_year_wants() -> None:
    yearly = {each.slug for each in this_year.OBJECTIVES}
    above = {parent.objective for each in this_quarter.OBJECTIVES for parent in each.parents}
    assert yearly <= above
    for objective in this_quarter.OBJECTIVES:
        is_companys = objective.owner.kind == "company"
        assert not is_companys or {each.objective for each in objective.parents} <= yearly


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_key_results_have_something_to_reach(key_result: KeyResultPlan) -> None:
    assert key_result.weight > 0
    assert key_result.reached is None or key_result.follow is None
    measure = key_result.measure
    if isinstance(measure, Change):
        way = measure.target - measure.baseline
        assert way != 0
        assert measure.stretch is None or (measure.stretch - measure.target) * way > 0
        due_on = key_result.due_on(QUARTER) or QUARTER.ends_on
        stations = measure.phased_targets(QUARTER.starts_on)
        assert all(each.on < due_on for each in stations)
    elif isinstance(measure, Band):
        assert (measure.lower is None) != (measure.upper is None)
        # Rounding leaves even what is near the bound on its side.
        assert measure.room > 5 * 10**-measure.decimals or key_result.follow is not None
    elif isinstance(measure, Checklist):
        assert len(measure.milestones) >= 2
    assert key_result.follow is None or measure.type not in ("milestones", "binary")


def test_every_type_of_key_result_is_there() -> None:
    types = {each.measure.type for objective in ALL for each in objective.key_results}
    assert types == {"increase", "decrease", "maintain", "milestones", "binary"}


def test_the_facts_call_for_their_types() -> None:
    found = {
        (objective.slug, each.slug): each.measure.type
        for objective in ALL
        for each in objective.key_results
    }
    assert found["homepage", "uptime"] == "maintain"
    assert found["homepage", "languages"] == "milestones"
    assert found["homepage", "responsive"] == "binary"
    assert found["market-share", "requested-features"] == "milestones"
    assert found["carbon", "electric-fleet"] == "increase"


def test_objectives_are_at_every_stage() -> None:
    assert {each.stage for each in this_quarter.OBJECTIVES} == {
        "draft",
        "proposed",
        "active",
        "postponed",
        "abandoned",
    }
    for objective in ALL:
        needs_reason = objective.stage in ("postponed", "abandoned") or objective.predecessor
        assert bool(objective.reason) == bool(needs_reason)


def test_comments_are_on_key_results_that_are_checked_in_on() -> None:
    for objective in ALL:
        said_of = {each.slug for each in objective.key_results if each.reached is not None}
        assert {each.on for each in objective.comments} - {None} <= said_of


def test_what_goes_on_begins_where_it_ended() -> None:
    (successor,) = [each for each in this_quarter.OBJECTIVES if each.predecessor is not None]
    (predecessor,) = [
        each for each in last_quarter.OBJECTIVES if each.slug == successor.predecessor
    ]
    assert successor.title != predecessor.title
    carried = ("owner", "delegates", "labels", "ambition", "description")
    assert [getattr(successor, each) for each in carried] == [
        getattr(predecessor, each) for each in carried
    ]
    for before, after in zip(predecessor.key_results, successor.key_results, strict=True):
        assert after.title == before.title
        assert isinstance(before.measure, Change)
        assert isinstance(after.measure, Change)
        assert after.measure.target == before.measure.target
        last = check_ins(before, QUARTER.previous(), QUARTER.begins_at)[-1]
        assert after.measure.baseline == last.standing


@TREES
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
            assert measured != is_fed or objective.stage in ("draft", "proposed")


def test_objectives_have_two_to_five_key_results_but_for_a_draft() -> None:
    for objective in ALL:
        assert 2 <= len(objective.key_results) <= 5 or objective.stage == "draft"


def test_every_objective_of_the_last_quarter_can_be_scored() -> None:
    for objective in last_quarter.OBJECTIVES:
        assert objective.stage == "active"
        assert all(each.reached is not None for each in objective.key_results)


def test_the_last_quarter_ended_in_every_way() -> None:
    verdicts = set()
    for objective in last_quarter.OBJECTIVES:
        shares = [
            min(each.reached or 0.0, 1.0) if each.override is None else each.override.score
            for each in objective.key_results
        ]
        verdicts.add(verdict(ambition=objective.ambition, score=sum(shares) / len(shares)))
    assert verdicts == {"achieved", "partial", "missed"}


def test_the_last_quarter_was_looked_back_on() -> None:
    key_results = [each for plan in last_quarter.OBJECTIVES for each in plan.key_results]
    assert sum(each.override is not None for each in key_results) >= 2
    assert sum(each.slip is not None for each in key_results) >= 1
    assert sum(each.retrospective is not None for each in last_quarter.OBJECTIVES) >= 3


def test_one_key_result_outlives_its_cycle() -> None:
    outliving = [
        each.slug
        for period, objectives in (
            (QUARTER, this_quarter.OBJECTIVES),
            (THIS_YEAR, this_year.OBJECTIVES),
        )
        for objective in objectives
        for each in objective.key_results
        if (due_on := each.due_on(period)) is not None and due_on > period.ends_on
    ]
    assert outliving == ["electric-fleet"]


def test_phases_are_told_by_their_days() -> None:
    definition = growth.ENGAGEMENT.key_results[-1].definition(QUARTER)
    assert definition["phased_targets"] == [
        {"on": "2026-01-29", "value": 47},
        {"on": "2026-02-26", "value": 44.5},
    ]
    assert definition["due_on"] == "2026-03-26"


def test_followed_kpis_begin_where_their_key_results_do() -> None:
    followers = [
        (each, each.measure, objective in this_year.OBJECTIVES)
        for objective in NOW_PURSUED
        for each in objective.key_results
        if each.follow is not None and isinstance(each.measure, Change)
    ]
    assert len(followers) >= 6
    for key_result, measure, is_yearly in followers:
        assert key_result.follow is not None
        course = kpi(key_result.follow.kpi).course
        began = course.year_before if is_yearly else course.beginning
        assert began == measure.baseline
        assert (course.end - began) * (measure.target - measure.baseline) > 0


# Check-ins


def standings(key_result: KeyResultPlan) -> list[Standing]:
    """What is said of it in a whole quarter."""
    return [each.standing for each in check_ins(key_result, QUARTER, QUARTER.ends_at)]


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_a_finished_quarter_ends_with_what_was_reached(key_result: KeyResultPlan) -> None:
    said = check_ins(key_result, QUARTER, QUARTER.ends_at)
    if key_result.reached is None:
        assert said == []
        return
    assert said[-1].effective_at.date() == QUARTER.ends_on
    measure = key_result.measure
    if isinstance(measure, Change):
        expected = measure.baseline + key_result.reached * (measure.target - measure.baseline)
        rounding = 0.5 * 10**-measure.decimals + 1e-9
        assert said[-1].standing == pytest.approx(expected, abs=rounding)
    elif isinstance(measure, Deed):
        assert said[-1].standing == (key_result.reached >= 1)


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_check_ins_speak_the_way_of_their_type(key_result: KeyResultPlan) -> None:
    if key_result.reached is None:
        return
    milestones = key_result.measure.milestones if isinstance(key_result.measure, Checklist) else {}
    ids = {title: f"id of {title}" for title in milestones}
    ways = {"milestones": "milestones_done", "binary": "done"}
    way = ways.get(key_result.measure.type, "value")
    for each in check_ins(key_result, QUARTER, QUARTER.ends_at):
        assert set(each.body(ids)) & {"value", "done", "milestones_done"} == {way}


def test_milestones_are_done_one_after_another() -> None:
    languages = shop.HOMEPAGE.key_results[2]
    said = standings(languages)
    assert list(dict.fromkeys(said)) == [
        (),
        ("English",),
        ("English", "French"),
        ("English", "French", "Polish"),
    ]


def test_what_is_done_stays_done_and_is_done_before_the_end() -> None:
    responsive = shop.HOMEPAGE.key_results[3]
    said = standings(responsive)
    assert said == sorted(said)
    assert said.count(True) > 1
    assert said.count(False) > 1


def test_a_band_is_left_now_and_then() -> None:
    uptime = shop.HOMEPAGE.key_results[0]
    said = [
        each
        for number in (1, 2, 3, 4)
        for each in check_ins(uptime, Quarter(2026, number), Quarter(2027, 1).begins_at)
    ]
    outside = [each for each in said if isinstance(each.standing, float) and each.standing < 99.99]
    assert 0 < len(outside) < len(said) / 4
    assert {each.status for each in outside} == {"at_risk"}
    assert all(each.status == "on_track" for each in said if each not in outside)


def test_an_upper_bound_is_kept_from_below() -> None:
    scrap = replace(
        shop.HOMEPAGE.key_results[0], measure=Band(upper=3, room=0.5, decimals=2), reached=1.0
    )
    said = standings(scrap)
    assert all(isinstance(each, float) and 2.5 <= each < 3 for each in said)


@pytest.mark.parametrize("key_result", EVERY_KEY_RESULT)
def test_check_ins_stay_within_the_quarter_and_the_past(key_result: KeyResultPlan) -> None:
    said = check_ins(key_result, QUARTER, NOW)
    moments = [each.effective_at for each in said]
    assert moments == sorted(set(moments))
    assert all(QUARTER.begins_at <= each <= NOW for each in moments)
    assert all(0 <= each.confidence <= 1 for each in said)


def test_a_yearly_objective_is_checked_in_on_every_four_weeks() -> None:
    said = check_ins(this_year.CARBON.key_results[0], THIS_YEAR, THIS_YEAR.ends_at)
    assert len(said) == 14
    assert said[1].effective_at - said[0].effective_at == timedelta(weeks=4)


def test_what_was_said_does_not_change_as_time_goes_on() -> None:
    (key_result, *_) = growth.MARKET_SHARE.key_results
    earlier = check_ins(key_result, QUARTER, NOW)
    later = check_ins(key_result, QUARTER, QUARTER.ends_at)
    assert 0 < len(earlier) < len(later)
    assert later[: len(earlier)] == earlier


def test_nobody_has_said_anything_on_the_first_day() -> None:
    (key_result, *_) = growth.MARKET_SHARE.key_results
    assert check_ins(key_result, QUARTER, QUARTER.begins_at + timedelta(hours=12)) == []


def test_a_key_result_due_in_three_years_is_not_behind_after_a_year() -> None:
    fleet = this_year.CARBON.key_results[-1]
    assert fleet.reached is not None
    assert fleet.reached < 0.2
    assert check_ins(fleet, THIS_YEAR, THIS_YEAR.ends_at)[-1].status == "on_track"


def test_a_slip_is_said_at_first_and_put_right_with_a_reason() -> None:
    on_time = last_quarter.OBJECTIVES[1].key_results[0]
    *before, last = check_ins(on_time, QUARTER, QUARTER.ends_at)
    assert all(each.correction({}) is None for each in before)
    assert last.body({})["value"] == 92.5
    right = last.correction({})
    assert right is not None
    assert (right["value"], right["reason"]) == (95.2, "Two digits were swapped.")
    assert {**last.body({}), **right}["effective_at"] == last.effective_at.isoformat()
    assert "effective_at" not in right


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
