"""The shapes of cycles and their dashboards."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.goals import Cadence, CheckInRhythm, CycleState, ObjectiveState, Status
from services.projections.api.shapes import OwnerShape, Position, Shape


class CycleShape(Shape):
    """A cycle; `ends_on` is its last day."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState


class CyclesShape(Shape):
    """Cycles, the latest first."""

    position: Position
    as_of: AwareDatetime
    items: list[CycleShape]
    next: str | None


class SummaryShape(Shape):
    """Objectives summed up; `objectives` and `by_state` count all, the rest active and closed."""

    objectives: int
    by_state: dict[ObjectiveState, int]
    key_results: int
    by_status: Annotated[
        dict[Status | Literal["none"], int], Field(description="Key results by what people say.")
    ]
    unchecked: Annotated[int, Field(description="Key results that nobody and no KPI reports on.")]
    progress: Annotated[float | None, Field(description="Mean of the objectives.")]
    pace: Annotated[
        float | None,
        Field(
            description=(
                "`progress` less the mean of what is expected of these objectives by now, or by "
                "when they ended."
            )
        ),
    ]
    computed_status: Annotated[Status | None, Field(description="What the pace says.")]
    by_computed_status: Annotated[
        dict[Status | Literal["none"], int],
        Field(description="Objectives by what their own pace says; none: without progress."),
    ]
    confidence: Annotated[float | None, Field(description="Mean of the key results that have one.")]


class OwnerSummaryShape(SummaryShape):
    """One owner's objectives summed up."""

    owner: OwnerShape


class BehindShape(Shape):
    """An objective that is behind what is expected."""

    id: UUID
    title: str
    owner: OwnerShape
    progress: float
    pace: float
    computed_status: Status


class UncheckedShape(Shape):
    """A key result of an active objective that nobody has checked in on."""

    id: UUID
    title: str
    objective_id: UUID


class ChangeShape(Shape):
    """An objective that is not as it was. What it was is null where it was not there yet."""

    id: UUID
    title: str
    owner: OwnerShape
    state_before: ObjectiveState | None
    state: ObjectiveState
    progress_before: float | None
    progress: float | None


class ChangesShape(Shape):
    """What changed, the greatest moves first; `total` also counts what is not listed."""

    since: AwareDatetime
    total: int
    items: list[ChangeShape]


class CycleDashboardShape(SummaryShape):
    """A cycle as it stood. The lists show the most important; the counts count all."""

    position: Position
    as_of: AwareDatetime
    cycle: CycleShape
    expected: Annotated[
        float, Field(description="Of what has not ended; it grows linearly over the cycle.")
    ]
    owners: list[OwnerSummaryShape]
    owners_total: int
    behind: list[BehindShape]
    key_results_without_check_in: list[UncheckedShape]
    changed: ChangesShape | None
