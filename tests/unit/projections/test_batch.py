"""What becomes of each event of a batch: applied, passed over, parked, or made to wait."""

from dataclasses import replace

import pytest

from services.projections.batch import Arrival, Batch, Ledger
from services.projections.okrs.group import OKRS
from services.projections.okrs.rows import Progress
from tests.unit.projections.goals_log import GoalsLog, named
from tests.unit.projections.okrs.projected import Projected

CHECKED_IN = "cairn.goals.key_result.checked_in.v1"


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    for name in ("one", "other"):
        log.objective(name, {f"{name}-kr": 1.0})
    return log


def reasons(batch: Batch) -> list[tuple[str, int, str | None]]:
    return [
        (each.arrival.aggregate, each.arrival.event.aggregate_version, each.reason)
        for each in batch.parked
    ]


@pytest.mark.parametrize(
    ("version", "place"),
    [(1, "applied"), (2, "applied"), (3, "next"), (4, "missing"), (9, "missing")],
)
def test_a_version_has_its_place_after_the_one_applied_last(version: int, place: str) -> None:
    ledger = Ledger()
    ledger.versions["a"] = 2
    assert ledger.place("a", version) == place


def test_the_first_version_is_the_first_to_apply() -> None:
    assert Ledger().place("a", 1) == "next"
    assert Ledger().place("a", 2) == "missing"


def test_what_is_parked_waits_but_what_was_applied_stays_applied() -> None:
    ledger = Ledger()
    ledger.versions["a"] = 2
    ledger.parked.add("a")
    assert ledger.place("a", 3) == "waiting"
    assert ledger.place("a", 2) == "applied"


def test_a_batch_counts_what_it_applied(log: GoalsLog) -> None:
    projected = Projected()
    batch = projected.apply(log.events)
    assert batch.moment == log.now
    assert batch.touched == {event.subject for event in log.events}
    assert batch.ledger.versions[str(named("one"))] == 3
    assert (batch.skipped, batch.parked) == (0, [])
    assert projected.apply(log.events).touched == set()


def test_several_events_of_one_moment_make_one_version(log: GoalsLog) -> None:
    log.check_in("one", "one-kr", 10.0)
    log.same_moment().check_in("one", "one-kr", 20.0)
    shown = [each.row.progress for each in Projected(log).versions()[Progress, named("one")]]
    assert shown == [None, 0.0, 0.2]


def test_what_does_not_fit_parks_its_aggregate_alone(log: GoalsLog) -> None:
    log.check_in("one", "unknown", 10.0)
    log.check_in("one", "one-kr", 20.0)
    log.check_in("other", "other-kr", 30.0)
    projected = Projected()
    one = str(named("one"))
    missing = f"key result {named('unknown')} is not known"
    assert reasons(projected.apply(log.events)) == [(one, 4, missing), (one, 5, None)]
    assert (projected.progress("one"), projected.progress("other")) == (0.0, 0.3)


def test_a_body_that_could_not_be_read_parks_with_its_fault(log: GoalsLog) -> None:
    event = log.add_raw(named("one"), CHECKED_IN, b"{}")
    projected = Projected(log.events[:-1])
    batch = Batch(projected.read_model, projected.ledger, projected.moment)
    batch.run([Arrival(event, None, fault="it cannot be read")])
    assert reasons(batch) == [(str(named("one")), 4, "it cannot be read")]


def test_types_newer_than_the_code_are_counted_and_keep_the_order(log: GoalsLog) -> None:
    log.add_raw(named("one"), "cairn.goals.objective.celebrated.v1", b"{}")
    log.check_in("one", "one-kr", 20.0)
    projected = Projected()
    batch = projected.apply(log.events)
    assert (batch.skipped, batch.parked) == (1, [])
    assert projected.progress("one") == 0.2
    assert OKRS.decode(log.events[-2]) is None


def test_what_was_recorded_before_the_last_moment_counts_as_of_that_moment(log: GoalsLog) -> None:
    log.check_in("one", "one-kr", 20.0)
    log.check_in("other", "other-kr", 30.0)
    *before, late, last = log.events
    projected = Projected([*before, last])
    projected.apply([replace(late, position=last.position + 1)])
    (*_, version) = projected.versions()[Progress, named("one")]
    assert (version.row.progress, version.valid_from) == (0.2, last.time)
