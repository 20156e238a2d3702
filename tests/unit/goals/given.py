"""What was, for tests that read: given these events, when this command, then those events."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID, uuid4

from contracts.goals import ObjectiveState
from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.goals.domain import cycle as cycles
from services.goals.domain import key_result as key_results
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleScoringStarted,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultMeasured,
    KeyResultScore,
    Milestone,
    ObjectiveAbandoned,
    ObjectiveActivated,
    ObjectiveClosed,
    ObjectiveDrafted,
    ObjectivePostponed,
    ObjectiveProposed,
    Owner,
)
from services.goals.domain.evolving import evolve
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective

ADA = Actor("ada", "human")
CYCLE_ID = UUID(int=1)
COVERAGE = UUID(int=2)  # a key result: test coverage 70% -> 90%
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)

PLANNED = CyclePlanned(
    name="2026 Q1",
    starts_on=date(2026, 1, 1),
    ends_on=date(2026, 3, 31),
    cadence="quarter",
    check_in_rhythm="weekly",
)
DRAFTED = ObjectiveDrafted(
    cycle_id=CYCLE_ID,
    title="Halve the bug rate",
    description="",
    owner=Owner(kind="team", id="quality"),
    ambition="committed",
    labels=(),
    delegates=(),
    predecessor_id=None,
)
COVERAGE_ADDED = KeyResultAdded(
    key_result_id=COVERAGE,
    title="Test coverage",
    type="increase",
    baseline=70,
    target=90,
    stretch=None,
    unit="%",
    weight=1,
    due_on=None,
    lower=None,
    upper=None,
    milestones=(),
    phased_targets=(),
)
ACTIVE = (DRAFTED, COVERAGE_ADDED, ObjectiveActivated())
CLOSED = (
    *ACTIVE,
    ObjectiveClosed(
        score=0.5,
        verdict="partial",
        key_results=(KeyResultScore(key_result_id=COVERAGE, score=0.5, computed=0.5, reason=None),),
    ),
)
IN_STATE: Final[Mapping[ObjectiveState, tuple[Event, ...]]] = {
    "draft": (DRAFTED, COVERAGE_ADDED),
    "proposed": (DRAFTED, COVERAGE_ADDED, ObjectiveProposed()),
    "active": ACTIVE,
    "postponed": (*ACTIVE, ObjectivePostponed()),
    "abandoned": (*ACTIVE, ObjectiveAbandoned()),
    "closed": CLOSED,
}
"""How an objective came into each state."""

# Key results of all five types, from the sample company.
LEADS = Definition(title="Leads", type="increase", baseline=500.0, target=700.0, unit="leads")
LATENCY = Definition(
    title="Latency of the homepage", type="decrease", baseline=1400.0, target=1000.0, unit="ms"
)
UPTIME = Definition(title="Uptime", type="maintain", lower=99.99, unit="%")
GERMAN, FRENCH, POLISH = (UUID(int=number) for number in (11, 12, 13))
LANGUAGES = Definition(
    title="Three languages",
    type="milestones",
    milestones=(
        Milestone(id=GERMAN, title="German", weight=2.0),
        Milestone(id=FRENCH, title="French", weight=1.0),
        Milestone(id=POLISH, title="Polish", weight=1.0),
    ),
)
RESPONSIVE = Definition(title="The design is responsive", type="binary")


def key_result_added(title: str = "Bugs found in production", **changes: object) -> KeyResultAdded:
    return replace(COVERAGE_ADDED, key_result_id=uuid4(), title=title, **changes)  # type: ignore[arg-type]


def checked_in(
    value: float,
    key_result_id: UUID = COVERAGE,
    *,
    check_in_id: UUID | None = None,
    milestones_done: tuple[UUID, ...] = (),
) -> KeyResultCheckedIn:
    return KeyResultCheckedIn(
        key_result_id=key_result_id,
        check_in_id=check_in_id or uuid4(),
        value=value,
        confidence=None,
        status=None,
        comment="",
        milestones_done=milestones_done,
    )


def measured(
    value: float, *, start: datetime, end: datetime, key_result_id: UUID = COVERAGE
) -> KeyResultMeasured:
    """What the KPI `quality.coverage` said of the period [`start`, `end`)."""
    return KeyResultMeasured(
        key_result_id=key_result_id,
        kpi="quality.coverage",
        value=value,
        period_start=start,
        period_end=end,
        metrics_position=7,
        definition=1,
    )


def in_work(definition: Definition, *events: Event, key_result_id: UUID = COVERAGE) -> Objective:
    """An active objective with one key result, so defined, after these events."""
    added = key_results.define(definition, key_result_id=key_result_id)
    return an_objective(DRAFTED, added, ObjectiveActivated(), *events)


def only_key_result(objective: Objective) -> KeyResult:
    (found,) = objective.key_results
    return found


def logged(
    event: Event,
    *,
    originator_id: UUID,
    version: int,
    at: datetime = NOW,
    effective_at: datetime | None = None,
) -> LoggedEvent:
    return LoggedEvent(
        originator_id=originator_id,
        originator_version=version,
        event=event,
        context=Context(
            actor=ADA,
            effective_at=effective_at or at,
            command_id=UUID(int=version),
            correlation_id="c",
        ),
        position=100 + version,
        recorded_at=at,
    )


def a_cycle(*events: Event, at: datetime = NOW) -> Cycle:
    """The cycle after these events."""
    state: Cycle | None = None
    for version, event in enumerate(events, 1):
        state = cycles.evolve(state, logged(event, originator_id=CYCLE_ID, version=version, at=at))
    assert state is not None
    return state


def an_objective(*events: Event, objective_id: UUID | None = None) -> Objective:
    """The objective after these events."""
    objective_id = objective_id or uuid4()
    state: Objective | None = None
    for version, event in enumerate(events, 1):
        state = evolve(state, logged(event, originator_id=objective_id, version=version))
    assert state is not None
    return state


def then(
    state: Objective, event: Event, *, at: datetime = NOW, effective_at: datetime | None = None
) -> Objective:
    """The objective after one more event, recorded and true at these times."""
    return evolve(
        state,
        logged(event, originator_id=state.id, version=99, at=at, effective_at=effective_at),
    )


PLANNED_CYCLE = a_cycle(PLANNED)
ACTIVE_CYCLE = a_cycle(PLANNED, CycleActivated())
SCORING_CYCLE = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted())
CLOSED_CYCLE = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted(), CycleClosed())
