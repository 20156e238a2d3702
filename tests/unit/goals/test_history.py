"""An objective's history in words, and what each event changed."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.chassis.eventstore.context import Event, LoggedEvent
from services.goals.domain.events import (
    EVENTS,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultScore,
    KeyResultUnlinked,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveClosed,
    ObjectiveUnaligned,
)
from services.goals.domain.objective import Objective
from services.goals.history import Change, Entry, tell
from tests.unit.goals.given import (
    ACTIVE,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    NOW,
    PLANNED,
    an_objective,
    checked_in,
    logged,
)

PARENT = UUID(int=77)
CHECKED_IN = KeyResultCheckedIn(
    key_result_id=COVERAGE,
    check_in_id=UUID(int=9),
    value=80.5,
    confidence=0.6,
    status="on_track",
    comment="The new suite is in.",
)
ALIGNED = ObjectiveAligned(
    parent_objective_id=PARENT, parent_key_result_id=None, kind="contributes", weight=2
)
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="period")
MEASURED = KeyResultMeasured(
    key_result_id=COVERAGE,
    kpi="quality.coverage",
    value=82,
    period_start=NOW,
    period_end=NOW + timedelta(days=1),
    metrics_position=7,
)
CLOSED = ObjectiveClosed(
    score=0.525,
    verdict="partial",
    key_results=(KeyResultScore(key_result_id=COVERAGE, score=0.525),),
)

TOLD: list[tuple[tuple[Event, ...], Event, str]] = [
    ((), DRAFTED, "ada drafted “Halve the bug rate” for the team quality (committed)."),
    (
        (DRAFTED,),
        COVERAGE_ADDED,
        "ada added the key result “Test coverage”: increase from 70 to 90 %, weight 1.",
    ),
    ((DRAFTED, COVERAGE_ADDED), ObjectiveActivated(), "ada activated it."),
    (
        ACTIVE,
        CHECKED_IN,
        "ada checked in 80.5 % on “Test coverage”, confidence 60%, on track: The new suite is in.",
    ),
    (
        (*ACTIVE, checked_in(75)),
        replace(CHECKED_IN, confidence=None, status=None, comment=""),
        "ada checked in 80.5 % on “Test coverage” (was 75 %).",
    ),
    (
        ACTIVE,
        ALIGNED,
        f"ada aligned it below the objective {PARENT}, contributing with weight 2.",
    ),
    (
        ACTIVE,
        replace(ALIGNED, kind="supports", parent_key_result_id=COVERAGE),
        f"ada aligned it below the key result {COVERAGE} of {PARENT}, as support.",
    ),
    (
        (*ACTIVE, ALIGNED),
        ObjectiveUnaligned(parent_objective_id=PARENT, parent_key_result_id=None),
        f"ada ended its alignment below the objective {PARENT}.",
    ),
    (
        ACTIVE,
        LINKED,
        "ada had “Test coverage” follow the KPI quality.coverage (period value).",
    ),
    (
        (*ACTIVE, LINKED),
        KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage"),
        "ada had “Test coverage” no longer follow the KPI quality.coverage.",
    ),
    (
        (*ACTIVE, checked_in(80), LINKED),
        MEASURED,
        (
            "ada measured 82 % on “Test coverage” (was 80 %) by the KPI quality.coverage, "
            "period from 2026-02-01T12:00:00+00:00."
        ),
    ),
    (ACTIVE, CLOSED, "ada closed it with a score of 0.525: partial."),
]


def told(given: tuple[Event, ...], event: Event, reason: str | None = None) -> Entry:
    before = an_objective(*given, objective_id=PARENT) if given else None
    return tell(before, happened(event, before, reason))[1]


def happened(event: Event, before: Objective | None, reason: str | None) -> LoggedEvent:
    one = logged(event, originator_id=before.id if before else PARENT, version=9)
    return replace(one, context=replace(one.context, reason=reason))


@pytest.mark.parametrize(("given", "event", "sentence"), TOLD)
def test_an_event_is_told_in_a_sentence(
    given: tuple[Event, ...], event: Event, sentence: str
) -> None:
    assert told(given, event).sentence == sentence


def test_every_event_of_an_objective_is_told() -> None:
    of_cycles = {each for each in EVENTS if each.TOPIC.startswith("goals.cycle.")}
    assert type(PLANNED) in of_cycles
    assert {type(event) for _, event, _ in TOLD} == set(EVENTS) - of_cycles


def test_a_reason_ends_the_sentence() -> None:
    entry = told(ACTIVE, CLOSED, reason="The quarter is over")
    assert entry.sentence.endswith(": partial. Reason: The quarter is over.")


def test_a_check_in_changes_values_from_before_to_after() -> None:
    found = an_objective(*ACTIVE, checked_in(75), objective_id=PARENT)
    _, entry = tell(found, happened(CHECKED_IN, found, None))
    path = f"/key_results/{COVERAGE}"
    assert Change(f"{path}/current/value", 75.0, 80.5) in entry.changes
    assert Change(f"{path}/last_check_in/confidence", None, 0.6) in entry.changes
    assert all(each.path.startswith(path) for each in entry.changes)


def test_what_begins_has_no_before() -> None:
    entry = told((DRAFTED,), COVERAGE_ADDED)
    assert Change(f"/key_results/{COVERAGE}/definition/baseline", None, 70.0) in entry.changes
    assert all(each.before is None for each in entry.changes)


def test_an_alignment_that_ends_does_not_move_the_others() -> None:
    other = replace(ALIGNED, parent_key_result_id=COVERAGE)
    ended = ObjectiveUnaligned(parent_objective_id=PARENT, parent_key_result_id=None)
    entry = told((*ACTIVE, ALIGNED, other), ended)
    assert {each.path for each in entry.changes} == {
        f"/alignments/{PARENT}/{field}" for field in ("kind", "parent_objective_id", "weight")
    }
    assert all(each.after is None for each in entry.changes)


def test_telling_leads_to_the_state_that_evolving_leads_to() -> None:
    state: Objective | None = None
    events: tuple[Event, ...] = (*ACTIVE, CHECKED_IN)
    for version, event in enumerate(events, 1):
        state, _ = tell(state, logged(event, originator_id=PARENT, version=version))
    assert state == an_objective(*ACTIVE, CHECKED_IN, objective_id=PARENT)
