"""The shape of the alignment tree."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.goals import (
    AlignmentKind,
    Ambition,
    KeyResultType,
    KpiReading,
    Status,
    Verdict,
)
from contracts.progress import Source
from services.projections.api.shapes import OwnerShape, Position, Shape
from services.projections.okrs.rows import ObjectiveState


class KeyResultShape(Shape):
    """A key result as it stood. `position` is where in the goals log its value was recorded."""

    id: UUID
    objective_id: UUID
    title: str
    type: KeyResultType
    baseline: float | None
    target: float | None
    stretch: float | None
    unit: str
    weight: float
    due_on: date | None
    value: float | None
    value_at: AwareDatetime | None
    attainment: Annotated[float | None, Field(description="Unclamped: above 1 is stretch.")]
    progress: float
    source: Annotated[Source, Field(description="Where `progress` comes from.")]
    position: int | None
    confidence: float | None
    status: Status | None
    checked_in_at: AwareDatetime | None
    kpi: str | None
    kpi_reading: KpiReading | None
    score: float | None


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
    state: ObjectiveState
    ambition: Ambition
    progress: Annotated[
        float | None, Field(description="Rolled up from key results and contributing children.")
    ]
    own_progress: Annotated[float | None, Field(description="That of the key results alone.")]
    expected: Annotated[float | None, Field(description="Linear over the cycle.")]
    pace: Annotated[float | None, Field(description="`progress` less `expected`.")]
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
