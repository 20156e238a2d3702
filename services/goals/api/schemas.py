"""The shapes of requests and responses. Requests are strict: a misspelt field is refused."""

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts import goals
from contracts.events import OpaqueId, Text, Title, Unit
from contracts.goals import (
    AlignmentKind,
    Ambition,
    Cadence,
    CheckInRhythm,
    KeyResultType,
    KpiKey,
    KpiReading,
    OwnerKind,
    Share,
    Status,
    Verdict,
    Weight,
)
from contracts.progress import Source
from services.chassis.bodies import STORABLE, Body
from services.goals.domain.errors import CycleState, ObjectiveState
from services.goals.domain.events import Owner
from services.goals.domain.key_result import Definition, Link
from services.goals.domain.objective import MAX_KEY_RESULTS, Alignment

EARLIEST_DAY: Final = date(1970, 1, 1)
LATEST_DAY: Final = date(2999, 12, 31)
EARLIEST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MOMENT: Final = datetime(2999, 12, 31, tzinfo=UTC)

Number = Annotated[float, Field(strict=True)]
Day = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
# Told in whatever zone, kept and answered in UTC; between these bounds every moment has that form.
Moment = Annotated[
    AwareDatetime,
    Field(ge=EARLIEST_MOMENT, le=LATEST_MOMENT),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
]
StorableTitle = Annotated[Title, STORABLE]
StorableText = Annotated[Text, STORABLE]


class OwnerBody(BaseModel):
    """Who answers for an objective: an opaque id, no personal data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: OwnerKind
    id: Annotated[OpaqueId, STORABLE]

    def value(self) -> Owner:
        """The domain's value."""
        return Owner(kind=self.kind, id=self.id)


class CycleBody(Body):
    """A cycle to plan. `ends_on` is its last day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "2026 Q1",
                    "starts_on": "2026-01-01",
                    "ends_on": "2026-03-31",
                    "cadence": "quarter",
                    "check_in_rhythm": "weekly",
                }
            ]
        }
    )

    name: StorableTitle
    starts_on: Day
    ends_on: Day
    cadence: Cadence
    check_in_rhythm: CheckInRhythm = "weekly"


class KeyResultFields(BaseModel):
    """What a key result is to reach: from `baseline` to `target`, in `unit`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    title: StorableTitle
    type: KeyResultType
    baseline: Number
    target: Number
    stretch: Number | None = None
    unit: Annotated[Unit, STORABLE] = ""
    weight: Annotated[Weight, Field(strict=True, description="0 is shown, but not counted.")] = 1.0
    due_on: Annotated[Day | None, Field(description="It may lie after the cycle.")] = None

    def definition(self) -> Definition:
        """The domain's value."""
        return Definition(
            title=self.title,
            type=self.type,
            baseline=self.baseline,
            target=self.target,
            stretch=self.stretch,
            unit=self.unit,
            weight=self.weight,
            due_on=self.due_on,
        )


class KeyResultBody(KeyResultFields, Body):
    """A key result to add."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Leads up by 40%",
                    "type": "increase",
                    "baseline": 5000,
                    "target": 7000,
                    "unit": "leads",
                    "weight": 1,
                    "reason": "What converts must first be there.",
                }
            ]
        }
    )


class ObjectiveBody(Body):
    """An objective to draft, with as many key results as are known by now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cycle_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01",
                    "title": "Increase sales revenue by 20%",
                    "description": "More of those who look should buy, and buy more.",
                    "owner": {"kind": "team", "id": "team-sales"},
                    "ambition": "aspirational",
                    "key_results": [
                        {
                            "title": "Conversion from 5% to 8%",
                            "type": "increase",
                            "baseline": 5,
                            "target": 8,
                            "stretch": 9,
                            "unit": "%",
                            "weight": 2,
                        },
                        {
                            "title": "Average purchase up by 10%",
                            "type": "increase",
                            "baseline": 60,
                            "target": 66,
                            "unit": "EUR",
                        },
                    ],
                }
            ]
        }
    )

    cycle_id: UUID
    title: StorableTitle
    description: StorableText = ""
    owner: OwnerBody
    ambition: Ambition = "committed"
    key_results: Annotated[tuple[KeyResultFields, ...], Field(max_length=MAX_KEY_RESULTS)] = ()


class AlignBody(Body):
    """What to align to: an objective, or one key result of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "kind": "contributes",
                    "weight": 2,
                    "reason": "Who uses us more stays, and brings others.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None
    kind: Annotated[
        AlignmentKind, Field(description="`contributes` rolls up, `supports` is only shown.")
    ] = "contributes"
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def alignment(self) -> Alignment:
        """The domain's value."""
        return Alignment(
            parent_objective_id=self.objective_id,
            parent_key_result_id=self.key_result_id,
            kind=self.kind,
            weight=self.weight,
        )


class UnalignBody(Body):
    """Which alignment to end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "reason": "It serves revenue now, no longer our market share.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None


class CheckInBody(Body):
    """How a key result stands, or stood at `effective_at`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 5600,
                    "confidence": 0.6,
                    "status": "at_risk",
                    "comment": "Slower than we thought. One of us has moved here from other work.",
                    "effective_at": "2026-02-02T09:00:00Z",
                }
            ]
        }
    )

    value: Number
    confidence: Annotated[Share | None, Field(strict=True)] = None
    status: Status | None = None
    comment: StorableText = ""
    effective_at: Annotated[
        Moment | None, Field(description="When it was true; now, if not given.")
    ] = None


