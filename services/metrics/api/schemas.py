"""The shapes of requests and responses. Requests are strict: a misspelt field is refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import OpaqueId, Title, Unit
from contracts.goals import KpiKey, OwnerKind
from contracts.metrics import Aggregation, Direction, KpiCadence, TimeZone
from services.chassis.bodies import LINE, MOMENT_FORM, STORABLE, Body, Reason
from services.metrics.domain.events import Owner, Terms
from services.metrics.domain.readings import RefusalCode

EARLIEST_MOMENT: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST_MOMENT: Final = datetime(2999, 12, 31, tzinfo=UTC)

Moment = Annotated[AwareDatetime, Field(ge=EARLIEST_MOMENT, le=LATEST_MOMENT), MOMENT_FORM]
StorableTitle = Annotated[Title, LINE]
StorableUnit = Annotated[Unit, STORABLE]


class OwnerBody(BaseModel):
    """Who answers for a KPI: an opaque id, no personal data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: OwnerKind
    id: Annotated[OpaqueId, LINE]

    def value(self) -> Owner:
        """The domain's value."""
        return Owner(kind=self.kind, id=self.id)


class KpiBody(Body):
    """A KPI to define."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "sales.conversion",
                    "name": "Conversion",
                    "unit": "%",
                    "direction": "higher",
                    "owner": {"kind": "team", "id": "team-sales"},
                    "cadence": "day",
                    "aggregation": "mean",
                    "time_zone": "Europe/Berlin",
                }
            ]
        }
    )

    key: Annotated[KpiKey, Field(examples=["sales.revenue.daily"])]
    name: StorableTitle
    unit: StorableUnit = ""
    direction: Direction
    owner: OwnerBody
    cadence: KpiCadence
    aggregation: Annotated[
        Aggregation, Field(description="How the readings of a period become one value.")
    ]
    time_zone: Annotated[
        TimeZone,
        STORABLE,
        Field(description="Where periods are cut: a name of the IANA database."),
    ] = "UTC"

    def terms(self) -> Terms:
        """The domain's value."""
        return Terms(
            name=self.name,
            unit=self.unit,
            direction=self.direction,
            owner=self.owner.value(),
            cadence=self.cadence,
            aggregation=self.aggregation,
            time_zone=self.time_zone,
        )


class RedefinitionBody(Body):
    """What a KPI means from now on, and why; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "A day says too little: few orders come in at the weekend.",
                    "cadence": "week",
                }
            ]
        }
    )

    reason: Annotated[Reason, Field(description="Why; kept in the history.")]
    name: StorableTitle | None = None
    unit: StorableUnit | None = None
    direction: Direction | None = None
    owner: OwnerBody | None = None
    cadence: KpiCadence | None = None
    aggregation: Aggregation | None = None
    time_zone: Annotated[TimeZone, STORABLE] | None = None

    def changes(self) -> dict[str, Any]:
        """The terms that are given, as the domain's values."""
        given = {
            "name": self.name,
            "unit": self.unit,
            "direction": self.direction,
            "owner": self.owner.value() if self.owner else None,
            "cadence": self.cadence,
            "aggregation": self.aggregation,
            "time_zone": self.time_zone,
        }
        return {name: value for name, value in given.items() if value is not None}


class Shape(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(frozen=True)


class OwnerShape(Shape):
    """Who answers for a KPI."""

    kind: OwnerKind
    id: str


class KpiShape(Shape):
    """A KPI with its current definition."""

    key: str
    name: str
    unit: str
    direction: Direction
    owner: OwnerShape
    cadence: KpiCadence
    aggregation: Aggregation
    time_zone: str
    definition: Annotated[int, Field(description="How often it was defined, this time included.")]
    defined_at: AwareDatetime
    changed_at: AwareDatetime
    retired_at: AwareDatetime | None
    version: int


class KpiPage(Shape):
    """KPIs in the order of their keys."""

    items: list[KpiShape]
    next: str | None


class RejectionShape(Shape):
    """A row of a batch that was not recorded, and why."""

    index: Annotated[int, Field(description="Which row of the batch, from 0.")]
    code: RefusalCode
    detail: str


class RecordingShape(Shape):
    """What became of a batch; each of its rows is counted once."""

    accepted: Annotated[int, Field(description="New readings.")]
    duplicates: Annotated[int, Field(description="Readings that were recorded before.")]
    corrections: Annotated[int, Field(description="New revisions of readings.")]
    rejected: list[RejectionShape]


class ActorShape(Shape):
    """Who recorded a reading."""

    id: str
    kind: Literal["human", "service", "automation"]


class ReadingShape(Shape):
    """A reading as it is kept; of one `at` and `source` the highest revision counts."""

    at: AwareDatetime
    value: float
    source: str
    revision: int
    recorded_at: AwareDatetime
    recorded_by: ActorShape
    id: str | None
    note: str | None
    reason: str | None


class ReadingPage(Shape):
    """Readings in the order of their moments."""

    items: list[ReadingShape]
    next: str | None


class PeriodShape(Shape):
    """What the readings of a period came to; `position` is where the log says so."""

    definition: int
    period_start: AwareDatetime
    period_end: Annotated[AwareDatetime, Field(description="The first moment after the period.")]
    value: float
    readings: int
    latest_value: float
    latest_at: AwareDatetime
    position: int


class PeriodPage(Shape):
    """Periods in order."""

    items: list[PeriodShape]
    next: str | None


class RejectedReadingShape(Shape):
    """What a producer sent over the bus and could not be taken."""

    source: str
    message_sequence: Annotated[int, Field(description="Which message of the intake stream.")]
    message_at: AwareDatetime
    index: Annotated[int | None, Field(description="Which row of it; null stands for all of it.")]
    code: RefusalCode
    detail: str
    quotation: Annotated[str, Field(description="What it was, cut off where it is long.")]
    rejected_at: AwareDatetime


class RejectedReadingPage(Shape):
    """Rejected readings, newest first."""

    items: list[RejectedReadingShape]
    next: str | None
