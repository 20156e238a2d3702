"""The shapes of objectives, with their key results and alignments, in responses."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts import goals
from contracts.goals import (
    AlignmentKind,
    Ambition,
    KeyResultType,
    KpiReading,
    ObjectiveState,
    Status,
    Verdict,
)
from contracts.progress import Source
from services.goals.api.schemas import ActorShape, Shape
from services.goals.domain.errors import Step


class AdviceShape(Shape):
    """Something worth thinking over; never a refusal."""

    code: str
    detail: str


class CheckInShape(Shape):
    """The check-in about the latest time."""

    id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    effective_at: AwareDatetime
    by: ActorShape
    corrected: bool


class LinkShape(Shape):
    """The KPI a key result follows."""

    kpi: str
    reading: KpiReading


class MeasurementShape(Shape):
    """The last thing the followed KPI said."""

    period_start: AwareDatetime
    period_end: AwareDatetime
    metrics_position: int
    definition: Annotated[
        int | None, Field(description="The number of the KPI's definition that measured it.")
    ]


class MilestoneShape(Shape):
    """A step of a checklist."""

    id: UUID
    title: str
    weight: float
    done: bool


class TallyShape(Shape):
    """How many periods or check-ins were measured, and how many of them were in the band."""

    measured: int
    in_band: int


class KeyResultShape(Shape):
    """A key result as it stands, and where each number comes from."""

    id: UUID
    title: str
    type: KeyResultType
    baseline: float | None
    target: float | None
    stretch: float | None
    lower: float | None
    upper: float | None
    milestones: list[MilestoneShape]
    phased_targets: list[goals.PhasedTarget]
    unit: str
    weight: float
    due_on: date | None
    value: Annotated[float | None, Field(description="Null until somebody or a KPI says it.")]
    as_of: Annotated[AwareDatetime | None, Field(description="Since when the value is true.")]
    position: Annotated[
        int | None,
        Field(
            description="Where in the log the newest value was recorded that `progress` rests on."
        ),
    ]
    attainment: Annotated[
        float | None,
        Field(
            description="By its own value: (value - baseline) / (target - baseline), unclamped; "
            "the share of periods in the band; the weighted share of milestones; 0 or 1."
        ),
    ]
    in_band: Annotated[
        bool | None, Field(description="Whether the value lies in the band now; for maintain.")
    ]
    tally: Annotated[TallyShape | None, Field(description="What its progress is a share of.")]
    progress: Annotated[
        float | None,
        Field(description="Attainment within 0 and 1, or that of the children; see `source`."),
    ]
    source: Source
    expected: Annotated[
        float,
        Field(description="By its phased targets, or linear until its due date or cycle's end."),
    ]
    pace: Annotated[float | None, Field(description="progress - expected")]
    computed_status: Annotated[
        Status | None,
        Field(description="What the pace says: on track down to -0.1, at risk to -0.25."),
    ]
    score: Annotated[float | None, Field(description="0 to 1, once the objective is closed.")]
    computed_score: Annotated[
        float | None, Field(description="What would be the score, had nobody set another.")
    ]
    score_reason: Annotated[str | None, Field(description="Why somebody set another score.")]
    check_in_due_at: Annotated[
        AwareDatetime | None, Field(description="By the cycle's rhythm; null if nobody has to.")
    ]
    overdue: bool
    link: LinkShape | None
    measurement: MeasurementShape | None
    last_check_in: CheckInShape | None


class AlignmentShape(Shape):
    """What the objective stands below."""

    objective_id: UUID
    key_result_id: UUID | None
    kind: AlignmentKind
    weight: float


class OutcomeShape(Shape):
    """How the objective ended."""

    score: float
    verdict: Verdict


class RetrospectiveShape(Shape):
    """What was learned."""

    worked: str
    did_not_work: str
    carry_on: str


class SuccessorShape(Shape):
    """The objective that goes on from this one, and its cycle."""

    objective_id: UUID
    cycle_id: UUID


class ObjectiveShape(Shape):
    """An objective as it stands."""

    id: UUID
    cycle_id: UUID
    title: str
    description: str
    owner: goals.Owner
    delegates: list[goals.Owner]
    ambition: Ambition
    labels: list[str]
    state: ObjectiveState
    allowed: Annotated[list[Step], Field(description="What its state allows to be done now.")]
    drafted_at: AwareDatetime
    approved_at: AwareDatetime | None
    activated_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    changed_at: AwareDatetime
    version: int
    progress: Annotated[
        float | None,
        Field(description="Weighted mean over key results and contributing children."),
    ]
    source: Annotated[Literal["computed"], Field(description="Where `progress` comes from.")]
    position: Annotated[
        int | None,
        Field(description="Where in the log the newest value stands that `progress` rests on."),
    ]
    expected: Annotated[float, Field(description="The share of the cycle that has passed.")]
    pace: Annotated[float | None, Field(description="progress - expected")]
    computed_status: Status | None
    overdue: Annotated[bool, Field(description="Whether a check-in on a key result is overdue.")]
    outcome: OutcomeShape | None
    retrospective: RetrospectiveShape | None
    predecessor_id: UUID | None
    successor: SuccessorShape | None
    comments: int
    acknowledgements: int
    alignments: list[AlignmentShape]
    key_results: list[KeyResultShape]
    warnings: list[AdviceShape]


class AlignedItemShape(Shape):
    """An objective that was aligned, and its version since."""

    id: UUID
    version: int
    alignments: list[AlignmentShape]


class BulkAlignedShape(Shape):
    """What a bulk of alignments led to, each objective once."""

    aligned: list[AlignedItemShape]


class ObjectiveItemShape(Shape):
    """An objective in a list."""

    id: UUID
    cycle_id: UUID
    owner: goals.Owner
    title: str
    labels: list[str]
    state: ObjectiveState
    updated_at: AwareDatetime
    version: int


class ObjectivePage(Shape):
    """Objectives in the order in which they were drafted."""

    items: list[ObjectiveItemShape]
    next: str | None