class LinkBody(Body):
    """Which KPI to follow, and what to take of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kpi": "sales.conversion",
                    "reading": "period",
                    "reason": "The shop counts it; nobody has to.",
                }
            ]
        }
    )

    kpi: KpiKey
    reading: KpiReading = "period"

    def link(self) -> Link:
        """The domain's value."""
        return Link(kpi=self.kpi, reading=self.reading)


class Shape(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(frozen=True)


class CycleShape(Shape):
    """A cycle as it stands."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    planned_at: AwareDatetime
    changed_at: AwareDatetime
    version: int


class CycleItemShape(Shape):
    """A cycle in a list."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    updated_at: AwareDatetime
    version: int


class CyclePage(Shape):
    """Cycles in the order in which they were planned."""

    items: list[CycleItemShape]
    next: str | None


class AdviceShape(Shape):
    """Something worth thinking over; never a refusal."""

    code: str
    detail: str


class ActorShape(Shape):
    """Who acted."""

    id: str
    kind: Literal["human", "service", "automation"]


class CheckInShape(Shape):
    """The check-in about the latest time."""

    id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    effective_at: AwareDatetime
    by: ActorShape


class LinkShape(Shape):
    """The KPI a key result follows."""

    kpi: str
    reading: KpiReading


class MeasurementShape(Shape):
    """The last thing the followed KPI said."""

    period_start: AwareDatetime
    period_end: AwareDatetime
    metrics_position: int


class KeyResultShape(Shape):
    """A key result as it stands, and where each number comes from."""

    id: UUID
    title: str
    type: KeyResultType
    baseline: float
    target: float
    stretch: float | None
    unit: str
    weight: float
    due_on: date | None
    value: Annotated[float | None, Field(description="Null until somebody or a KPI says it.")]
    as_of: Annotated[AwareDatetime | None, Field(description="Since when the value is true.")]
    position: Annotated[int | None, Field(description="Where in the log the value was recorded.")]
    attainment: Annotated[
        float | None, Field(description="(value - baseline) / (target - baseline), unclamped.")
    ]
    progress: Annotated[
        float | None,
        Field(description="Attainment within 0 and 1, or that of the children; see `source`."),
    ]
    source: Source
    expected: Annotated[float, Field(description="The share of the cycle that has passed.")]
    pace: Annotated[float | None, Field(description="progress - expected")]
    score: Annotated[float | None, Field(description="0 to 1, once the objective is closed.")]
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


class ObjectiveShape(Shape):
    """An objective as it stands."""

    id: UUID
    cycle_id: UUID
    title: str
    description: str
    owner: goals.Owner
    ambition: Ambition
    state: ObjectiveState
    drafted_at: AwareDatetime
    changed_at: AwareDatetime
    version: int
    progress: Annotated[
        float | None,
        Field(description="Weighted mean over key results and contributing children."),
    ]
    expected: Annotated[float, Field(description="The share of the cycle that has passed.")]
    pace: Annotated[float | None, Field(description="progress - expected")]
    outcome: OutcomeShape | None
    alignments: list[AlignmentShape]
    key_results: list[KeyResultShape]
    warnings: list[AdviceShape]


class CheckedInShape(Shape):
    """A key result after a check-in; `version` is the objective's."""

    objective_id: UUID
    version: int
    check_in_id: UUID
    key_result: KeyResultShape
    warnings: list[AdviceShape]


class ObjectiveItemShape(Shape):
    """An objective in a list."""

    id: UUID
    cycle_id: UUID
    owner: goals.Owner
    title: str
    state: ObjectiveState
    updated_at: AwareDatetime
    version: int


class ObjectivePage(Shape):
    """Objectives in the order in which they were drafted."""

    items: list[ObjectiveItemShape]
    next: str | None


class ChangeShape(Shape):
    """One value that an event changed; `path` is a JSON Pointer into the state."""

    path: str
    before: str | float | bool | None
    after: str | float | bool | None


class HistoryEntryShape(Shape):
    """One event: who, what, when, why, and what it changed."""

    version: int
    position: int
    topic: str
    sentence: str
    actor: ActorShape
    reason: str | None
    effective_at: AwareDatetime
    recorded_at: AwareDatetime
    command_id: UUID
    correlation_id: str
    causation_id: str | None
    changes: list[ChangeShape]


class HistoryPage(Shape):
    """An objective's history, oldest first."""

    items: list[HistoryEntryShape]
    next: str | None


class LoggedEventShape(Shape):
    """One event of the log as a CloudEvent in structured form."""

    specversion: Literal["1.0"]
    id: UUID
    type: str
    source: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    position: int
    aggregateversion: int
    data: Annotated[dict[str, object], Field(description="As the type's JSON Schema says.")]


class LogPage(Shape):
    """A piece of the log in order; ask again `after` what `next` says."""

    items: list[LoggedEventShape]
    next: Annotated[int, Field(description="The last position here, or `after` again.")]
