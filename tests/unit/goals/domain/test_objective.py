"""Objectives are drafted, get key results, are activated, and are closed with a score."""

from uuid import UUID, uuid4

import pytest

from contracts.progress import KeyResultProgress
from services.chassis.eventstore.context import Event
from services.goals.domain import objective as objectives
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import (
    CycleLockedError,
    CycleNotActiveError,
    CycleNotOpenError,
    KeyResultNotFoundError,
    KeyResultTargetError,
    NoKeyResultsError,
    NothingToScoreError,
    ObjectiveStateError,
    TooManyKeyResultsError,
)
from services.goals.domain.events import (
    EVENTS,
    CycleActivated,
    CycleClosed,
    CycleScoringStarted,
    KeyResultScore,
    ObjectiveActivated,
    ObjectiveClosed,
    Owner,
)
from services.goals.domain.key_result import Definition
from services.goals.domain.objective import MAX_KEY_RESULTS, Draft, Outcome
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    CYCLE_ID,
    DRAFTED,
    NOW,
    PLANNED,
    a_cycle,
    an_objective,
    key_result_added,
)

SCORING_CYCLE = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted())
CLOSED_CYCLE = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted(), CycleClosed())
DEFINITION = Definition(title="Test coverage", type="increase", baseline=70, target=90, unit="%")


def draft(key_results: dict[UUID, Definition] | None = None) -> Draft:
    return Draft(
        cycle_id=CYCLE_ID,
        title="Halve the bug rate",
        description="",
        owner=Owner(kind="team", id="quality"),
        ambition="committed",
        key_results=key_results or {},
    )


def reached(progress: float) -> KeyResultProgress:
    return KeyResultProgress(attainment=progress, progress=progress, source="manual")


@pytest.mark.parametrize("cycle", [a_cycle(PLANNED), ACTIVE_CYCLE])
def test_an_objective_is_drafted_in_a_planned_or_an_active_cycle(
    cycle: Cycle,
) -> None:
    assert objectives.draft(cycle, draft()) == [DRAFTED]


def test_an_objective_is_drafted_with_its_key_results() -> None:
    events = objectives.draft(ACTIVE_CYCLE, draft({COVERAGE: DEFINITION}))
    assert events == [DRAFTED, COVERAGE_ADDED]


@pytest.mark.parametrize("cycle", [SCORING_CYCLE, CLOSED_CYCLE])
def test_no_objective_is_drafted_once_scoring_began(cycle: Cycle) -> None:
    with pytest.raises(CycleNotOpenError, match="planned or an active cycle"):
        objectives.draft(cycle, draft())


def test_a_draft_with_one_bad_key_result_is_refused_as_a_whole() -> None:
    bad = Definition(title="Nowhere", type="increase", baseline=1, target=1)
    with pytest.raises(KeyResultTargetError):
        objectives.draft(ACTIVE_CYCLE, draft({COVERAGE: DEFINITION, uuid4(): bad}))


def test_the_number_of_key_results_is_bounded() -> None:
    many = {uuid4(): DEFINITION for _ in range(MAX_KEY_RESULTS + 1)}
    with pytest.raises(TooManyKeyResultsError, match="20 key results at most"):
        objectives.draft(ACTIVE_CYCLE, draft(many))
    full = an_objective(DRAFTED, *(key_result_added() for _ in range(MAX_KEY_RESULTS)))
    with pytest.raises(TooManyKeyResultsError):
        objectives.add_key_result(full, ACTIVE_CYCLE, key_result_id=uuid4(), definition=DEFINITION)


@pytest.mark.parametrize("given", [(DRAFTED,), ACTIVE])
def test_a_key_result_is_added_until_the_objective_is_closed(given: tuple[Event, ...]) -> None:
    event = objectives.add_key_result(
        an_objective(*given), ACTIVE_CYCLE, key_result_id=COVERAGE, definition=DEFINITION
    )
    assert event == COVERAGE_ADDED


def test_no_key_result_is_added_to_a_closed_objective() -> None:
    with pytest.raises(ObjectiveStateError, match=r"is closed\. What can be done now: read it"):
        objectives.add_key_result(
            an_objective(*CLOSED), ACTIVE_CYCLE, key_result_id=uuid4(), definition=DEFINITION
        )


