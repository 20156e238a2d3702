"""The event log of this service: its schema, its events and its aggregates."""

from typing import Final

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.unit import AggregateKind
from services.chassis.migrations import migrate
from services.metrics.domain import kpi, measurement
from services.metrics.domain.events import EVENTS, KpiDefined, KpiMeasured
from services.metrics.domain.kpi import Kpi
from services.metrics.domain.measurement import MeasuredPeriod
from services.metrics.settings import MetricsSettings

KPI: Final = AggregateKind("KPI", KpiDefined, kpi.evolve, state=Kpi)
PERIOD: Final = AggregateKind("period", KpiMeasured, measurement.evolve, state=MeasuredPeriod)
KINDS: Final = (KPI, PERIOD)


def event_mapper() -> EventMapper:
    """Stored bytes to this service's events and back."""
    return EventMapper(EVENTS)


def migrate_schema(settings: MetricsSettings) -> None:
    """Bring the schema to what this version needs. Raises what `migrations.migrate` raises."""
    url = settings.database_url.get_secret_value()
    for track, package in (
        ("event_log", "services.chassis.eventstore.migrations"),
        ("service", "services.metrics.migrations"),
    ):
        migrate(url, schema=settings.db_schema, package=package, track=track)


def open_log(settings: MetricsSettings, mapper: EventMapper) -> LogApplication:
    """Open the log for writing; close it when done."""
    return LogApplication(
        mapper,
        database_url=settings.database_url.get_secret_value(),
        schema=settings.db_schema,
        kinds=KINDS,
    )
