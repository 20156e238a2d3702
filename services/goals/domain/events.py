"""What can happen to cycles and objectives: the facts in the log, by topics that never change.

An event's aggregate, actor, reason and times stand beside it in its `LoggedEvent`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final
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
class ObjectiveDrafted:
    """An objective was written down."""

    TOPIC: ClassVar[str] = "goals.objective.drafted"
    VERSION: ClassVar[int] = 1

    cycle_id: UUID
    title: str
    description: str
    owner: Owner
    ambition: Ambition


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultAdded:
    """The objective got a key result. `baseline`, `target` and `stretch` are in `unit`."""

    TOPIC: ClassVar[str] = "goals.key_result.added"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    title: str
    type: KeyResultType
    baseline: float
    target: float
    stretch: float | None
    unit: str
    weight: float
    due_on: date | None


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
class ObjectiveActivated:
    """Work on the objective began."""

    TOPIC: ClassVar[str] = "goals.objective.activated"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultCheckedIn:
    """Somebody said how a key result stood at the context's `effective_at`."""

    TOPIC: ClassVar[str] = "goals.key_result.checked_in"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    check_in_id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str


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
    the metrics log that it came from.
    """

    TOPIC: ClassVar[str] = "goals.key_result.measured"
    VERSION: ClassVar[int] = 1

    key_result_id: UUID
    kpi: str
    value: float
    period_start: datetime
    period_end: datetime
    metrics_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultScore:
    """What one key result scored: its progress at closing, 0 to 1."""

    key_result_id: UUID
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveClosed:
    """The objective was scored and closed. `score` is the weighted mean of its key results."""

    TOPIC: ClassVar[str] = "goals.objective.closed"
    VERSION: ClassVar[int] = 1

    score: float
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]


EVENTS: Final[tuple[type[Event], ...]] = (
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
