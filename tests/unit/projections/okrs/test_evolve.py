"""Given published events, then these rows hold."""

from datetime import timedelta

import pytest

from contracts import goals
from services.projections.okrs.rows import Alignment, AlignmentKey, Cycle, KeyResult, Objective
from services.projections.timeline import Version
from tests.unit.projections.goals_log import Q1, SECOND, GoalsLog, named
from tests.unit.projections.okrs.projected import Projected


def key_result(projected: Projected, name: str) -> KeyResult:
    found = projected.okrs.key_result(named(name))
    assert found is not None
    return found


def objective(projected: Projected, name: str) -> Objective:
    found = projected.okrs.objective(named(name))
    assert found is not None
    return found


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
        ({"type": "maintain"}, "of type maintain are not understood"),
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
