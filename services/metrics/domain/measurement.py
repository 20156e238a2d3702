"""Measurements: the value that a KPI had in a period, each time it became another one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from services.chassis.eventstore.context import LoggedEvent
from services.metrics.domain.events import KpiMeasured

# Every period is an aggregate of its own, so that the story of a KPI's definition stays short.
_PERIOD_IDS: Final = UUID("8d0b6a55-7a0d-5c39-8f54-5f6e1f0f8c02")


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """A period as it was last measured."""

    measured: KpiMeasured


def period_id(key: str, definition: int, period_start: datetime) -> UUID:
    """The id of the period of a KPI, as one of its definitions cuts it, that starts then."""
    start = period_start.astimezone(UTC).isoformat()
    return uuid5(_PERIOD_IDS, f"{key}\n{definition}\n{start}")


def evolve(_period: MeasuredPeriod | None, logged: LoggedEvent) -> MeasuredPeriod:
    """The period after one more event."""
    assert isinstance(logged.event, KpiMeasured)
    return MeasuredPeriod(logged.event)
