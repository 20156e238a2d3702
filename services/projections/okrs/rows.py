"""What the okrs group knows at one moment: a row per cycle, objective, key result, alignment.

Rows are immutable; when one held is kept by the timeline it lies in. Progress, attainment and
scores are shares of 1; values, baselines, targets and bands are in the key result's unit. Rows
cannot form circles, so the garbage collector is spared the many of them that a rebuild makes.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from contracts.goals import (
    AlignmentKind,
    Ambition,
    Cadence,
    CheckInRhythm,
    CycleState,
    KeyResultType,
    KpiReading,
    ObjectiveState,
    OwnerKind,
    Status,
    Verdict,
)
from contracts.progress import COUNTING_STATES, Part, Source, Tally


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


class Delegate(Struct, frozen=True, gc=False):
    """Somebody who may change an objective in its owner's name: an opaque id."""

    kind: OwnerKind
    id: str


class Objective(Struct, frozen=True, kw_only=True, gc=False):
    """An objective, without its progress: that moves more often than all the rest.

    `ended_at` is when it was closed, postponed or abandoned. It goes on from its predecessor in
    an earlier cycle, and its successor goes on from it in a later one.
    """

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
    labels: tuple[str, ...] = ()
    delegates: tuple[Delegate, ...] = ()
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    predecessor_id: UUID | None = None
    successor_id: UUID | None = None

    @property
    def counts(self) -> bool:
        """Whether it moves the objectives it contributes to.

        Active and closed ones do. A draft or a proposal is not agreed on yet; what was postponed
        or abandoned is nobody's work any more, and its parents are measured without it.
        """
        return self.state in COUNTING_STATES


class Progress(Struct, frozen=True, gc=False):
    """How far an objective is.

    `own_progress` is that of its key results alone; `progress` also counts the children that
    contribute to the objective. Both are None where there is nothing to count. `position` is
    where in the goals log the newest value stands that `progress` rests on; 0: nobody has said
    any.
    """

    objective_id: UUID
    own_progress: float | None = None
    progress: float | None = None
    position: int = 0


class Milestone(Struct, frozen=True, gc=False):
    """A step of a checklist; it counts with its weight once it is done."""

    id: UUID
    title: str
    weight: float
    done: bool = False


class PhasedTarget(Struct, frozen=True, gc=False):
    """What is expected at the end of a day."""

    on: date
    value: float


class Measurement(Struct, frozen=True, kw_only=True, gc=False):
    """The last that the followed KPI said: of which period, by which definition, from where.

    `in_band` is how the period was counted, None where nothing is maintained.
    """

    period_start: datetime
    period_end: datetime
    metrics_position: int
    definition: int | None = None
    in_band: bool | None = None


class KeyResult(Struct, frozen=True, kw_only=True, gc=False, rename={"key_result_id": "id"}):
    """A key result as it stands. Its JSON is what answers show of it.

    `source` says where `progress` comes from, `position` at which place in the goals log the
    newest value was recorded that it rests on: its own, else one of its children's. `check_in_id`
    is the check-in of its own value (None: by a KPI), `value_at` the moment that was true at.
    `checked_in_at` and `last_check_in_id` are of the last check-in, whose confidence and status
    these are; None: never.

    `in_band` says whether the value lies within `lower` and `upper`, `tally` how often one did;
    both are None unless something is maintained. `computed_score` is what `score` would be if
    nobody had set another one.
    """

    key_result_id: UUID
    objective_id: UUID
    title: str
    type: KeyResultType
    baseline: float | None = None
    target: float | None = None
    stretch: float | None = None
    lower: float | None = None
    upper: float | None = None
    milestones: tuple[Milestone, ...] = ()
    phased_targets: tuple[PhasedTarget, ...] = ()
    unit: str = ""
    weight: float = 1.0
    due_on: date | None = None
    kpi: str | None = None
    kpi_reading: KpiReading | None = None
    measurement: Measurement | None = None
    value: float | None = None
    value_at: datetime | None = None
    check_in_id: UUID | None = None
    in_band: bool | None = None
    tally: Tally | None = None
    attainment: float | None = None
    progress: float = 0.0
    source: Source = "computed"
    position: int | None = None
    confidence: float | None = None
    status: Status | None = None
    checked_in_at: datetime | None = None
    last_check_in_id: UUID | None = None
    score: float | None = None
    computed_score: float | None = None

    @property
    def part(self) -> Part:
        """What it counts for in its objective."""
        return Part(self.progress, self.weight, self.position)


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


class Removed(NamedTuple):
    """The change that ends a key result; its objective names it no longer."""

    key_result_id: UUID


Change = Cycle | Objective | KeyResult | Alignment | Unaligned | Removed
