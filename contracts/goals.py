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

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1_000_000)]
KpiKey = Annotated[str, Field(pattern=f"^{KPI_KEY_PATTERN}$")]


class Owner(Contract):
    """Who answers for an objective: an opaque id, no personal data."""

    kind: OwnerKind
    id: OpaqueId


class CyclePlanned(PublishedEvent):
    """A cycle was planned. `ends_on` is its last day."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.planned.v1"

    cycle_id: UUID
    name: Title
    starts_on: date
    ends_on: date
    cadence: Cadence
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
    """The cycle was locked."""

    TYPE: ClassVar[str] = "cairn.goals.cycle.closed.v1"

    cycle_id: UUID


class ObjectiveDrafted(PublishedEvent):
    """An objective was written down."""

    TYPE: ClassVar[str] = "cairn.goals.objective.drafted.v1"

    objective_id: UUID
    cycle_id: UUID
    title: Title
    description: Text = ""
    owner: Owner
    ambition: Ambition


class KeyResultAdded(PublishedEvent):
    """An objective got a key result. `baseline` and `target` are in `unit`."""

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


class ObjectiveActivated(PublishedEvent):
    """Work on the objective began."""

    TYPE: ClassVar[str] = "cairn.goals.objective.activated.v1"

    objective_id: UUID


class KeyResultCheckedIn(PublishedEvent):
    """Somebody said how a key result stood at `context.effective_at`."""

    TYPE: ClassVar[str] = "cairn.goals.key_result.checked_in.v1"

    objective_id: UUID
    key_result_id: UUID
    check_in_id: UUID
    value: float
    confidence: Share | None = None
    status: Status | None = None
    comment: Text = ""


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

    `metrics_position` is the place in the metrics log that the value came from.
    """

    TYPE: ClassVar[str] = "cairn.goals.key_result.measured.v1"

    objective_id: UUID
    key_result_id: UUID
    kpi: KpiKey
    value: float
    period_start: Moment
    period_end: Moment
    metrics_position: LogPosition


class KeyResultScore(Contract):
    """What one key result scored: its progress at closing."""

    key_result_id: UUID
    score: Share


class ObjectiveClosed(PublishedEvent):
    """The objective was scored and closed. `score` is the weighted mean of its key results."""

    TYPE: ClassVar[str] = "cairn.goals.objective.closed.v1"

    objective_id: UUID
    score: Share
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


PUBLISHED: Final[tuple[type[PublishedEvent], ...]] = (
    CyclePlanned,
    CycleActivated,
    CycleScoringStarted,
    CycleClosed,
    ObjectiveDrafted,
    KeyResultAdded,
    ObjectiveAligned,
    ObjectiveUnaligned,
    ObjectiveActivated,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultUnlinked,
    KeyResultMeasured,
    ObjectiveClosed,
)
