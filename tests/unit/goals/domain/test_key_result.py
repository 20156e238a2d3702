"""Which of what was said of a key result is its current value.

The numbers are those of the sample company, worked out by hand.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.progress import Tally
from services.chassis.eventstore.context import Event
from services.goals.domain.definition import Definition
from services.goals.domain.events import (
    CheckInCorrected,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultRetargeted,
    KeyResultUnlinked,
    Milestone,
)
from services.goals.domain.key_result import CurrentValue, Measurement
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import progress_of
from tests.unit.goals.given import (
    ADA,
    COVERAGE,
    FRENCH,
    GERMAN,
    LANGUAGES,
    LATENCY,
    LEADS,
    NOW,
    POLISH,
    RESPONSIVE,
    UPTIME,
    checked_in,
    in_work,
    measured,
    only_key_result,
    then,
)

DAY = timedelta(days=1)
FIRST, SECOND = UUID(int=31), UUID(int=32)
EVERY_TYPE = (LEADS, LATENCY, UPTIME, LANGUAGES, RESPONSIVE)


def said(
    value: float, check_in_id: UUID = FIRST, done: tuple[UUID, ...] = ()
) -> KeyResultCheckedIn:
    return checked_in(value, check_in_id=check_in_id, milestones_done=done)


def corrected(
    value: float,
    *,
    was: float,
    check_in_id: UUID = FIRST,
    done: tuple[UUID, ...] = (),
) -> CheckInCorrected:
    return CheckInCorrected(
        key_result_id=COVERAGE,
        check_in_id=check_in_id,
        value=value,
        was=was,
        confidence=0.5,
        status="at_risk",
        comment="Two digits were swapped.",
        milestones_done=done,
    )


def retargeted(definition: Definition) -> KeyResultRetargeted:
    fields = ("type", "baseline", "target", "stretch", "lower", "upper")
    return KeyResultRetargeted(
        key_result_id=COVERAGE,
        milestones=definition.milestones,
        phased_targets=definition.phased_targets,
        **{each: getattr(definition, each) for each in fields},
    )


def value_of(objective: Objective) -> float | None:
    current = only_key_result(objective).current
    return current and current.value


@pytest.mark.parametrize(
    ("definition", "event", "attained", "progress"),
    [
        (LEADS, said(600), 0.5, 0.5),  # 100 of 200 leads more
        (LEADS, said(800), 1.5, 1.0),
        (LEADS, said(400), -0.5, 0.0),
        (LEADS, said(700), 1.0, 1.0),
        (LATENCY, said(1300), 0.25, 0.25),  # 100 of 400 ms less
        (LATENCY, said(900), 1.25, 1.0),
        (replace(LEADS, baseline=5.0, target=8.0), said(6.5), 0.5, 0.5),  # conversion, 5% -> 8%
        (UPTIME, said(99.995), 1.0, 1.0),
        (UPTIME, said(99.9), 0.0, 0.0),
        (LANGUAGES, said(0.5, done=(GERMAN,)), 0.5, 0.5),
        (RESPONSIVE, said(1.0), 1.0, 1.0),
        (RESPONSIVE, said(0.0), 0.0, 0.0),
    ],
)
def test_progress_is_what_one_works_out_by_hand(
    definition: Definition, event: Event, attained: float, progress: float
) -> None:
    found = only_key_result(in_work(definition, event))
    assert found.attained == pytest.approx(attained)
    assert progress_of(found).progress == pytest.approx(progress)
    assert progress_of(found).source == "manual"


@pytest.mark.parametrize("definition", EVERY_TYPE, ids=lambda each: each.type)
def test_before_the_first_value_nothing_is_attained(definition: Definition) -> None:
    found = only_key_result(in_work(definition))
    assert found.attained is None
    assert (progress_of(found).progress, progress_of(found).source) == (0.0, "computed")


def test_a_check_in_becomes_the_current_value() -> None:
    found = only_key_result(in_work(LEADS, said(600)))
    assert found.current == CurrentValue(
        value=600, source="manual", as_of=NOW, position=104, check_in_id=FIRST
    )
    assert found.last_check_in is not None
    assert (found.last_check_in.id, found.last_check_in.by) == (FIRST, ADA)
    assert found.last_check_in.corrected is False


def test_a_check_in_about_an_earlier_time_changes_nothing_current() -> None:
    before = in_work(LEADS, said(600))
    after = then(before, said(550, SECOND), at=NOW + DAY, effective_at=NOW - DAY)
    assert after.key_results == before.key_results


def test_a_check_in_about_the_same_time_replaces_the_one_before() -> None:
    before = in_work(LEADS, said(600))
    after = then(before, said(601, SECOND), at=NOW + DAY, effective_at=NOW)
    assert value_of(after) == 601
    last = only_key_result(after).last_check_in
    assert last is not None
    assert last.id == SECOND


def test_a_check_in_from_a_clock_ahead_of_ours_does_not_outdate_the_next_one() -> None:
    ahead = NOW + timedelta(seconds=20)
    state = then(in_work(LEADS), said(600), at=NOW, effective_at=ahead)
    current = only_key_result(state).current
    assert current is not None
    assert current.as_of == NOW
    state = then(state, said(601, SECOND), at=NOW + timedelta(seconds=1))
    assert value_of(state) == 601


def test_the_latest_check_in_is_put_right_and_keeps_its_author_and_time() -> None:
    before = in_work(LEADS, said(620))
    after = only_key_result(then(before, corrected(602, was=620), at=NOW + DAY, effective_at=NOW))
    assert after.current == CurrentValue(
        value=602, source="manual", as_of=NOW, position=199, check_in_id=FIRST
    )
    last = after.last_check_in
    assert last is not None
    assert (last.id, last.value, last.effective_at, last.by) == (FIRST, 602, NOW, ADA)
    assert (last.confidence, last.status, last.comment) == (
        0.5,
        "at_risk",
        "Two digits were swapped.",
    )
    assert last.corrected is True


def test_an_older_check_in_is_put_right_without_moving_the_current_value() -> None:
    before = then(in_work(LEADS, said(560)), said(620, SECOND), at=NOW + DAY)
    after = then(before, corrected(550, was=560), at=NOW + 2 * DAY, effective_at=NOW)
    assert after.key_results == before.key_results


def test_a_corrected_override_that_was_measured_over_changes_only_what_was_said() -> None:
    state = in_work(LEADS, said(620))
    state = then(state, measured(640, start=NOW, end=NOW + DAY), at=NOW + DAY)
    after = only_key_result(then(state, corrected(602, was=620), effective_at=NOW))
    assert after.current == only_key_result(state).current
    assert after.last_check_in is not None
    assert after.last_check_in.value == 602


def test_a_check_in_about_a_time_before_the_last_measurement_joins_only_the_history() -> None:
    state = then(in_work(LEADS), measured(640, start=NOW - DAY, end=NOW))
    after = only_key_result(then(state, said(600), at=NOW + DAY, effective_at=NOW - DAY))
    assert after.current == only_key_result(state).current
    assert after.last_check_in is not None


def tally_of(*events: Event) -> Tally:
    return only_key_result(in_work(UPTIME, *events)).tally


def test_each_check_in_of_what_is_maintained_counts_whenever_it_was_true() -> None:
    state = in_work(UPTIME, said(99.995))
    state = then(state, said(99.9, SECOND), at=NOW + DAY, effective_at=NOW - DAY)
    state = then(state, said(100.0, uuid4()), at=NOW + DAY, effective_at=NOW - 2 * DAY)
    found = only_key_result(state)
    assert found.tally == Tally(measured=3, in_band=2)
    assert found.attained == pytest.approx(2 / 3)
    assert value_of(state) == 99.995
    # Its progress rests on what was said last, although that was about an earlier time.
    assert progress_of(found).position == state.position
    put_right = corrected(99.0, was=99.9, check_in_id=SECOND)
    state = then(state, put_right, at=NOW + 2 * DAY, effective_at=NOW - DAY)
    assert progress_of(only_key_result(state)).position == state.position


def test_nothing_else_is_tallied() -> None:
    assert only_key_result(in_work(LEADS, said(600))).tally == Tally()


@pytest.mark.parametrize(
    ("was", "value", "in_band"),
    [(99.995, 99.9, 1), (99.9, 99.995, 2), (99.995, 99.999, 2), (99.9, 99.8, 1)],
)
@pytest.mark.parametrize("check_in_id", [FIRST, SECOND], ids=["the first", "the latest"])
def test_a_corrected_check_in_is_counted_once_as_it_is_now(
    was: float, value: float, in_band: int, check_in_id: UUID
) -> None:
    other = SECOND if check_in_id == FIRST else FIRST
    says = {check_in_id: said(was, check_in_id), other: said(100.0, other)}
    put_right = corrected(value, was=was, check_in_id=check_in_id)
    assert tally_of(says[FIRST], says[SECOND], put_right) == Tally(measured=2, in_band=in_band)


def test_a_correction_of_a_correction_is_counted_once() -> None:
    assert tally_of(said(99.9), corrected(99.995, was=99.9), corrected(99.8, was=99.995)) == Tally(
        measured=1, in_band=0
    )


@pytest.mark.parametrize(
    ("was", "value", "band"),
    [
        (50.0, 40.0, (99.0, None)),  # in band when it was said, out of it since
        (99.5, 99.6, (0.0, 10.0)),
        (50.0, 99.9, (99.0, None)),
        (5.0, 99.9, (0.0, 10.0)),
    ],
)
def test_a_tally_keeps_within_its_range_when_the_band_moved_before_a_correction(
    was: float, value: float, band: tuple[float | None, float | None]
) -> None:
    lower, upper = band
    moved = replace(UPTIME, lower=lower, upper=upper)
    tally = only_key_result(
        in_work(UPTIME, said(was), retargeted(moved), corrected(value, was=was))
    ).tally
    assert tally.measured == 1
    assert 0 <= tally.in_band <= tally.measured


def test_what_was_tallied_stays_when_the_band_moves() -> None:
    moved = replace(UPTIME, lower=99.0)
    assert tally_of(said(99.5), retargeted(moved), said(99.5, SECOND)) == Tally(2, 1)


LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")
UNLINKED = KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage")


def of_day(value: float, number: int = 0) -> Event:
    start = datetime(2026, 1, 10, tzinfo=UTC) + number * DAY
    return measured(value, start=start, end=start + DAY)


@pytest.mark.parametrize(
    ("events", "tally"),
    [
        ([of_day(99.995), of_day(99.9, 1), of_day(100.0, 2)], Tally(3, 2)),
        ([of_day(99.9), of_day(99.995), of_day(99.999)], Tally(1, 1)),
        ([of_day(99.995), of_day(99.999), of_day(99.9)], Tally(1, 0)),
        ([of_day(99.995), of_day(99.9, 1), of_day(99.8, 1), of_day(99.99, 1)], Tally(2, 2)),
        ([of_day(99.995), said(99.0), of_day(99.995)], Tally(2, 1)),
        ([of_day(99.995), UNLINKED, LINKED, of_day(99.995)], Tally(2, 2)),
    ],
    ids=[
        "each period",
        "a period in the end in band",
        "a period in the end out of band",
        "the second period anew",
        "a period and an override",
        "linked anew",
    ],
)
def test_a_period_counts_once_as_it_was_measured_last(events: list[Event], tally: Tally) -> None:
    assert tally_of(LINKED, *events) == tally


def test_a_period_measured_again_by_a_moved_band_is_counted_by_that() -> None:
    narrower = replace(UPTIME, lower=99.999)
    assert tally_of(LINKED, of_day(99.995), retargeted(narrower), of_day(99.996)) == Tally(1, 0)
    wider = replace(UPTIME, lower=99.0)
    assert tally_of(LINKED, of_day(99.5), retargeted(wider), of_day(99.6)) == Tally(1, 1)


def test_a_measurement_of_a_period_still_running_is_true_as_of_now() -> None:
    found = only_key_result(in_work(LEADS, LINKED, measured(81, start=NOW - DAY, end=NOW + DAY)))
    assert found.current == CurrentValue(value=81, source="kpi", as_of=NOW, position=105)
    assert found.measurement == Measurement(
        period_start=NOW - DAY, period_end=NOW + DAY, metrics_position=7, definition=1
    )


def test_a_measurement_of_a_period_that_ended_is_true_as_of_its_end() -> None:
    end = datetime(2026, 1, 31, tzinfo=UTC)
    current = only_key_result(
        in_work(LEADS, LINKED, measured(81, start=end - DAY, end=end))
    ).current
    assert current is not None
    assert current.as_of == end


def test_a_measurement_is_the_current_value_even_if_something_later_was_said() -> None:
    found = only_key_result(in_work(LEADS, LINKED, said(650), of_day(600)))
    assert found.current is not None
    assert (found.current.value, found.current.source) == (600, "kpi")


def test_a_check_in_overrides_what_was_measured() -> None:
    found = only_key_result(in_work(LEADS, LINKED, of_day(600), said(650)))
    assert found.current is not None
    assert (found.current.value, found.current.source) == (650, "manual")
    assert progress_of(found).progress == 0.75


def test_milestones_that_are_gone_are_not_done() -> None:
    fewer = replace(LANGUAGES, milestones=LANGUAGES.milestones[1:])  # French and Polish, 1 each
    state = in_work(LANGUAGES, said(0.75, done=(GERMAN, FRENCH)), retargeted(fewer))
    current = only_key_result(state).current
    assert current is not None
    assert (current.value, current.milestones_done) == (0.5, (FRENCH,))
    assert only_key_result(state).attained == 0.5


def test_a_milestone_that_comes_to_the_list_is_yet_to_be_done() -> None:
    longer = replace(
        LANGUAGES,
        milestones=(*LANGUAGES.milestones, Milestone(id=uuid4(), title="Dutch", weight=4.0)),
    )
    state = in_work(LANGUAGES, said(1.0, done=(GERMAN, FRENCH, POLISH)), retargeted(longer))
    assert value_of(state) == 0.5


def test_a_list_that_nobody_checked_in_on_is_replaced() -> None:
    steps = tuple(Milestone(id=UUID(int=n), title=f"Step {n}", weight=n) for n in (1, 2))
    other = replace(LANGUAGES, milestones=steps)
    found = only_key_result(in_work(LANGUAGES, retargeted(other)))
    assert found.definition == other
    assert found.current is None


def test_another_target_moves_the_progress_and_not_the_value() -> None:
    further = replace(LEADS, target=900.0)
    found = only_key_result(in_work(LEADS, said(600), retargeted(further)))
    assert found.current is not None
    assert found.current.value == 600
    assert found.attained == 0.25


@pytest.mark.parametrize(
    ("value", "lower", "upper", "inside"),
    [
        (99.99, 99.99, None, True),
        (99.98, 99.99, None, False),
        (5.0, None, 5.0, True),
        (5.1, None, 5.0, False),
        (5.0, 5.0, 5.0, True),
    ],
)
def test_a_band_includes_its_ends(
    value: float, lower: float | None, upper: float | None, inside: bool
) -> None:
    assert replace(UPTIME, lower=lower, upper=upper).in_band(value) is inside


@pytest.mark.parametrize("definition", [LEADS, LATENCY, LANGUAGES, RESPONSIVE])
def test_only_what_is_maintained_has_a_band(definition: Definition) -> None:
    assert definition.in_band(1.0) is None
