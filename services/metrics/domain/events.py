"""What can happen to KPIs: the facts in the log, by topics that never change.

An event's actor, reason and times stand beside it in its `LoggedEvent`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from contracts.goals import OwnerKind
from contracts.metrics import Aggregation, Direction, KpiCadence
from services.chassis.eventstore.context import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers for a KPI: an opaque id, no personal data."""

    kind: OwnerKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a definition says: what is measured, and how readings become one value a period.

    `unit` is that of values, `time_zone` the IANA name of the zone in which periods are cut.
    """

    name: str
    unit: str
    direction: Direction
    owner: Owner
    cadence: KpiCadence
    aggregation: Aggregation
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiDefined:
    """A KPI was defined: the first definition of this key."""

    TOPIC: ClassVar[str] = "metrics.kpi.defined"
    VERSION: ClassVar[int] = 1

    key: str
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRedefined:
    """The KPI got its definition number `definition`; what the ones before led to stays."""

    TOPIC: ClassVar[str] = "metrics.kpi.redefined"
    VERSION: ClassVar[int] = 1

    key: str
    definition: int
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRetired:
    """The KPI takes no more readings."""

    TOPIC: ClassVar[str] = "metrics.kpi.retired"
    VERSION: ClassVar[int] = 1

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiMeasured:
    """The period [`period_start`, `period_end`) got a value, or another one.

    `value` is the aggregate of its `readings` readings, `latest_value` the newest of them.
    """

    TOPIC: ClassVar[str] = "metrics.kpi.measured"
    VERSION: ClassVar[int] = 1

    key: str
    definition: int
    period_start: datetime
    period_end: datetime
    value: float
    readings: int
    latest_value: float
    latest_at: datetime


EVENTS: Final[tuple[type[Event], ...]] = (KpiDefined, KpiRedefined, KpiRetired, KpiMeasured)
