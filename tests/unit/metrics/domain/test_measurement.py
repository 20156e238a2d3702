"""A period of a KPI is an aggregate of its own."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.metrics.domain.events import KpiMeasured
from services.metrics.domain.measurement import MeasuredPeriod, evolve, period_id
from tests.unit.metrics.given import DEFINED, NOW, logged

MEASURED = KpiMeasured(
    key="sales.revenue.daily",
    definition=1,
    period_start=datetime(2026, 3, 4, tzinfo=UTC),
    period_end=datetime(2026, 3, 5, tzinfo=UTC),
    value=12.5,
    readings=3,
    latest_value=2.5,
    latest_at=NOW,
)


def test_a_period_is_as_it_was_last_measured() -> None:
    assert evolve(None, logged(MEASURED)) == MeasuredPeriod(MEASURED)


def test_nothing_but_measurements_happens_to_a_period() -> None:
    with pytest.raises(AssertionError):
        evolve(None, logged(DEFINED))


def test_a_period_has_one_id_however_its_start_is_written() -> None:
    start = MEASURED.period_start
    elsewhere = start.astimezone(timezone(timedelta(hours=2)))
    assert period_id("a", 1, start) == period_id("a", 1, elsewhere)


def test_each_period_of_each_definition_has_an_id_of_its_own() -> None:
    start = MEASURED.period_start
    ids = {
        period_id("a", 1, start),
        period_id("b", 1, start),
        period_id("a", 2, start),
        period_id("a", 1, start + timedelta(days=1)),
    }
    assert len(ids) == 4
