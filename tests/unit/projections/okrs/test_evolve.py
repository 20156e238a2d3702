"""Given published events, then these rows hold."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from contracts import goals, reviews
from contracts.events import PublishedEvent
from contracts.progress import Tally
from services.projections.okrs.evolve import UNDERSTOOD
from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Cycle,
    Delegate,
    KeyResult,
    Measurement,
    Objective,
    PhasedTarget,
)
from services.projections.timeline import Version
from tests.unit.projections.goals_log import Q1, SECOND, START, GoalsLog, named
from tests.unit.projections.okrs.projected import Projected


def key_result(projected: Projected, name: str) -> KeyResult:
    found = projected.okrs.key_result(named(name))
    assert found is not None
    return found


def objective(projected: Projected, name: str) -> Objective:
    found = projected.okrs.objective(named(name))
    assert found is not None
    return found


LANGUAGES = [
    {"id": named("english"), "title": "English", "weight": 1.0},
    {"id": named("german"), "title": "German", "weight": 1.0},
    {"id": named("finnish"), "title": "Finnish", "weight": 2.0},
]


def homepage(log: GoalsLog) -> GoalsLog:
    """An objective with a key result of each type that has no way from here to there."""
    log.objective("homepage", active=False)
    log.key_result("homepage", "uptime", type="maintain", lower=99.99, unit="%")
    log.key_result("homepage", "languages", type="milestones", milestones=LANGUAGES)
    log.key_result("homepage", "responsive", type="binary")
    log.activate("homepage")
    return log


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    return log


def test_a_cycle_goes_through_its_states(log: GoalsLog) -> None:
    log.add(Q1, goals.CycleScoringStarted, cycle_id=Q1)
    log.add(Q1, goals.CycleClosed, cycle_id=Q1)
    versions = Projected(log).versions()[Cycle, Q1]
    states = [version.row.state for version in versions]
    assert states == ["planned", "active", "scoring", "closed"]
    assert versions[0].valid_to == versions[1].valid_from == log.events[1].time


def test_a_drafted_objective_has_no_progress(log: GoalsLog) -> None:
    log.objective("grow", active=False)
    projected = Projected(log)
    drafted = objective(projected, "grow")
    assert drafted.state == "draft"
    assert projected.progress("grow") is None
    assert (drafted.title, drafted.owner_kind, drafted.owner_id) == ("grow", "team", "sales")


def test_key_results_keep_the_order_they_were_added_in(log: GoalsLog) -> None:
    log.objective("grow", {"z": 1, "a": 1, "m": 1})
    assert objective(Projected(log), "grow").key_result_ids == (named("z"), named("a"), named("m"))


def test_a_check_in_moves_the_value_and_says_where_it_comes_from(log: GoalsLog) -> None:
    log.objective("grow", active=False)
    log.key_result("grow", "users", baseline=200.0, target=100.0, type="decrease")
    log.activate("grow")
    log.check_in("grow", "users", 175.0, status="at_risk", confidence=0.6)
    found = key_result(Projected(log), "users")
    assert (found.value, found.attainment, found.progress) == (175.0, 0.25, 0.25)
    assert (found.source, found.position) == ("manual", log.events[-1].position)
    assert (found.status, found.confidence) == ("at_risk", 0.6)
    assert found.checked_in_at == found.value_at == log.now


def test_attainment_goes_beyond_the_target_and_progress_does_not(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.check_in("grow", "users", 130.0)
    found = key_result(Projected(log), "users")
    assert (found.attainment, found.progress) == (1.3, 1.0)


def test_a_check_in_about_an_earlier_time_changes_nothing_that_holds(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.check_in("grow", "users", 50.0, status="on_track")
    before = Projected(log).versions()
    log.check_in("grow", "users", 20.0, status="off_track", effective_at=log.now - 2 * SECOND)
    assert Projected(log).versions() == before


def test_a_check_in_without_confidence_or_status_leaves_neither(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.check_in("grow", "users", 50.0, status="on_track", confidence=0.9)
    log.check_in("grow", "users", 60.0)
    found = key_result(Projected(log), "users")
    assert (found.value, found.status, found.confidence) == (60.0, None, None)


def test_a_linked_kpi_moves_the_value_and_unlinking_keeps_it(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.link("grow", "users")
    log.measure("grow", "users", 40.0)
    linked = key_result(Projected(log), "users")
    assert (linked.value, linked.source, linked.kpi) == (40.0, "kpi", "sales.revenue")
    assert linked.checked_in_at is None
    log.unlink("grow", "users")
    unlinked = key_result(Projected(log), "users")
    assert (unlinked.value, unlinked.source, unlinked.kpi) == (40.0, "kpi", None)


def test_a_measurement_counts_although_a_check_in_spoke_of_a_later_time(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.link("grow", "users")
    log.check_in("grow", "users", 50.0, effective_at=log.now + timedelta(minutes=1))
    log.measure("grow", "users", 40.0)
    assert key_result(Projected(log), "users").value == 40.0


def test_closing_keeps_scores_and_verdict(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1, "revenue": 1})
    log.close("grow", {"users": 0.8, "revenue": 0.4}, verdict="partial")
    projected = Projected(log)
    closed = objective(projected, "grow")
    assert (closed.state, closed.verdict) == ("closed", "partial")
    assert closed.score == pytest.approx(0.6)
    assert key_result(projected, "users").score == 0.8


def test_an_alignment_holds_until_it_is_ended(log: GoalsLog) -> None:
    log.objective("company", {"growth": 1})
    log.objective("team", {"users": 1})
    log.align("team", "company", "growth", kind="supports", weight=2.0)
    begun = log.now
    log.unalign("team", "company", "growth")
    key = AlignmentKey(named("team"), named("company"), named("growth"))
    alignment = Alignment(
        child_id=key.child_id,
        parent_id=key.parent_id,
        parent_key_result_id=key.parent_key_result_id,
        kind="supports",
        weight=2.0,
    )
    assert Projected(log).versions()[Alignment, key] == [Version(alignment, begun, log.now)]


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ({"type": "milestones"}, "no milestone that counts"),
        ({"type": "milestones", "milestones": [{**LANGUAGES[0], "weight": 0}]}, "no milestone"),
        ({"baseline": None}, "no way from its baseline to its target"),
        ({"target": None}, "no way from its baseline to its target"),
        ({"baseline": 5.0, "target": 5.0}, "no way from its baseline to its target"),
    ],
)
def test_a_key_result_that_cannot_be_computed_parks_its_objective(
    log: GoalsLog, definition: dict[str, object], reason: str
) -> None:
    log.objective("grow", active=False)
    before = Projected(log).rows()
    log.key_result("grow", "uptime", **definition)
    projected = Projected(log)
    (parked,) = projected.batches[0].parked
    assert parked.reason is not None
    assert reason in parked.reason
    assert projected.rows() == before


def test_an_event_about_something_unknown_parks_and_says_what_is_missing(log: GoalsLog) -> None:
    log.objective("grow", active=False)
    log.check_in("grow", "users", 1.0)
    log.objective("other", active=False)
    log.unalign("other", "grow")
    first, second = Projected(log).batches[0].parked
    assert first.reason == f"key result {named('users')} is not known"
    assert second.reason == "the alignment that ended is not known"
    lost = GoalsLog()
    lost.activate("nothing")
    lost.add(Q1, goals.CycleActivated, cycle_id=Q1)
    reasons = [each.reason for each in Projected(lost).batches[0].parked]
    assert reasons == [f"objective {named('nothing')} is not known", f"cycle {Q1} is not known"]


def test_every_published_event_is_understood() -> None:
    assert set(UNDERSTOOD.values()) == {*goals.PUBLISHED, *reviews.PUBLISHED}


def test_what_is_only_said_of_an_objective_changes_no_row(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    said = log.check_in("grow", "users", 50.0)
    before = Projected(log).versions()
    log.of("grow", goals.ObjectiveCommented, comment_id=named("c"), text="\0 Well done!")
    log.of("grow", goals.ObjectiveAcknowledged, check_in_id=said)
    log.of("grow", goals.RetrospectiveWritten, worked="Asking customers.")
    projected = Projected(log)
    assert projected.versions() == before
    assert (projected.batches[0].parked, projected.batches[0].skipped) == ([], 0)


def test_events_of_kinds_that_came_later_are_passed_over(log: GoalsLog) -> None:
    log.add_raw(named("party"), "cairn.goals.party.opened.v1", b'{"cause": "success"}')
    log.objective("grow", {"users": 1})
    log.add_raw(named("grow"), "cairn.goals.objective.celebrated.v1", b"not even JSON")
    log.check_in("grow", "users", 50.0)
    projected = Projected(log)
    assert (projected.batches[0].parked, projected.batches[0].skipped) == ([], 2)
    assert projected.progress("grow") == 0.5


def test_a_cycle_is_revised_and_goes_back_when_it_is_reopened(log: GoalsLog) -> None:
    log.add(Q1, goals.CycleRevised, cycle_id=Q1, name="Spring", check_in_rhythm="monthly")
    log.add(Q1, goals.CycleScoringStarted, cycle_id=Q1)
    log.add(Q1, goals.CycleReopened, cycle_id=Q1, state="active")
    cycle = Projected(log).okrs.cycle(Q1)
    assert cycle is not None
    assert (cycle.name, cycle.check_in_rhythm, cycle.state) == ("Spring", "monthly", "active")


def test_words_owner_and_delegates_are_those_said_last(log: GoalsLog) -> None:
    web, mobile = {"kind": "team", "id": "web"}, {"kind": "team", "id": "mobile"}
    log.objective("grow", labels=["growth"], delegates=[web], predecessor_id=named("before"))
    drafted = objective(Projected(log), "grow")
    assert (drafted.labels, drafted.predecessor_id) == (("growth",), named("before"))
    assert drafted.delegates == (Delegate("team", "web"),)
    log.of("grow", goals.ObjectiveRevised, title="Thrive", ambition="aspirational", labels=["x"])
    log.of("grow", goals.ObjectiveReassigned, owner={"kind": "person", "id": "ada"})
    log.of("grow", goals.ObjectiveDelegated, delegates=[mobile])
    revised = objective(Projected(log), "grow")
    assert (revised.title, revised.ambition, revised.labels) == ("Thrive", "aspirational", ("x",))
    assert (revised.owner_kind, revised.owner_id) == ("person", "ada")
    assert revised.delegates == (Delegate("team", "mobile"),)
    assert revised.predecessor_id == named("before")


def test_a_proposal_waits_is_approved_and_can_be_returned(log: GoalsLog) -> None:
    log.objective("grow", active=False)
    log.of("grow", goals.ObjectiveProposed)
    log.of("grow", goals.ObjectiveApproved)
    approved = objective(Projected(log), "grow")
    assert (approved.state, approved.approved_at) == ("proposed", log.now)
    log.of("grow", goals.ObjectiveReturned)
    returned = objective(Projected(log), "grow")
    assert (returned.state, returned.approved_at) == ("draft", None)


@pytest.mark.parametrize(
    ("fact", "state"),
    [(goals.ObjectivePostponed, "postponed"), (goals.ObjectiveAbandoned, "abandoned")],
)
def test_what_is_put_off_or_given_up_says_since_when(
    log: GoalsLog, fact: type[PublishedEvent], state: str
) -> None:
    log.objective("grow", active=False)
    log.of("grow", goals.ObjectiveProposed)
    log.of("grow", goals.ObjectiveApproved)
    log.of("grow", fact)
    ended = objective(Projected(log), "grow")
    assert (ended.state, ended.ended_at, ended.approved_at) == (state, log.now, None)
    log.of("grow", goals.ObjectiveReopened, state="draft")
    reopened = objective(Projected(log), "grow")
    assert (reopened.state, reopened.ended_at) == ("draft", None)


def test_a_score_can_be_set_anew_and_is_void_after_reopening(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1, "revenue": 1})
    log.close("grow", {"users": 0.8, "revenue": 0.4})
    log.close("grow", {"users": 1.0, "revenue": 1.0}, fact_type=goals.ObjectiveRescored)
    projected = Projected(log)
    assert objective(projected, "grow").score == 1.0
    users = key_result(projected, "users")
    assert (users.score, users.computed_score) == (1.0, 0.5)
    log.of("grow", goals.ObjectiveReopened, state="active")
    projected = Projected(log)
    reopened = objective(projected, "grow")
    assert (reopened.state, reopened.score, reopened.verdict) == ("active", None, None)
    users = key_result(projected, "users")
    assert (users.score, users.computed_score) == (None, None)


def test_an_objective_that_goes_on_names_its_successor(log: GoalsLog) -> None:
    log.objective("grow")
    later = {"successor_id": named("next"), "successor_cycle_id": UUID(int=2)}
    log.of("grow", goals.ObjectiveCarriedOver, **later)
    carried = objective(Projected(log), "grow")
    assert (carried.state, carried.successor_id) == ("active", named("next"))


def test_maintaining_is_the_share_of_check_ins_in_band(log: GoalsLog) -> None:
    homepage(log)
    begun = key_result(Projected(log), "uptime")
    assert (begun.progress, begun.source, begun.in_band) == (0.0, "computed", None)
    assert begun.tally == Tally(0, 0)
    for value in (99.995, 99.5, 100.0):
        log.check_in("homepage", "uptime", value)
    found = key_result(Projected(log), "uptime")
    assert (found.value, found.in_band, found.tally) == (100.0, True, Tally(3, 2))
    assert found.attainment == found.progress == pytest.approx(2 / 3)
    # What is said of an earlier time is counted, although it changes nothing that stands.
    log.check_in("homepage", "uptime", 0.0, effective_at=START)
    found = key_result(Projected(log), "uptime")
    assert (found.value, found.progress, found.tally) == (100.0, 0.5, Tally(4, 2))
    assert found.position == log.events[-1].position


def test_maintaining_counts_a_measured_period_once(log: GoalsLog) -> None:
    homepage(log)
    log.link("homepage", "uptime")
    log.measure("homepage", "uptime", 99.0, day=0)
    log.measure("homepage", "uptime", 99.999, day=0)
    log.measure("homepage", "uptime", 98.0, day=1)
    found = key_result(Projected(log), "uptime")
    assert (found.tally, found.in_band, found.source) == (Tally(2, 1), False, "kpi")
    assert found.measurement == Measurement(
        period_start=START + timedelta(days=1),
        period_end=START + timedelta(days=2),
        metrics_position=len(log.events) - 1,
        in_band=False,
    )
    # A new link begins a new count: even of the same period.
    log.unlink("homepage", "uptime")
    assert key_result(Projected(log), "uptime").measurement is None
    log.link("homepage", "uptime")
    log.measure("homepage", "uptime", 99.999, day=1)
    assert key_result(Projected(log), "uptime").tally == Tally(3, 2)


def test_a_band_that_moves_leaves_what_was_counted_and_judges_what_stands(log: GoalsLog) -> None:
    homepage(log)
    said = log.check_in("homepage", "uptime", 99.9)
    anew = {"type": "maintain", "lower": 99.5}
    log.of_key_result("homepage", "uptime", goals.KeyResultRetargeted, **anew)
    moved = key_result(Projected(log), "uptime")
    assert (moved.lower, moved.in_band, moved.tally) == (99.5, True, Tally(1, 0))
    assert moved.progress == 0.0
    # By the band of today, what is corrected was in it: it is not counted below nothing.
    log.correct("homepage", "uptime", said, 99.0, was=99.9)
    corrected = key_result(Projected(log), "uptime")
    assert (corrected.tally, corrected.in_band) == (Tally(1, 0), False)


def test_milestones_are_ticked_off_with_their_weight(log: GoalsLog) -> None:
    homepage(log)
    done = [named("english"), named("finnish")]
    said = log.check_in("homepage", "languages", 0.75, milestones_done=done)
    found = key_result(Projected(log), "languages")
    assert (found.value, found.attainment, found.progress) == (0.75, 0.75, 0.75)
    assert [each.done for each in found.milestones] == [True, False, True]
    log.correct("homepage", "languages", said, 0.25, was=0.75, milestones_done=done[:1])
    found = key_result(Projected(log), "languages")
    assert [each.done for each in found.milestones] == [True, False, False]
    assert found.progress == 0.25


def test_milestones_that_are_gone_are_not_done_any_more(log: GoalsLog) -> None:
    homepage(log)
    done = [named("english"), named("german")]
    log.check_in("homepage", "languages", 0.5, milestones_done=done)
    latin = {"id": named("latin"), "title": "Latin", "weight": 3.0}
    anew = {"type": "milestones", "milestones": [LANGUAGES[0], latin]}
    log.of_key_result("homepage", "languages", goals.KeyResultRetargeted, **anew)
    found = key_result(Projected(log), "languages")
    assert (found.value, found.progress) == (0.25, 0.25)  # English, 1 of 4
    assert [each.done for each in found.milestones] == [True, False]


def test_what_is_there_or_not_is_all_or_nothing(log: GoalsLog) -> None:
    homepage(log)
    log.check_in("homepage", "responsive", 1.0)
    projected = Projected(log)
    assert key_result(projected, "responsive").progress == 1.0
    assert projected.progress("homepage") == pytest.approx(1 / 3)


def test_a_new_target_measures_the_value_anew(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.check_in("grow", "users", 50.0)
    position = log.events[-1].position
    phases = [{"on": "2026-02-15", "value": 100}]
    anew = {"type": "increase", "baseline": 0, "target": 200, "phased_targets": phases}
    log.of_key_result("grow", "users", goals.KeyResultRetargeted, **anew)
    projected = Projected(log)
    found = key_result(projected, "users")
    assert (found.value, found.attainment, found.progress) == (50.0, 0.25, 0.25)
    assert (found.source, found.position) == ("manual", position)
    assert found.phased_targets == (PhasedTarget(date(2026, 2, 15), 100.0),)
    assert projected.progress("grow") == 0.25


def test_another_type_begins_with_nothing(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    anew = {"type": "maintain", "upper": 5.0}
    log.of_key_result("grow", "users", goals.KeyResultRetargeted, **anew)
    found = key_result(Projected(log), "users")
    assert (found.type, found.baseline, found.target) == ("maintain", None, None)
    assert (found.tally, found.progress, found.source) == (Tally(0, 0), 0.0, "computed")
    log.of_key_result("grow", "users", goals.KeyResultRetargeted, type="binary")
    assert key_result(Projected(log), "users").tally is None


def test_a_key_result_is_revised(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1, "revenue": 1})
    log.check_in("grow", "users", 100.0)
    called = {"title": "Readers", "unit": "k", "weight": 3, "due_on": "2026-05-01"}
    log.of_key_result("grow", "users", goals.KeyResultRevised, **called)
    projected = Projected(log)
    found = key_result(projected, "users")
    assert (found.title, found.unit, found.weight) == ("Readers", "k", 3.0)
    assert (found.due_on, found.value) == (date(2026, 5, 1), 100.0)
    assert projected.progress("grow") == 0.75


def test_a_key_result_that_is_removed_counts_no_more_and_its_row_ends(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1, "revenue": 1})
    log.check_in("grow", "users", 100.0)
    log.of_key_result("grow", "revenue", goals.KeyResultRemoved)
    projected = Projected(log)
    assert objective(projected, "grow").key_result_ids == (named("users"),)
    assert projected.okrs.key_result(named("revenue")) is None
    assert projected.versions()[KeyResult, named("revenue")][-1].valid_to == log.now
    assert projected.progress("grow") == 1.0


def test_a_correction_replaces_what_still_stands_of_a_check_in(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    said = log.check_in("grow", "users", 50.0, status="on_track", confidence=0.9)
    true_at = log.now
    log.correct("grow", "users", said, 20.0, was=50.0, status="off_track", confidence=0.1)
    found = key_result(Projected(log), "users")
    assert (found.value, found.progress, found.source) == (20.0, 0.2, "manual")
    assert (found.status, found.confidence) == ("off_track", 0.1)
    assert found.checked_in_at == found.value_at == true_at
    assert found.position == log.events[-1].position
    assert found.check_in_id == found.last_check_in_id == said


def test_a_correction_of_what_was_outdated_changes_nothing(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    said = log.check_in("grow", "users", 50.0, status="on_track")
    log.check_in("grow", "users", 60.0, status="at_risk")
    before = Projected(log).versions()
    log.correct("grow", "users", said, 20.0, was=50.0, status="off_track")
    assert Projected(log).versions() == before


def test_a_correction_leaves_the_value_that_a_kpi_gave(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    said = log.check_in("grow", "users", 50.0, status="on_track")
    log.link("grow", "users")
    log.measure("grow", "users", 70.0)
    log.correct("grow", "users", said, 20.0, was=50.0, status="off_track")
    found = key_result(Projected(log), "users")
    assert (found.value, found.source, found.check_in_id) == (70.0, "kpi", None)
    assert found.status == "off_track"


def test_a_clock_ahead_of_ours_does_not_outdate_what_is_said_next(log: GoalsLog) -> None:
    log.objective("grow", {"users": 1})
    log.check_in("grow", "users", 50.0, effective_at=log.now + timedelta(hours=1))
    assert key_result(Projected(log), "users").value_at == log.now
    log.check_in("grow", "users", 60.0)
    assert key_result(Projected(log), "users").value == 60.0
