"""Events published by the metrics service, version 1.

Subject: `metrics.kpi.<key>.<event>`; a key's dots are subject separators, so that
`metrics.kpi.sales.>` is everything about sales.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from contracts.events import Moment, PublishedEvent, Title, Unit
from contracts.goals import KpiKey, Owner

Direction = Literal["higher", "lower", "band"]
KpiCadence = Literal["hour", "day", "week", "month", "quarter"]
Aggregation = Literal["last", "sum", "mean", "min", "max", "count"]
DefinitionNumber = Annotated[int, Field(ge=1)]
TimeZone = Annotated[str, Field(min_length=1, max_length=64)]
BreachStatus = Literal["amber", "red"]


class KpiDefined(PublishedEvent):
    """A KPI was defined: what is measured, and how readings become one value a period."""

    TYPE: ClassVar[str] = "cairn.metrics.kpi.defined.v1"

    key: KpiKey
    name: Title
    unit: Unit = ""
    direction: Direction
    owner: Owner
    cadence: KpiCadence
    aggregation: Aggregation
    time_zone: TimeZone = "UTC"
    definition: DefinitionNumber = 1


class KpiRedefined(PublishedEvent):
    """The KPI got a new definition (`context.reason` says why).

    What was published under the old one stays as it was.
    """

    TYPE: ClassVar[str] = "cairn.metrics.kpi.redefined.v1"

    key: KpiKey
    name: Title
    unit: Unit = ""
    direction: Direction
    owner: Owner
    cadence: KpiCadence
    aggregation: Aggregation
    time_zone: TimeZone = "UTC"
    definition: DefinitionNumber


class KpiRetired(PublishedEvent):
    """The KPI takes no more readings. Nothing is deleted."""

    TYPE: ClassVar[str] = "cairn.metrics.kpi.retired.v1"

    key: KpiKey


class KpiMeasured(PublishedEvent):
    """A period's value changed: at most one such event per period and second.

    `value` is the period's aggregate, `latest_value` the newest reading of the period;
    the period is `[period_start, period_end)`.
    """

    TYPE: ClassVar[str] = "cairn.metrics.kpi.measured.v1"

    key: KpiKey
    definition: DefinitionNumber
    period_start: Moment
    period_end: Moment
    value: float
    readings: Annotated[int, Field(ge=0)]
    latest_value: float
    latest_at: Moment


class KpiBreached(PublishedEvent):
    """The KPI has been on the wrong side of a threshold for as many periods as make a breach.

    `value` is that of the last of these periods, `[period_start, period_end)`; `since` is where
    the first of them began. `threshold` is the one of `status`; in a band, the side that was left.
    """

    TYPE: ClassVar[str] = "cairn.metrics.kpi.breached.v1"

    key: KpiKey
    definition: DefinitionNumber
    period_start: Moment
    period_end: Moment
    value: float
    status: BreachStatus
    threshold: float
    since: Moment


class KpiRecovered(PublishedEvent):
    """The KPI has been on the right side again for as many periods as make a recovery.

    `status` and `threshold` are those of the breach that ended; the other fields mean what those
    of the breach mean.
    """

    TYPE: ClassVar[str] = "cairn.metrics.kpi.recovered.v1"

    key: KpiKey
    definition: DefinitionNumber
    period_start: Moment
    period_end: Moment
    value: float
    status: BreachStatus
    threshold: float
    since: Moment


class KpiWentStale(PublishedEvent):
    """For longer than the KPI's limit no reading came: its value says nothing about now.

    The period and the `value` are the last ones that are known; `since` is when the limit passed.
    """

    TYPE: ClassVar[str] = "cairn.metrics.kpi.went_stale.v1"

    key: KpiKey
    definition: DefinitionNumber
    period_start: Moment
    period_end: Moment
    value: float
    since: Moment


PUBLISHED: Final[tuple[type[PublishedEvent], ...]] = (
    KpiDefined,
    KpiRedefined,
    KpiRetired,
    KpiMeasured,
)

# Agreed on, and heeded by those who follow: what the metrics service is to publish of KPIs that
# have thresholds.
ANNOUNCED: Final[tuple[type[PublishedEvent], ...]] = (KpiBreached, KpiRecovered, KpiWentStale)
