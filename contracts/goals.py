"""Events published by the goals service, version 1.

Subject: `goals.<aggregate>.<aggregate id>.<event>`. Within a major version only optional fields
are ever added.
"""

from datetime import date
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import (
    Contract,
    LogPosition,
    Moment,
    OpaqueId,
    PublishedEvent,
    Text,
    Title,
    Unit,
)
from contracts.subjects import KPI_KEY_PATTERN

Cadence = Literal["quarter", "year", "custom"]
CheckInRhythm = Literal["weekly", "biweekly", "monthly"]
OwnerKind = Literal["company", "team", "person"]
Ambition = Literal["committed", "aspirational"]
KeyResultType = Literal["increase", "decrease", "maintain", "milestones", "binary"]
AlignmentKind = Literal["contributes", "supports"]
Status = Literal["on_track", "at_risk", "off_track"]
Verdict = Literal["achieved", "partial", "missed"]
KpiReading = Literal["latest", "period"]
CycleState = Literal["planned", "active", "scoring", "closed"]
ObjectiveState = Literal["draft", "proposed", "active", "postponed", "abandoned", "closed"]

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1_000_000)]
KpiKey = Annotated[str, Field(pattern=f"^{KPI_KEY_PATTERN}$")]
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.:/-]{0,59}$")]


class Owner(Contract):
    """Who answers for an objective: an opaque id, no personal data."""

    kind: OwnerKind
    id: OpaqueId


class Milestone(Contract):
    """A step of a key result of type `milestones`; it counts with its weight once it is done."""

    id: UUID
    title: Title
    weight: Weight = 1.0


class PhasedTarget(Contract):
    """Where a key result is expected to be at the end of a day, in its unit."""

    on: date
    value: float


class CyclePlanned(PublishedEvent):
    """A cycle was planned. `ends_on` is its last day."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.planned.v1"

    cycle_id: UUID
    name: Title
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm


class CycleRevised(PublishedEvent):
    """A cycle's name and check-in rhythm are these from now on; its dates are fixed."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.revised.v1"

    cycle_id: UUID
    name: Title
    check_in_rhythm: CheckInRhythm


class CycleActivated(PublishedEvent):
    """Work in the cycle began: its objectives can be activated and checked in on."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.activated.v1"

    cycle_id: UUID


class CycleScoringStarted(PublishedEvent):
    """The cycle's work ended; its objectives are being scored."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.scoring_started.v1"

    cycle_id: UUID


