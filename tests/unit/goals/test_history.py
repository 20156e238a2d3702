"""An objective's history in words, and what each event changed."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.chassis.eventstore.context import Event, LoggedEvent
from services.goals.domain.definition import Definition
from services.goals.domain.events import (
    EVENTS,
    CheckInCorrected,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultRemoved,
    KeyResultRetargeted,
    KeyResultRevised,
    KeyResultScore,
    KeyResultUnlinked,
    ObjectiveAbandoned,
    ObjectiveAcknowledged,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveApproved,
    ObjectiveCarriedOver,
    ObjectiveClosed,
    ObjectiveCommented,
    ObjectiveDelegated,
    ObjectivePostponed,
    ObjectiveProposed,
    ObjectiveReassigned,
    ObjectiveReopened,
    ObjectiveRescored,
    ObjectiveReturned,
    ObjectiveRevised,
    ObjectiveUnaligned,
    Owner,
    RetrospectiveWritten,
)
from services.goals.domain.key_result import define
from services.goals.domain.objective import Objective
from services.goals.history import Change, Entry, tell
from tests.unit.goals.given import (
    ACTIVE,
    COVERAGE,
    COVERAGE_ADDED,
    CYCLE_ID,
    DRAFTED,
    FRENCH,
    GERMAN,
    LANGUAGES,
    LATENCY,
    LEADS,
    NOW,
    PLANNED,
    RESPONSIVE,
    UPTIME,
    an_objective,
    checked_in,
    in_work,
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
    milestones_done=(),
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
    definition=1,
)
CLOSED = ObjectiveClosed(
    score=0.525,
    verdict="partial",
    key_results=(KeyResultScore(key_result_id=COVERAGE, score=0.525, computed=0.525, reason=None),),
)
BY_HAND = (
    KeyResultScore(key_result_id=COVERAGE, score=0.7, computed=0.525, reason="The rest came late"),
)
RENAMED = ObjectiveRevised(
    title="Have half as many bugs", description="", ambition="committed", labels=()
)
CHECK_IN = UUID(int=9)
RETARGETED = KeyResultRetargeted(
    key_result_id=COVERAGE,
    type="increase",
    baseline=70.0,
    target=85.0,
    stretch=None,
    lower=None,
    upper=None,
    milestones=(),
    phased_targets=(),
)
CORRECTED = CheckInCorrected(
    key_result_id=COVERAGE,
    check_in_id=CHECK_IN,
    value=81.0,
    was=80.5,
    confidence=0.5,
    status="at_risk",
    comment="",
    milestones_done=(),
)
WRITTEN = RetrospectiveWritten(worked="Pairing.", did_not_work="", carry_on="The new suite.")
IN_WORDS = {
    "increase": (LEADS, "increase from 500 to 700 leads"),
    "decrease": (LATENCY, "decrease from 1400 to 1000 ms"),
    "maintain": (UPTIME, "maintain at least 99.99 %"),
    "milestones": (LANGUAGES, "3 milestone(s)"),
    "binary": (RESPONSIVE, "to be done"),
}

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
    (
        ACTIVE,
        replace(CLOSED, score=0.7, key_results=BY_HAND),
        (
            "ada closed it with a score of 0.7: partial; set by hand: 0.7 instead of 0.525 "
            "(The rest came late)."
        ),
    ),
    (
        (*ACTIVE, CLOSED),
        ObjectiveRescored(score=0.7, verdict="partial", key_results=BY_HAND),
        (
            "ada scored it anew, 0.7 instead of 0.525: partial; set by hand: 0.7 instead of 0.525 "
            "(The rest came late)."
        ),
    ),
    (
        (DRAFTED,),
        RENAMED,
        "ada renamed it from “Halve the bug rate” to “Have half as many bugs”.",
    ),
    (
        (DRAFTED,),
        replace(RENAMED, title=DRAFTED.title, ambition="aspirational", labels=("bugs",)),
        "ada revised its ambition and labels.",
    ),
    (
        (DRAFTED,),
        ObjectiveReassigned(owner=Owner(kind="person", id="eve")),
        "ada handed it from the team quality to the person eve.",
    ),
    (
        (DRAFTED,),
        ObjectiveDelegated(delegates=(Owner(kind="person", id="eve"),)),
        "ada let the person eve change it in its owner's name.",
    ),
    (
        (DRAFTED,),
        ObjectiveDelegated(delegates=()),
        "ada let nobody change it in its owner's name any more.",
    ),
    (
        (),
        replace(DRAFTED, predecessor_id=PARENT),
        (
            "ada drafted “Halve the bug rate” for the team quality (committed), "
            f"going on from {PARENT}."
        ),
    ),
    (
        ACTIVE,
        KeyResultRevised(
            key_result_id=COVERAGE, title="Coverage by branch", unit="%", weight=1, due_on=None
        ),
        "ada renamed the key result “Test coverage” to “Coverage by branch”.",
    ),
    (
        ACTIVE,
        KeyResultRevised(
            key_result_id=COVERAGE, title="Coverage by branch", unit="%", weight=0, due_on=None
        ),
        (
            "ada renamed the key result “Test coverage” to “Coverage by branch”; "
            "revised “Coverage by branch”: weight from 1 to 0."
        ),
    ),
    (
        (DRAFTED,),
        replace(RENAMED, labels=("bugs",)),
        (
            "ada renamed it from “Halve the bug rate” to “Have half as many bugs”; "
            "revised its labels."
        ),
    ),
    (
        ACTIVE,
        KeyResultRevised(
            key_result_id=COVERAGE,
            title="Test coverage",
            unit="%",
            weight=2.5,
            due_on=date(2026, 6, 30),
        ),
        "ada revised “Test coverage”: weight from 1 to 2.5, due on from none to 2026-06-30.",
    ),
    (
        ACTIVE,
        RETARGETED,
        (
            "ada revised the target of “Test coverage”: increase from 70 to 85 % "
            "(was: increase from 70 to 90 %)."
        ),
    ),
    (
        ACTIVE,
        KeyResultRemoved(key_result_id=COVERAGE),
        "ada removed the key result “Test coverage”.",
    ),
    (ACTIVE, ObjectiveProposed(), "ada proposed it."),
    (ACTIVE, ObjectiveApproved(), "ada approved it."),
    (ACTIVE, ObjectiveReturned(), "ada returned it to be written anew."),
    (
        (*ACTIVE, CHECKED_IN),
        CORRECTED,
        (
            "ada corrected a check-in on “Test coverage” from 80.5 % to 81 %, confidence 50%, "
            "at risk."
        ),
    ),
    (
        ACTIVE,
        WRITTEN,
        "ada wrote down what worked: Pairing.; what to carry on: The new suite.",
    ),
    (
        ACTIVE,
        RetrospectiveWritten(worked="", did_not_work="", carry_on=""),
        "ada took the retrospective back.",
    ),
    (ACTIVE, ObjectivePostponed(), "ada postponed it."),
    (ACTIVE, ObjectiveAbandoned(), "ada abandoned it."),
    (ACTIVE, ObjectiveReopened(state="active"), "ada reopened it: it is active again."),
    (
        ACTIVE,
        ObjectiveCarriedOver(successor_id=PARENT, successor_cycle_id=CYCLE_ID),
        f"ada carried it over as {PARENT} into the cycle {CYCLE_ID}.",
    ),
    (
        ACTIVE,
        ObjectiveCommented(comment_id=PARENT, text="With branches?", check_in_id=None),
        "ada commented: With branches?",
    ),
    (
        ACTIVE,
        ObjectiveCommented(comment_id=PARENT, text="With branches?", check_in_id=CHECK_IN),
        f"ada commented on the check-in {CHECK_IN}: With branches?",
    ),
    (ACTIVE, ObjectiveAcknowledged(check_in_id=None), "ada took note of it."),
    (
        ACTIVE,
        ObjectiveAcknowledged(check_in_id=CHECK_IN),
        f"ada took note of the check-in {CHECK_IN}.",
    ),
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


@pytest.mark.parametrize("kind", IN_WORDS)
def test_what_is_to_be_reached_is_told_in_the_words_of_its_type(kind: str) -> None:
    definition, words = IN_WORDS[kind]
    added = define(definition, key_result_id=COVERAGE)
    assert told((DRAFTED,), added).sentence == (
        f"ada added the key result “{definition.title}”: {words}, weight 1."
    )


@pytest.mark.parametrize(
    ("definition", "said", "words"),
    [
        (RESPONSIVE, checked_in(1.0), "done"),
        (RESPONSIVE, checked_in(0.0), "not done"),
        (LANGUAGES, checked_in(0.75, milestones_done=(GERMAN, FRENCH)), "2 of 3 milestones"),
        (UPTIME, checked_in(99.995), "99.995 %"),
    ],
)
def test_a_check_in_is_told_in_the_words_of_its_type(
    definition: Definition, said: KeyResultCheckedIn, words: str
) -> None:
    before = in_work(definition)
    _, entry = tell(before, happened(said, before, None))
    assert entry.sentence == f"ada checked in {words} on “{definition.title}”."


def test_what_is_done_after_closing_is_told_so() -> None:
    before = an_objective(*ACTIVE, CLOSED, objective_id=PARENT)
    one = happened(WRITTEN, before, "We forgot")
    late = replace(one, context=replace(one.context, after_closing=True))
    assert tell(before, late)[1].sentence.startswith("After closing: ada wrote down")


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


def test_a_path_is_a_json_pointer_whatever_is_named_in_it() -> None:
    namesakes = (Owner(kind="team", id="a/b~c"), Owner(kind="person", id="a/b~c"))
    entry = told(ACTIVE, ObjectiveDelegated(delegates=namesakes))
    assert {each.path for each in entry.changes} == {
        f"/delegates/{kind}:a~1b~0c/{field}"
        for kind in ("team", "person")
        for field in ("kind", "id")
    }


def test_telling_leads_to_the_state_that_evolving_leads_to() -> None:
    state: Objective | None = None
    events: tuple[Event, ...] = (*ACTIVE, CHECKED_IN)
    for version, event in enumerate(events, 1):
        state, _ = tell(state, logged(event, originator_id=PARENT, version=version))
    assert state == an_objective(*ACTIVE, CHECKED_IN, objective_id=PARENT)