def test_an_objective_with_a_key_result_is_activated() -> None:
    given = an_objective(DRAFTED, COVERAGE_ADDED)
    assert objectives.activate(given, ACTIVE_CYCLE) == ObjectiveActivated()


def test_an_objective_without_key_results_is_not_activated() -> None:
    with pytest.raises(NoKeyResultsError, match="at least one"):
        objectives.activate(an_objective(DRAFTED), ACTIVE_CYCLE)


@pytest.mark.parametrize("cycle", [a_cycle(PLANNED), SCORING_CYCLE])
def test_an_objective_is_activated_only_in_an_active_cycle(cycle: Cycle) -> None:
    with pytest.raises(CycleNotActiveError, match="while it is active"):
        objectives.activate(an_objective(DRAFTED, COVERAGE_ADDED), cycle)


@pytest.mark.parametrize("given", [ACTIVE, CLOSED])
def test_an_objective_is_activated_once(given: tuple[Event, ...]) -> None:
    with pytest.raises(ObjectiveStateError, match="What can be done now"):
        objectives.activate(an_objective(*given), ACTIVE_CYCLE)


def test_closing_scores_each_key_result_and_their_weighted_mean() -> None:
    heavy = key_result_added(weight=3)
    given = an_objective(DRAFTED, COVERAGE_ADDED, heavy, ObjectiveActivated())
    event = objectives.close(
        given, SCORING_CYCLE, progress={COVERAGE: reached(0.5), heavy.key_result_id: reached(1.0)}
    )
    assert event == ObjectiveClosed(
        score=(0.5 * 1 + 1.0 * 3) / 4,
        verdict="partial",
        key_results=(
            KeyResultScore(key_result_id=COVERAGE, score=0.5),
            KeyResultScore(key_result_id=heavy.key_result_id, score=1.0),
        ),
    )


def test_a_key_result_of_weight_zero_is_scored_but_not_counted() -> None:
    shown = key_result_added(weight=0)
    given = an_objective(DRAFTED, COVERAGE_ADDED, shown, ObjectiveActivated())
    event = objectives.close(
        given, SCORING_CYCLE, progress={COVERAGE: reached(1.0), shown.key_result_id: reached(0.0)}
    )
    assert (event.score, event.verdict) == (1.0, "achieved")
    assert len(event.key_results) == 2


def test_an_objective_in_which_nothing_counts_cannot_be_scored() -> None:
    shown = key_result_added(weight=0)
    given = an_objective(DRAFTED, shown, ObjectiveActivated())
    with pytest.raises(NothingToScoreError, match="Add one that counts"):
        objectives.close(given, ACTIVE_CYCLE, progress={shown.key_result_id: reached(1.0)})


@pytest.mark.parametrize("given", [(DRAFTED, COVERAGE_ADDED), CLOSED])
def test_only_an_active_objective_is_closed(given: tuple[Event, ...]) -> None:
    with pytest.raises(ObjectiveStateError):
        objectives.close(an_objective(*given), SCORING_CYCLE, progress={COVERAGE: reached(1)})


def test_nothing_changes_in_a_closed_cycle() -> None:
    given = an_objective(DRAFTED, COVERAGE_ADDED)
    with pytest.raises(CycleLockedError):
        objectives.add_key_result(given, CLOSED_CYCLE, key_result_id=uuid4(), definition=DEFINITION)
    with pytest.raises(CycleLockedError):
        objectives.activate(given, CLOSED_CYCLE)
    with pytest.raises(CycleLockedError):
        objectives.close(given, CLOSED_CYCLE, progress={})


def test_the_state_follows_the_events() -> None:
    closed = an_objective(*CLOSED)
    assert (closed.state, closed.title, closed.owner) == ("closed", DRAFTED.title, DRAFTED.owner)
    assert closed.outcome == Outcome(score=0.5, verdict="partial", key_results={COVERAGE: 0.5})
    assert (closed.drafted_at, closed.changed_at, closed.position) == (NOW, NOW, 104)


def test_a_key_result_that_is_not_there_is_named() -> None:
    stranger = uuid4()
    with pytest.raises(KeyResultNotFoundError, match=str(stranger)):
        an_objective(DRAFTED).key_result(stranger)


def test_topics_are_distinct_and_of_this_service() -> None:
    topics = [event.TOPIC for event in EVENTS]
    assert len(set(topics)) == len(topics)
    assert all(topic.startswith("goals.") for topic in topics)
