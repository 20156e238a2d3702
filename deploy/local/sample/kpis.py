"""What the sample company measures: an outdoor outfitter with a shop, a workshop and lodges."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.metrics import Aggregation, Direction, KpiCadence

QUARTER_DAY: Final = timedelta(hours=6)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Course:
    """The level of a KPI in its unit: a year before a quarter, at its beginning, at its end."""

    year_before: float
    beginning: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiPlan:
    """A KPI, and the readings it gets.

    One reading falls due `every` so often. It lies around the `course`, moves with the day of the
    week by `swing` and by chance by `noise` (both shares of the level), is rounded to `decimals`
    and never leaves 0 to `ceiling`.
    """

    key: str
    name: str
    unit: str
    direction: Direction
    team: str
    cadence: KpiCadence
    aggregation: Aggregation
    every: timedelta
    course: Course
    swing: float = 0.0
    noise: float = 0.0
    decimals: int = 2
    ceiling: float | None = None

    def definition(self) -> dict[str, object]:
        """The KPI as the metrics service is told of it."""
        return {
            "key": self.key,
            "name": self.name,
            "unit": self.unit,
            "direction": self.direction,
            "owner": {"kind": "team", "id": self.team},
            "cadence": self.cadence,
            "aggregation": self.aggregation,
        }


KPIS: Final = (
    KpiPlan(
        key="orders.defect_rate",
        name="Order defect rate",
        unit="%",
        direction="lower",
        team="team-warehouse",
        cadence="day",
        aggregation="mean",
        every=DAY,
        course=Course(2.4, 1.6, 1.2),
        swing=0.05,
        noise=0.25,
        ceiling=100,
    ),
    KpiPlan(
        key="orders.return_rate",
        name="Return rate",
        unit="%",
        direction="lower",
        team="team-warehouse",
        cadence="week",
        aggregation="mean",
        every=DAY,
        course=Course(9.4, 7.4, 7.0),
        swing=0.06,
        noise=0.12,
        ceiling=100,
    ),
    KpiPlan(
        key="customers.lifetime_value",
        name="Customer lifetime value",
        unit="EUR",
        direction="higher",
        team="team-growth",
        cadence="month",
        aggregation="last",
        every=WEEK,
        course=Course(285, 322, 338),
        noise=0.015,
        decimals=0,
    ),
    KpiPlan(
        key="customers.churn",
        name="Churn",
        unit="%",
        direction="lower",
        team="team-growth",
        cadence="week",
        aggregation="last",
        every=DAY,
        course=Course(4.7, 4.0, 3.45),
        noise=0.02,
        ceiling=100,
    ),
    KpiPlan(
        key="customers.retention",
        name="Retention",
        unit="%",
        direction="higher",
        team="team-growth",
        cadence="month",
        aggregation="last",
        every=WEEK,
        course=Course(78, 83, 85.5),
        noise=0.01,
        decimals=1,
        ceiling=100,
    ),
    KpiPlan(
        key="sales.conversion",
        name="Conversion",
        unit="%",
        direction="higher",
        team="team-sales",
        cadence="day",
        aggregation="mean",
        every=QUARTER_DAY,
        course=Course(4.1, 5.0, 7.2),
        swing=0.08,
        noise=0.1,
        ceiling=100,
    ),
    KpiPlan(
        key="sales.average_order_value",
        name="Average order value",
        unit="EUR",
        direction="higher",
        team="team-sales",
        cadence="day",
        aggregation="mean",
        every=DAY,
        course=Course(56, 60, 66.5),
        swing=0.04,
        noise=0.06,
    ),
    KpiPlan(
        key="marketing.acquisition_cost",
        name="Acquisition cost",
        unit="EUR",
        direction="lower",
        team="team-marketing",
        cadence="week",
        aggregation="mean",
        every=DAY,
        course=Course(41, 36, 33),
        swing=0.05,
        noise=0.08,
    ),
    KpiPlan(
        key="warehouse.inventory_turnover",
        name="Inventory turnover",
        unit="turns a year",
        direction="higher",
        team="team-warehouse",
        cadence="month",
        aggregation="last",
        every=WEEK,
        course=Course(5.2, 6.1, 6.5),
        noise=0.03,
    ),
    KpiPlan(
        key="delivery.on_time",
        name="On-time delivery",
        unit="%",
        direction="higher",
        team="team-warehouse",
        cadence="day",
        aggregation="mean",
        every=DAY,
        course=Course(90, 95.3, 96.5),
        swing=0.008,
        noise=0.02,
        decimals=1,
        ceiling=100,
    ),
    KpiPlan(
        key="workshop.scrap_rate",
        name="Scrap rate",
        unit="%",
        direction="lower",
        team="team-workshop",
        cadence="day",
        aggregation="mean",
        every=DAY,
        course=Course(3.8, 2.9, 2.5),
        swing=0.05,
        noise=0.2,
        ceiling=100,
    ),
    KpiPlan(
        key="lodges.length_of_stay",
        name="Length of stay",
        unit="nights",
        direction="higher",
        team="team-lodges",
        cadence="week",
        aggregation="mean",
        every=DAY,
        course=Course(2.3, 2.6, 2.8),
        swing=0.12,
        noise=0.12,
    ),
    KpiPlan(
        key="web.session_duration",
        name="Session duration",
        unit="s",
        direction="higher",
        team="team-growth",
        cadence="day",
        aggregation="mean",
        every=QUARTER_DAY,
        course=Course(212, 240, 281),
        swing=0.06,
        noise=0.08,
        decimals=0,
    ),
    KpiPlan(
        key="quality.production_bugs",
        name="Bugs found and fixed in production, last seven days",
        unit="bugs",
        direction="lower",
        team="team-quality",
        cadence="week",
        aggregation="last",
        every=DAY,
        course=Course(34, 24, 13),
        noise=0.12,
        decimals=0,
    ),
    KpiPlan(
        key="support.resolution_time",
        name="Resolution time",
        unit="h",
        direction="lower",
        team="team-support",
        cadence="day",
        aggregation="mean",
        every=DAY,
        course=Course(44, 34, 29),
        swing=0.1,
        noise=0.15,
        decimals=1,
    ),
    KpiPlan(
        key="finance.net_profit_margin",
        name="Net profit margin",
        unit="%",
        direction="higher",
        team="team-finance",
        cadence="month",
        aggregation="last",
        every=WEEK,
        course=Course(6.1, 7.4, 8.1),
        noise=0.04,
        decimals=1,
        ceiling=100,
    ),
    KpiPlan(
        key="facilities.energy_use",
        name="Energy use",
        unit="kWh",
        direction="lower",
        team="team-facilities",
        cadence="day",
        aggregation="sum",
        every=QUARTER_DAY,
        course=Course(330, 305, 290),
        swing=0.15,
        noise=0.08,
        decimals=0,
    ),
)