class CycleClosed(PublishedEvent):
    """The cycle was locked: what is changed in it later is a correction."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.closed.v1"

    cycle_id: UUID


class CycleReopened(PublishedEvent):
    """The cycle went one step back, to `state` (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.reopened.v1"

    cycle_id: UUID
    state: Literal["active", "scoring"]


class ObjectiveDrafted(PublishedEvent):
    """An objective was written down.

    `delegates` may change it in its owner's name. `predecessor_id` is the objective of an earlier
    cycle that it goes on from.
    """

    TYPE: ClassVar[str] = "cairn.goals.objective.drafted.v1"

    objective_id: UUID
    cycle_id: UUID
    title: Title
    description: Text = ""
    owner: Owner
    ambition: Ambition
    labels: tuple[Label, ...] = ()
    delegates: tuple[Owner, ...] = ()
    predecessor_id: UUID | None = None


class ObjectiveRevised(PublishedEvent):
    """These are an objective's words from now on, those that changed and those that did not."""

    TYPE: ClassVar[str] = "cairn.goals.objective.revised.v1"

    objective_id: UUID
    title: Title
    description: Text = ""
    ambition: Ambition
    labels: tuple[Label, ...] = ()


class ObjectiveReassigned(PublishedEvent):
    """Somebody else answers for the objective from now on."""

    TYPE: ClassVar[str] = "cairn.goals.objective.reassigned.v1"

    objective_id: UUID
    owner: Owner


class ObjectiveDelegated(PublishedEvent):
    """These, and nobody else, may change the objective in its owner's name from now on."""

    TYPE: ClassVar[str] = "cairn.goals.objective.delegated.v1"

    objective_id: UUID
    delegates: tuple[Owner, ...]


class KeyResultAdded(PublishedEvent):
    """An objective got a key result. `baseline`, `target`, `lower` and `upper` are in `unit`.

    `increase` and `decrease` go from `baseline` to `target`; `maintain` stays within `lower` and
    `upper`, of which one may be missing; `milestones` has a checklist; `binary` has none of them.
    """

    TYPE: ClassVar[str] = "cairn.goals.key_result.added.v1"

    objective_id: UUID
    key_result_id: UUID
    title: Title
    type: KeyResultType
    baseline: float | None = None
    target: float | None = None
    stretch: float | None = None
    unit: Unit = ""
    weight: Weight = 1.0
    due_on: date | None = None
    lower: float | None = None
    upper: float | None = None
    milestones: tuple[Milestone, ...] = ()
    phased_targets: tuple[PhasedTarget, ...] = ()


class KeyResultRevised(PublishedEvent):
    """These are a key result's title, unit, weight and due date from now on."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.revised.v1"

    objective_id: UUID
    key_result_id: UUID
    title: Title
    unit: Unit = ""
    weight: Weight
    due_on: date | None = None


class KeyResultRetargeted(PublishedEvent):
    """The key result is to reach something else from now on (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.retargeted.v1"

    objective_id: UUID
    key_result_id: UUID
    type: KeyResultType
    baseline: float | None = None
    target: float | None = None
    stretch: float | None = None
    lower: float | None = None
    upper: float | None = None
    milestones: tuple[Milestone, ...] = ()
    phased_targets: tuple[PhasedTarget, ...] = ()


class KeyResultRemoved(PublishedEvent):
    """The key result no longer belongs to its objective. Its history stays."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.removed.v1"

    objective_id: UUID
    key_result_id: UUID


class ObjectiveAligned(PublishedEvent):
    """An objective was aligned below another, or below one key result of it."""

    TYPE: ClassVar[str] = "cairn.goals.objective.aligned.v1"

    objective_id: UUID
    parent_objective_id: UUID
    parent_key_result_id: UUID | None = None
    kind: AlignmentKind
    weight: Weight = 1.0


class ObjectiveUnaligned(PublishedEvent):
    """An alignment ended."""

    TYPE: ClassVar[str] = "cairn.goals.objective.unaligned.v1"

    objective_id: UUID
    parent_objective_id: UUID
    parent_key_result_id: UUID | None = None


class ObjectiveProposed(PublishedEvent):
    """The objective waits for somebody's approval."""

    TYPE: ClassVar[str] = "cairn.goals.objective.proposed.v1"

    objective_id: UUID


class ObjectiveApproved(PublishedEvent):
    """The proposed objective may be worked on once its cycle is active."""

    TYPE: ClassVar[str] = "cairn.goals.objective.approved.v1"

    objective_id: UUID


class ObjectiveReturned(PublishedEvent):
    """The proposed objective is a draft again (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.objective.returned.v1"

    objective_id: UUID


class ObjectiveActivated(PublishedEvent):
    """Work on the objective began."""

    TYPE: ClassVar[str] = "cairn.goals.objective.activated.v1"

    objective_id: UUID


class KeyResultCheckedIn(PublishedEvent):
    """Somebody said how a key result stood at `context.effective_at`.

    `value` is in the key result's unit; 1 (done) or 0 for `binary`; for `milestones` the weighted
    share that is done, which `milestones_done` names.
    """

    TYPE: ClassVar[str] = "cairn.goals.key_result.checked_in.v1"

    objective_id: UUID
    key_result_id: UUID
    check_in_id: UUID
    value: float
    confidence: Share | None = None
    status: Status | None = None
    comment: Text = ""
    milestones_done: tuple[UUID, ...] = ()


class CheckInCorrected(PublishedEvent):
    """What a check-in said was wrong, and this is right (`context.reason` says why it was wrong).

    It is about the same time as the check-in it names. `was` is the value that stood until now.
    """

    TYPE: ClassVar[str] = "cairn.goals.key_result.check_in_corrected.v1"

    objective_id: UUID
    key_result_id: UUID
    check_in_id: UUID
    value: float
    was: float
    confidence: Share | None = None
    status: Status | None = None
    comment: Text = ""
    milestones_done: tuple[UUID, ...] = ()


class KeyResultLinked(PublishedEvent):
    """From now on the key result takes its value from a KPI."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.linked.v1"

    objective_id: UUID
    key_result_id: UUID
    kpi: KpiKey
    reading: KpiReading


class KeyResultUnlinked(PublishedEvent):
    """The key result no longer follows its KPI."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.unlinked.v1"

    objective_id: UUID
    key_result_id: UUID
    kpi: KpiKey


class KeyResultMeasured(PublishedEvent):
    """The linked KPI moved, and the key result with it.

    `metrics_position` is the place in the metrics log that the value came from, `definition` the
    number of the KPI's definition that it was measured by.
    """

    TYPE: ClassVar[str] = "cairn.goals.key_result.measured.v1"

    objective_id: UUID
    key_result_id: UUID
    kpi: KpiKey
    value: float
    period_start: Moment
    period_end: Moment
    metrics_position: LogPosition
    definition: Annotated[int, Field(ge=1)] | None = None


class KeyResultScore(Contract):
    """What one key result scored: its progress at closing, or what somebody set instead.

    `computed` is that progress, and `reason` says why the score is another one.
    """

    key_result_id: UUID
    score: Share
    computed: Share | None = None
    reason: Text | None = None


class ObjectiveClosed(PublishedEvent):
    """The objective was scored and closed. `score` is the weighted mean of its key results."""

    TYPE: ClassVar[str] = "cairn.goals.objective.closed.v1"

    objective_id: UUID
    score: Share
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


class ObjectiveRescored(PublishedEvent):
    """The closed objective's score is another one (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.objective.rescored.v1"

    objective_id: UUID
    score: Share
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


class RetrospectiveWritten(PublishedEvent):
    """What was learned from the objective; it replaces what was written before."""

    TYPE: ClassVar[str] = "cairn.goals.objective.retrospective_written.v1"

    objective_id: UUID
    worked: Text = ""
    did_not_work: Text = ""
    carry_on: Text = ""


class ObjectivePostponed(PublishedEvent):
    """Nobody works on the objective for now (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.objective.postponed.v1"

    objective_id: UUID


class ObjectiveAbandoned(PublishedEvent):
    """The objective was given up (`context.reason` says why)."""

    TYPE: ClassVar[str] = "cairn.goals.objective.abandoned.v1"

    objective_id: UUID


class ObjectiveReopened(PublishedEvent):
    """The objective is `state` again (`context.reason` says why); a score it had is void."""

    TYPE: ClassVar[str] = "cairn.goals.objective.reopened.v1"

    objective_id: UUID
    state: Literal["draft", "active"]


class ObjectiveCarriedOver(PublishedEvent):
    """The objective goes on as another one in a later cycle, whose predecessor it is."""

    TYPE: ClassVar[str] = "cairn.goals.objective.carried_over.v1"

    objective_id: UUID
    successor_id: UUID
    successor_cycle_id: UUID


class ObjectiveCommented(PublishedEvent):
    """Somebody said something about the objective, or about one of its check-ins."""

    TYPE: ClassVar[str] = "cairn.goals.objective.commented.v1"

    objective_id: UUID
    comment_id: UUID
    text: Text
    check_in_id: UUID | None = None


class ObjectiveAcknowledged(PublishedEvent):
    """Somebody has taken note of the objective, or of one of its check-ins."""

    TYPE: ClassVar[str] = "cairn.goals.objective.acknowledged.v1"

    objective_id: UUID
    check_in_id: UUID | None = None


PUBLISHED: Final[tuple[type[PublishedEvent], ...]] = (
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
