"""What the okrs group knows at one moment: a row per cycle, objective, key result, alignment.

Rows are immutable; when one held is kept by the timeline it lies in. Progress, attainment and
scores are shares of 1; values, baselines and targets are in the key result's unit. Rows cannot
form circles, so the garbage collector is spared the many of them that a rebuild makes.
"""

from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

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
from contracts.progress import Source

CycleState = Literal["planned", "active", "scoring", "closed"]
ObjectiveState = Literal["draft", "active", "closed"]


class AlignmentKey(NamedTuple):
    """Which child hangs below which objective, or below which key result of it."""

    child_id: UUID
    parent_id: UUID
    parent_key_result_id: UUID | None


class Cycle(Struct, frozen=True, kw_only=True, gc=False):
    """A cycle; `ends_on` is its last day."""

    cycle_id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState = "planned"


class Objective(Struct, frozen=True, kw_only=True, gc=False):
    """An objective, without its progress: that moves more often than all the rest."""

    objective_id: UUID
    cycle_id: UUID
    title: str
    owner_kind: OwnerKind
    owner_id: str
    ambition: Ambition
    state: ObjectiveState = "draft"
    key_result_ids: tuple[UUID, ...] = ()
    score: float | None = None
    verdict: Verdict | None = None

    @property
    def counts(self) -> bool:
        """Whether it moves the objectives it contributes to: not before it is active."""
        return self.state != "draft"


class Progress(Struct, frozen=True, gc=False):
    """How far an objective is.

    `own_progress` is that of its key results alone; `progress` also counts the children that
    contribute to the objective. Both are None where there is nothing to count.
    """

    objective_id: UUID
    own_progress: float | None = None
    progress: float | None = None


class KeyResult(Struct, frozen=True, kw_only=True, gc=False, rename={"key_result_id": "id"}):
    """A key result as it stands. Its JSON is what answers show of it.

    `source` says where `progress` comes from, `position` at which place in the goals log the
    value was recorded. `value_at` is the moment the value was true at, `checked_in_at` that of
    the last check-in, whose confidence and status these are; None: never.
    """

    key_result_id: UUID
    objective_id: UUID
    title: str
    type: KeyResultType
    baseline: float | None = None
    target: float | None = None
    stretch: float | None = None
    unit: str = ""
    weight: float = 1.0
    due_on: date | None = None
    kpi: str | None = None
    kpi_reading: KpiReading | None = None
    value: float | None = None
    value_at: datetime | None = None
    attainment: float | None = None
    progress: float = 0.0
    source: Source = "computed"
    position: int | None = None
    confidence: float | None = None
    status: Status | None = None
    checked_in_at: datetime | None = None
    score: float | None = None


class Alignment(Struct, frozen=True, kw_only=True, gc=False):
    """A child below a parent. Only `contributes` moves the parent's progress, by `weight`."""

    child_id: UUID
    parent_id: UUID
    parent_key_result_id: UUID | None = None
    kind: AlignmentKind
    weight: float = 1.0

    @property
    def key(self) -> AlignmentKey:
        """What tells this row from the others of its table."""
        return AlignmentKey(self.child_id, self.parent_id, self.parent_key_result_id)


class Unaligned(NamedTuple):
    """The change that ends an alignment."""

    key: AlignmentKey


Change = Cycle | Objective | KeyResult | Alignment | Unaligned
