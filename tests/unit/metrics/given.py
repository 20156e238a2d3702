"""What the tests of the metrics domain start from."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.metrics.domain.events import KpiDefined, Owner, Terms
from services.metrics.domain.kpi import Kpi, evolve

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
CONTEXT = Context(
    actor=Actor("maria", "human"), effective_at=NOW, command_id=UUID(int=7), correlation_id="c"
)
TERMS = Terms(
    name="Daily revenue",
    unit="EUR",
    direction="higher",
    owner=Owner(kind="team", id="sales"),
    cadence="day",
    aggregation="sum",
    time_zone="Europe/Berlin",
)
DEFINED = KpiDefined(key="sales.revenue.daily", terms=TERMS)


def logged(event: Event, version: int = 1) -> LoggedEvent:
    """The event as the log would give it: one minute after the one before."""
    return LoggedEvent(
        originator_id=UUID(int=1),
        originator_version=version,
        event=event,
        context=CONTEXT,
        recorded_at=NOW + timedelta(minutes=version),
    )


def a_kpi(*events: Event) -> Kpi:
    """The KPI to which these events happened, after it was defined."""
    return after([DEFINED, *events])


def after(events: Sequence[Event]) -> Kpi:
    """The KPI to which exactly these events happened."""
    kpi: Kpi | None = None
    for version, event in enumerate(events, start=1):
        kpi = evolve(kpi, logged(event, version))
    assert kpi is not None
    return kpi
