"""A year of readings for every KPI: a trend, a week's season and some noise."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from deploy.local.sample.kpis import Course, KpiPlan
from deploy.local.sample.noise import noise
from deploy.local.sample.periods import Quarter

YEAR: Final = timedelta(days=365)
WEEK: Final = timedelta(weeks=1)

# Readings fall due at multiples of their interval after this Monday, which depends on no clock,
# so that a load that is taken up again later falls due at the same moments.
_FIRST_MONDAY: Final = datetime(2020, 1, 6, 5, tzinfo=UTC)


class Reading(NamedTuple):
    """A KPI's value, in its unit, at a moment."""

    kpi: str
    at: datetime
    value: float

    def document(self) -> dict[str, object]:
        """The reading as producers send it; they add who they are where nothing else says it."""
        return {"kpi": self.kpi, "at": self.at.isoformat(), "value": self.value}


def history(kpi: KpiPlan, quarter: Quarter, until: datetime) -> Iterator[Reading]:
    """The readings of the year before `until`, in order of time."""
    due = _FIRST_MONDAY + kpi.every * math.ceil((until - YEAR - _FIRST_MONDAY) / kpi.every)
    while due <= until:
        yield Reading(kpi.key, due, value_at(kpi, quarter, due))
        due += kpi.every


def value_at(kpi: KpiPlan, quarter: Quarter, at: datetime) -> float:
    """What is read of the KPI at a moment, if its course belongs to that quarter."""
    share_of_week = (at - _FIRST_MONDAY) / WEEK
    season = 1 + kpi.swing * math.sin(math.tau * share_of_week)
    chance = 1 + kpi.noise * noise(kpi.key, at.isoformat())
    value = _level(kpi.course, quarter, at) * season * chance
    return round(min(value, math.inf if kpi.ceiling is None else kpi.ceiling), kpi.decimals)


def _level(course: Course, quarter: Quarter, at: datetime) -> float:
    """The trend: straight through the year before the quarter, then straight through it."""
    if at >= quarter.begins_at:
        return _between(course.beginning, course.end, quarter.elapsed(at))
    return _between(course.beginning, course.year_before, min((quarter.begins_at - at) / YEAR, 1.0))


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
