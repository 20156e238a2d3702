"""What can happen to cycles and objectives: the facts in the log, by topics that never change.

An event's aggregate, actor, reason and times stand beside it in its `LoggedEvent`. Where an event
has had other shapes, `upcasters.py` brings those to the present one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final, Literal
from uuid import UUID

from contracts.goals import (
    AlignmentKind,
    Ambition,
    Cadence,
    CheckInRhythm,
    KeyResultType,
    KpiReading,
    OwnerKind,
    Status,
    Verdict,
)
from services.chassis.eventstore.context import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers for an objective: an opaque id, no personal data."""

    kind: OwnerKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A step of a key result of type `milestones`; it counts with its weight once it is done."""

    id: UUID
    title: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasedTarget:
    """Where a key result is expected to be at the end of a day, in its unit."""

    on: date
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclePlanned:
    """A cycle was planned. `ends_on` is its last day."""

    TOPIC: ClassVar[str] = "goals.cycle.planned"
    VERSION: ClassVar[int] = 1

    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRevised:
    """The cycle's name and check-in rhythm are these from now on."""

    TOPIC: ClassVar[str] = "goals.cycle.revised"
    VERSION: ClassVar[int] = 1

    name: str
    check_in_rhythm: CheckInRhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleActivated:
    """Work in the cycle began."""

    TOPIC: ClassVar[str] = "goals.cycle.activated"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleScoringStarted:
    """The cycle's work ended; its objectives are being scored."""

    TOPIC: ClassVar[str] = "goals.cycle.scoring_started"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleClosed:
    """The cycle was locked."""

    TOPIC: ClassVar[str] = "goals.cycle.closed"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReopened:
    """The cycle went one step back, to `state`."""

    TOPIC: ClassVar[str] = "goals.cycle.reopened"
    VERSION: ClassVar[int] = 1

    state: Literal["active", "scoring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveDrafted:
    """An objective was written down.

    `delegates` may change it in its owner's name. `predecessor_id` is the objective of an earlier
    cycle that it goes on from.
    """

    TOPIC: ClassVar[str] = "goals.objective.drafted"
    VERSION: ClassVar[int] = 2

    cycle_id: UUID
    title: str
    description: str
    owner: Owner
    ambition: Ambition
    labels: tuple[str, ...]
    delegates: tuple[Owner, ...]
    predecessor_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRevised:
    """These are the objective's words from now on."""

    TOPIC: ClassVar[str] = "goals.objective.revised"
    VERSION: ClassVar[int] = 1

    title: str
    description: str
    ambition: Ambition
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveReassigned:
    """Somebody else answers for the objective from now on."""

    TOPIC: ClassVar[str] = "goals.objective.reassigned"
    VERSION: ClassVar[int] = 1

    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveDelegated:
    """These, and nobody else, may change the objective in its owner's name."""

    TOPIC: ClassVar[str] = "goals.objective.delegated"
    VERSION: ClassVar[int] = 1

    delegates: tuple[Owner, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultAdded:
    """The objective got a key result; all values of it are in `unit`.

    `increase` and `decrease` go from `baseline` to `target`; `maintain` stays within `lower` and
    `upper`, of which one may be missing; `milestones` has a checklist; `binary` has none of them.
    """

    TOPIC: ClassVar[str] = "goals.key_result.added"
    VERSION: ClassVar[int] = 2

    key_result_id: UUID
    title: str
    type: KeyResultType
    baseline: float | None
    target: float | None
    stretch: float | None
    unit: str
    weight: float
    due_on: date | None
    lower: float | None
    upper: float | None
    milestones: tuple[Milestone, ...]
    phased_targets: tuple[PhasedTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultRevised:
    """These are the key result's title, unit, weight and due date from now on."""

    TOPIC: ClassVar[str] = "goals.key_result.revised"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    title: str
    unit: str
    weight: float
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultRetargeted:
    """The key result is to reach something else from now on."""

    TOPIC: ClassVar[str] = "goals.key_result.retargeted"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    type: KeyResultType
    baseline: float | None
    target: float | None
    stretch: float | None
    lower: float | None
    upper: float | None
    milestones: tuple[Milestone, ...]
    phased_targets: tuple[PhasedTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultRemoved:
    """The key result no longer belongs to its objective."""

    TOPIC: ClassVar[str] = "goals.key_result.removed"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveAligned:
    """The objective was aligned below another, or below one key result of it."""

    TOPIC: ClassVar[str] = "goals.objective.aligned"
    VERSION: ClassVar[int] = 1

    parent_objective_id: UUID
    parent_key_result_id: UUID | None
    kind: AlignmentKind
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveUnaligned:
    """An alignment ended."""

    TOPIC: ClassVar[str] = "goals.objective.unaligned"
    VERSION: ClassVar[int] = 1

    parent_objective_id: UUID
    parent_key_result_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveProposed:
    """The objective waits for somebody's approval."""

    TOPIC: ClassVar[str] = "goals.objective.proposed"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveApproved:
    """The proposed objective may be worked on once its cycle is active."""

    TOPIC: ClassVar[str] = "goals.objective.approved"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveReturned:
    """The proposed objective is a draft again."""

    TOPIC: ClassVar[str] = "goals.objective.returned"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveActivated:
    """Work on the objective began."""

    TOPIC: ClassVar[str] = "goals.objective.activated"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultCheckedIn:
    """Somebody said how a key result stood at the context's `effective_at`.

    `value` is in the key result's unit; 1 (done) or 0 for `binary`; for `milestones` the weighted
    share that is done, which `milestones_done` names.
    """

    TOPIC: ClassVar[str] = "goals.key_result.checked_in"
    VERSION: ClassVar[int] = 2

    key_result_id: UUID
    check_in_id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    milestones_done: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInCorrected:
    """What a check-in said was wrong, and this is right; `was` is the value that stood until now.

    The context's `effective_at` is that of the check-in.
    """

    TOPIC: ClassVar[str] = "goals.key_result.check_in_corrected"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    check_in_id: UUID
    value: float
    was: float
    confidence: float | None
    status: Status | None
    comment: str
    milestones_done: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultLinked:
    """From now on the key result takes its value from a KPI."""

    TOPIC: ClassVar[str] = "goals.key_result.linked"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    kpi: str
    reading: KpiReading


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultUnlinked:
    """The key result no longer follows its KPI."""

    TOPIC: ClassVar[str] = "goals.key_result.unlinked"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    kpi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultMeasured:
    """The linked KPI moved, and the key result with it.

    The value is of the period [`period_start`, `period_end`); `metrics_position` is the place in
    the metrics log that it came from, `definition` the number of the KPI's definition then.
    """

    TOPIC: ClassVar[str] = "goals.key_result.measured"
    VERSION: ClassVar[int] = 2

    key_result_id: UUID
    kpi: str
    value: float
    period_start: datetime
    period_end: datetime
    metrics_position: int
    definition: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultScore:
    """What one key result scored, 0 to 1: its progress at closing, or what somebody set instead.

    `computed` is that progress, and `reason` says why the score is another one.
    """

    key_result_id: UUID
    score: float
    computed: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveClosed:
    """The objective was scored and closed. `score` is the weighted mean of its key results."""

    TOPIC: ClassVar[str] = "goals.objective.closed"
    VERSION: ClassVar[int] = 2

    score: float
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRescored:
    """The closed objective's score is another one."""

    TOPIC: ClassVar[str] = "goals.objective.rescored"
    VERSION: ClassVar[int] = 1

    score: float
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrospectiveWritten:
    """What was learned from the objective; it replaces what was written before."""

    TOPIC: ClassVar[str] = "goals.objective.retrospective_written"
    VERSION: ClassVar[int] = 1

    worked: str
    did_not_work: str
    carry_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivePostponed:
    """Nobody works on the objective for now."""

    TOPIC: ClassVar[str] = "goals.objective.postponed"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveAbandoned:
    """The objective was given up."""

    TOPIC: ClassVar[str] = "goals.objective.abandoned"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveReopened:
    """The objective is `state` again; a score it had is void."""

    TOPIC: ClassVar[str] = "goals.objective.reopened"
    VERSION: ClassVar[int] = 1

    state: Literal["draft", "active"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveCarriedOver:
    """The objective goes on as another one in a later cycle, whose predecessor it is."""

    TOPIC: ClassVar[str] = "goals.objective.carried_over"
    VERSION: ClassVar[int] = 1

    successor_id: UUID
    successor_cycle_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveCommented:
    """Somebody said something about the objective, or about one of its check-ins."""

    TOPIC: ClassVar[str] = "goals.objective.commented"
    VERSION: ClassVar[int] = 1

    comment_id: UUID
    text: str
    check_in_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveAcknowledged:
    """Somebody has taken note of the objective, or of one of its check-ins."""

    TOPIC: ClassVar[str] = "goals.objective.acknowledged"
    VERSION: ClassVar[int] = 1

    check_in_id: UUID | None


EVENTS: Final[tuple[type[Event], ...]] = (
    CyclePlanned,
    CycleRevised,
    CycleActivated,
    CycleScoringStarted,
    CycleClosed,
    CycleReopened,
    ObjectiveDrafted,
    ObjectiveRevised,
    ObjectiveReassigned,
    ObjectiveDelegated,
    KeyResultAdded,
    KeyResultRevised,
    KeyResultRetargeted,
    KeyResultRemoved,
    ObjectiveAligned,
    ObjectiveUnaligned,
    ObjectiveProposed,
    ObjectiveApproved,
    ObjectiveReturned,
    ObjectiveActivated,
    KeyResultCheckedIn,
    CheckInCorrected,
    KeyResultLinked,
    KeyResultUnlinked,
    KeyResultMeasured,
    ObjectiveClosed,
    ObjectiveRescored,
    RetrospectiveWritten,
    ObjectivePostponed,
    ObjectiveAbandoned,
    ObjectiveReopened,
    ObjectiveCarriedOver,
    ObjectiveCommented,
    ObjectiveAcknowledged,
)
