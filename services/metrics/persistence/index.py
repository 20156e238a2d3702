"""The rows that follow from events, written in the transaction that appends them."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.context import LoggedEvent
from services.metrics.domain.events import KpiMeasured
from services.metrics.persistence.kpis import index_kpis
from services.metrics.persistence.rollups import index_measurements


def index_events(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write what follows from these events, given in the order of the log."""
    measured = [each for each in events if isinstance(each.event, KpiMeasured)]
    if len(measured) < len(events):
        index_kpis(cursor, [each for each in events if not isinstance(each.event, KpiMeasured)])
    if measured:
        index_measurements(cursor, measured)
