"""The shape of the alignment tree."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

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
from services.projections.api.shapes import OwnerShape, Position, Shape

Expected = Annotated[
    float | None, Field(description="The progress expected; null while the cycle is not known.")
]
Pace = Annotated[float | None, Field(description="`progress` less `expected`.")]
ComputedStatus = Annotated[
    Status | None, Field(description="What the pace says, beside what people say.")
]


class MilestoneShape(Shape):
    """A step of a checklist; it counts with its weight once it is done."""

    id: UUID
    title: str
    weight: float
    done: bool


class PhasedTargetShape(Shape):
    """Which value is expected at the end of a day."""

    on: date
    value: float


class TallyShape(Shape):
    """How many periods and check-ins were counted, and how many of them were in band."""

    measured: int
    in_band: int


class MeasurementShape(Shape):
    """The last that the followed KPI said, and where in the metrics log that stands."""

    period_start: AwareDatetime
    period_end: AwareDatetime
    metrics_position: int
    definition: Annotated[int | None, Field(description="The number of the KPI's definition.")]
    in_band: bool | None


class KeyResultShape(Shape):
    """A key result as it stood.

    `position` is where in the goals log the newest value was recorded that `progress` rests on.
    """

    id: UUID
    objective_id: UUID
    title: str
    type: KeyResultType
    baseline: float | None
    target: float | None
    stretch: float | None
    lower: Annotated[float | None, Field(description="Of the band that is maintained.")]
    upper: Annotated[float | None, Field(description="Of the band that is maintained.")]
    milestones: list[MilestoneShape]
    phased_targets: list[PhasedTargetShape]
    unit: str
    weight: float
    due_on: date | None
    value: float | None
    value_at: AwareDatetime | None
    check_in_id: Annotated[
        UUID | None, Field(description="The check-in that the value is from; null: a KPI.")
    ]
    in_band: Annotated[
        bool | None,
        Field(description="Whether the value is in the band; null: nothing maintained."),
    ]
    tally: Annotated[TallyShape | None, Field(description="null: nothing is maintained.")]
    attainment: Annotated[float | None, Field(description="Unclamped: above 1 is stretch.")]
    progress: float
    source: Annotated[Source, Field(description="Where `progress` comes from.")]
    position: int | None
    confidence: float | None
    status: Status | None
    checked_in_at: AwareDatetime | None
    last_check_in_id: UUID | None
    kpi: str | None
    kpi_reading: KpiReading | None
    measurement: MeasurementShape | None
    score: float | None
    computed_score: Annotated[
        float | None, Field(description="What `score` would be if nobody had set another one.")
    ]
    expected: Expected
    pace: Pace
    computed_status: ComputedStatus


class ParentShape(Shape):
    """What an objective is aligned to. Only `contributes` moves the parent's progress."""

    objective_id: UUID
    key_result_id: UUID | None
    kind: AlignmentKind
    weight: float


class NodeShape(Shape):
    """An objective in the tree."""

    id: UUID
    cycle_id: UUID
    title: str
    owner: OwnerShape
    delegates: Annotated[
        list[OwnerShape], Field(description="Who may change it in its owner's name.")
    ]
    labels: list[str]
    state: ObjectiveState
    ambition: Ambition
    approved_at: AwareDatetime | None
    ended_at: Annotated[
        AwareDatetime | None, Field(description="When it was closed, postponed or abandoned.")
    ]
    predecessor_id: Annotated[
        UUID | None, Field(description="What it goes on from, in an earlier cycle.")
    ]
    successor_id: Annotated[
        UUID | None, Field(description="What goes on from it, in a later cycle.")
    ]
    progress: Annotated[
        float | None, Field(description="Rolled up from key results and contributing children.")
    ]
    own_progress: Annotated[float | None, Field(description="That of the key results alone.")]
    source: Annotated[
        Literal["computed"], Field(description="`progress` is a weighted mean of what counts.")
    ]
    position: Annotated[
        int | None,
        Field(description="Where in the goals log the newest value stands that it rests on."),
    ]
    expected: Expected
    pace: Pace
    computed_status: ComputedStatus
    score: float | None
    verdict: Verdict | None
    key_results: list[KeyResultShape]
    parents: list[ParentShape]
    children: list[UUID]
    depth: int
    orphan: Annotated[bool, Field(description="Below the company's own, and aligned to nothing.")]


class AlignmentTreeShape(Shape):
    """Objectives depth first, each below a parent nearest to a root."""

    position: Position
    as_of: AwareDatetime
    roots: list[UUID]
    nodes: list[NodeShape]
    truncated: Annotated[
        bool, Field(description="There is more than one answer holds: ask for a root further down.")
    ]
