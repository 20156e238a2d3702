"""Objectives are drafted, said in other words, handed over, and follow their events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain import evolving
from services.goals.domain import objective as objectives
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    CycleNotOpenError,
    KeyResultNotFoundError,
    KeyResultTargetError,
    NothingChangesError,
    NumberRefusedError,
    TooManyDelegatesError,
    TooManyKeyResultsError,
    TooManyLabelsError,
)
from services.goals.domain.events import (
    EVENTS,
    CheckInCorrected,
    KeyResultLinked,
    KeyResultRemoved,
    KeyResultRevised,
    KeyResultScore,
    KeyResultUnlinked,
    ObjectiveAbandoned,
    ObjectiveAcknowledged,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveApproved,
    ObjectiveCarriedOver,
    ObjectiveCommented,
    ObjectiveDelegated,
    ObjectiveDrafted,
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
from services.goals.domain.evolving import evolve
from services.goals.domain.key_result import Link
from services.goals.domain.objective import (
    MAX_DELEGATES,
    MAX_KEY_RESULTS,
    MAX_LABELS,
    Draft,
    Objective,
    Outcome,
    Retrospective,
    Successor,
    Wording,
)
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED,
    CLOSED_CYCLE,
    COVERAGE,
    COVERAGE_ADDED,
    CYCLE_ID,
    DRAFTED,
    NOW,
    PLANNED_CYCLE,
    SCORING_CYCLE,
    an_objective,
    checked_in,
    logged,
    measured,
    then,
)

DEFINITION = Definition(title="Test coverage", type="increase", baseline=70, target=90, unit="%")
WORDING = Wording(title=DRAFTED.title, description="", ambition="committed")
TEAM = Owner(kind="team", id="quality")
BOB = Owner(kind="person", id="bob")
EVE = Owner(kind="person", id="eve")
LATER = NOW + timedelta(days=1)


def draft(key_results: dict[UUID, Definition] | None = None, **changes: object) -> Draft:
    written = Draft(
        cycle_id=CYCLE_ID, wording=WORDING, owner=DRAFTED.owner, key_results=key_results or {}
    )
    return replace(written, **changes)  # type: ignore[arg-type]


def drafted(**changes: object) -> ObjectiveDrafted:
    return replace(DRAFTED, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("cycle", [PLANNED_CYCLE, ACTIVE_CYCLE])
def test_an_objective_is_drafted_in_a_planned_or_an_active_cycle(cycle: Cycle) -> None:
    assert objectives.draft(cycle, draft()) == [DRAFTED]


def test_an_objective_is_drafted_with_its_key_results() -> None:
    events = objectives.draft(ACTIVE_CYCLE, draft({COVERAGE: DEFINITION}))
    assert events == [DRAFTED, COVERAGE_ADDED]


def test_an_objective_is_drafted_with_labels_delegates_and_what_it_goes_on_from() -> None:
    written = draft(
        wording=replace(WORDING, labels=("quality", "2026", "quality")),
        delegates=(BOB, EVE, BOB),
        predecessor_id=UUID(int=7),
    )
    assert objectives.draft(ACTIVE_CYCLE, written) == [
        drafted(labels=("quality", "2026"), delegates=(BOB, EVE), predecessor_id=UUID(int=7))
    ]


@pytest.mark.parametrize("cycle", [SCORING_CYCLE, CLOSED_CYCLE])
def test_no_objective_is_drafted_once_scoring_began(cycle: Cycle) -> None:
    with pytest.raises(CycleNotOpenError, match="planned or an active cycle"):
        objectives.draft(cycle, draft())


def test_a_draft_with_one_bad_key_result_is_refused_as_a_whole() -> None:
    bad = Definition(title="Nowhere", type="increase", baseline=1, target=1)
    with pytest.raises(KeyResultTargetError):
        objectives.draft(ACTIVE_CYCLE, draft({COVERAGE: DEFINITION, uuid4(): bad}))
    unweighable = replace(DEFINITION, weight=-1.0)
    with pytest.raises(NumberRefusedError):
        objectives.draft(ACTIVE_CYCLE, draft({COVERAGE: DEFINITION, uuid4(): unweighable}))


def test_the_number_of_key_results_that_a_draft_begins_with_is_bounded() -> None:
    full = {uuid4(): DEFINITION for _ in range(MAX_KEY_RESULTS)}
    assert len(objectives.draft(ACTIVE_CYCLE, draft(full))) == 1 + MAX_KEY_RESULTS
    with pytest.raises(TooManyKeyResultsError, match="20 key results at most"):
        objectives.draft(ACTIVE_CYCLE, draft({**full, uuid4(): DEFINITION}))


def labels(count: int) -> tuple[str, ...]:
    return tuple(f"label-{number}" for number in range(count))


def people(count: int) -> tuple[Owner, ...]:
    return tuple(Owner(kind="person", id=f"p{number}") for number in range(count))


def test_labels_are_counted_each_once_and_bounded() -> None:
    allowed = labels(MAX_LABELS)
    assert objectives.draft(ACTIVE_CYCLE, draft(wording=replace(WORDING, labels=2 * allowed)))
    too_many = replace(WORDING, labels=labels(MAX_LABELS + 1))
    with pytest.raises(TooManyLabelsError, match="20 labels at most"):
        objectives.draft(ACTIVE_CYCLE, draft(wording=too_many))
    with pytest.raises(TooManyLabelsError):
        objectives.revise(an_objective(DRAFTED), too_many)


def test_delegates_are_counted_each_once_and_bounded() -> None:
    allowed = people(MAX_DELEGATES)
    assert objectives.draft(ACTIVE_CYCLE, draft(delegates=2 * allowed))
    too_many = people(MAX_DELEGATES + 1)
    with pytest.raises(TooManyDelegatesError, match="20 delegates at most"):
        objectives.draft(ACTIVE_CYCLE, draft(delegates=too_many))
    with pytest.raises(TooManyDelegatesError):
        objectives.delegate(an_objective(DRAFTED), too_many)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Ship fewer bugs"},
        {"description": "Half of what we found last year."},
        {"ambition": "aspirational"},
        {"labels": ("quality",)},
    ],
    ids="".join,
)
def test_an_objective_is_said_in_other_words(change: dict[str, object]) -> None:
    wanted = replace(WORDING, **change)  # type: ignore[arg-type]
    event = objectives.revise(an_objective(DRAFTED), wanted)
    revised = then(an_objective(DRAFTED), event)
    stands = Wording(
        title=revised.title,
        description=revised.description,
        ambition=revised.ambition,
        labels=revised.labels,
    )
    assert stands == wanted


def test_the_same_words_are_no_revision() -> None:
    given = an_objective(drafted(labels=("a", "b")))
    with pytest.raises(NothingChangesError):
        objectives.revise(given, replace(WORDING, labels=("a", "b", "a")))


def test_an_objective_is_handed_to_another_owner() -> None:
    event = objectives.reassign(an_objective(DRAFTED), BOB)
    assert event == ObjectiveReassigned(owner=BOB)
    assert then(an_objective(DRAFTED), event).owner == BOB


def test_an_objective_is_not_handed_to_its_owner() -> None:
    with pytest.raises(NothingChangesError):
        objectives.reassign(an_objective(DRAFTED), TEAM)


def test_delegates_replace_those_before() -> None:
    given = an_objective(drafted(delegates=(BOB,)))
    event = objectives.delegate(given, [EVE, EVE])
    assert event == ObjectiveDelegated(delegates=(EVE,))
    assert then(given, event).delegates == (EVE,)
    assert objectives.delegate(given, []) == ObjectiveDelegated(delegates=())


def test_the_same_delegates_are_no_change() -> None:
    with pytest.raises(NothingChangesError):
        objectives.delegate(an_objective(drafted(delegates=(BOB,))), [BOB, BOB])


def test_a_key_result_that_is_not_there_is_named() -> None:
    stranger = uuid4()
    with pytest.raises(KeyResultNotFoundError, match=str(stranger)):
        an_objective(DRAFTED).key_result(stranger)


def test_an_alignment_is_found_by_objective_and_key_result() -> None:
    above, beside = UUID(int=70), UUID(int=71)
    aligned = [
        ObjectiveAligned(
            parent_objective_id=above, parent_key_result_id=each, kind="supports", weight=1
        )
        for each in (None, beside)
    ]
    objective = an_objective(DRAFTED, *aligned)
    found = objective.alignment((above, beside))
    assert found is not None
    assert found.parent == (above, beside)
    assert objective.alignment((above, uuid4())) is None


def test_a_score_is_found_by_its_key_result() -> None:
    outcome = an_objective(*CLOSED).outcome
    assert outcome is not None
    assert outcome.of(COVERAGE) == outcome.key_results[0]
    assert outcome.of(uuid4()) is None


CHECK_IN = checked_in(80)
SCORED = Outcome(
    score=0.5,
    verdict="partial",
    key_results=(KeyResultScore(key_result_id=COVERAGE, score=0.5, computed=0.5, reason=None),),
)
RETROSPECTIVE = RetrospectiveWritten(worked="Pairs.", did_not_work="", carry_on="Pairs.")
SCORED_ANEW = ObjectiveRescored(
    score=1.0,
    verdict="achieved",
    key_results=(
        KeyResultScore(key_result_id=COVERAGE, score=1.0, computed=0.5, reason="A fair."),
    ),
)
CARRIED_OVER = ObjectiveCarriedOver(successor_id=UUID(int=8), successor_cycle_id=UUID(int=9))
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "event", "expected"),
    [
        ((DRAFTED,), ObjectiveProposed(), {"state": "proposed"}),
        ((DRAFTED, ObjectiveProposed()), ObjectiveApproved(), {"approved_at": LATER}),
        (
            (DRAFTED, ObjectiveProposed(), ObjectiveApproved()),
            ObjectiveReturned(),
            {"state": "draft", "approved_at": None},
        ),
        (
            (DRAFTED, ObjectiveProposed(), ObjectiveApproved()),
            ObjectivePostponed(),
            {"state": "postponed", "approved_at": None, "ended_at": LATER},
        ),
        (
            (DRAFTED, ObjectiveProposed(), ObjectiveApproved()),
            ObjectiveAbandoned(),
            {"state": "abandoned", "approved_at": None, "ended_at": LATER},
        ),
        ((DRAFTED,), ObjectiveActivated(), {"state": "active", "activated_at": LATER}),
        (
            CLOSED,
            ObjectiveReopened(state="active"),
            {
                "state": "active",
                "ended_at": None,
                "outcome": None,
                "activated_at": NOW,
                "resumed_at": LATER,
            },
        ),
        (
            (*ACTIVE, ObjectivePostponed()),
            ObjectiveReopened(state="draft"),
            {"state": "draft", "ended_at": None, "resumed_at": LATER},
        ),
        (ACTIVE, CLOSED[-1], {"state": "closed", "ended_at": LATER, "outcome": SCORED}),
        (
            CLOSED,
            SCORED_ANEW,
            {
                "outcome": Outcome(
                    score=1.0, verdict="achieved", key_results=SCORED_ANEW.key_results
                )
            },
        ),
        (
            ACTIVE,
            RETROSPECTIVE,
            {"retrospective": Retrospective(worked="Pairs.", did_not_work="", carry_on="Pairs.")},
        ),
        (
            ACTIVE,
            CARRIED_OVER,
            {"successor": Successor(objective_id=UUID(int=8), cycle_id=UUID(int=9))},
        ),
        (
            ACTIVE,
            ObjectiveCommented(comment_id=uuid4(), text="Well done.", check_in_id=None),
            {"comments": 1},
        ),
        (ACTIVE, ObjectiveAcknowledged(check_in_id=None), {"acknowledgements": 1}),
        (ACTIVE, KeyResultRemoved(key_result_id=COVERAGE), {"key_results": ()}),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "TOPIC") else "",
)
def test_the_state_follows_the_events(
    given: Sequence[Event], event: Event, expected: dict[str, object]
) -> None:
    before = an_objective(*given)
    after = then(before, event, at=LATER)
    moved = {"changed_at": LATER, "position": after.position, "decided": after.decided}
    assert after == replace(before, **moved, **expected)  # type: ignore[arg-type]
    assert (after.changed_at, after.position) == (LATER, 199)


def test_a_draft_begins_with_what_was_written() -> None:
    written = drafted(labels=("a",), delegates=(BOB,), predecessor_id=UUID(int=7))
    assert an_objective(written, objective_id=UUID(int=5)) == Objective(
        id=UUID(int=5),
        cycle_id=CYCLE_ID,
        title=DRAFTED.title,
        description="",
        owner=TEAM,
        ambition="committed",
        state="draft",
        drafted_at=NOW,
        changed_at=NOW,
        position=101,
        decided=1,
        labels=("a",),
        delegates=(BOB,),
        predecessor_id=UUID(int=7),
    )


def test_one_key_result_changes_and_the_others_stay() -> None:
    other = replace(COVERAGE_ADDED, key_result_id=uuid4())
    before = an_objective(DRAFTED, COVERAGE_ADDED, other)
    event = KeyResultRevised(key_result_id=COVERAGE, title="Cover", unit="%", weight=2, due_on=None)
    after = then(before, event)
    assert after.key_result(COVERAGE).definition.title == "Cover"
    assert [each.id for each in after.key_results] == [COVERAGE, other.key_result_id]
    assert after.key_results[1] == before.key_results[1]


def test_an_alignment_ends_without_its_neighbours() -> None:
    above = UUID(int=70)
    aligned = [
        ObjectiveAligned(
            parent_objective_id=above, parent_key_result_id=each, kind="supports", weight=1
        )
        for each in (None, UUID(int=71))
    ]
    ended = ObjectiveUnaligned(parent_objective_id=above, parent_key_result_id=None)
    objective = an_objective(DRAFTED, *aligned, ended)
    assert [each.parent for each in objective.alignments] == [(above, UUID(int=71))]


LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")


@pytest.mark.parametrize(
    "event",
    [
        measured(81, start=NOW - DAY, end=NOW),
        ObjectiveCommented(comment_id=uuid4(), text="How?", check_in_id=None),
        ObjectiveAcknowledged(check_in_id=None),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_measured_or_said_decides_nothing(event: Event) -> None:
    objective = an_objective(*ACTIVE, LINKED, event, event)
    assert (objective.decided, objective.position) == (4, 106)


@pytest.mark.parametrize(
    "event",
    [
        ObjectiveRevised(title="T", description="", ambition="committed", labels=()),
        ObjectiveReassigned(owner=BOB),
        CHECK_IN,
        KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage"),
        CARRIED_OVER,
        RETROSPECTIVE,
    ],
    ids=lambda event: type(event).__name__,
)
def test_everything_else_decides(event: Event) -> None:
    comment = ObjectiveCommented(comment_id=uuid4(), text="How?", check_in_id=None)
    assert an_objective(*ACTIVE, LINKED, comment, event).decided == 6


def test_a_link_is_of_one_key_result_and_ends() -> None:
    linked = an_objective(*ACTIVE, LINKED)
    assert linked.key_result(COVERAGE).link == Link(kpi="quality.coverage", reading="latest")
    ended = then(linked, KeyResultUnlinked(key_result_id=COVERAGE, kpi="quality.coverage"))
    assert ended.key_result(COVERAGE).link is None


def test_a_correction_reaches_its_key_result() -> None:
    corrected = CheckInCorrected(
        key_result_id=COVERAGE,
        check_in_id=CHECK_IN.check_in_id,
        value=79,
        was=80,
        confidence=None,
        status=None,
        comment="",
        milestones_done=(),
    )
    current = an_objective(*ACTIVE, CHECK_IN, corrected).key_result(COVERAGE).current
    assert current is not None
    assert current.value == 79


def test_every_event_of_an_objective_is_followed() -> None:
    ours = [each for each in EVENTS if not each.TOPIC.startswith("goals.cycle.")]
    assert set(evolving._CHANGES) == set(ours) - {ObjectiveDrafted}


def test_topics_are_distinct_and_of_this_service() -> None:
    topics = [event.TOPIC for event in EVENTS]
    assert len(set(topics)) == len(topics)
    assert all(topic.startswith("goals.") for topic in topics)


def test_an_event_is_followed_once_it_has_its_place_in_the_log() -> None:
    with pytest.raises(AssertionError):
        evolve(None, logged(ObjectiveProposed(), originator_id=uuid4(), version=1))
