"""The use cases of the metrics service: each loads, asks the domain, records what it decided.

Those that take a `unit` run in the writer's thread inside the append transaction, so that what
they read is exact and what they record is recorded together. Those that take a version raise
StaleVersionError when the change was made for another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.unit import Loaded, Unit
from services.metrics.domain import kpi
from services.metrics.domain.errors import KpiExistsError, KpiUnknownError
from services.metrics.domain.events import Terms
from services.metrics.domain.kpi import Kpi, kpi_id
from services.metrics.domain.measurement import period_id
from services.metrics.domain.periods import from_instant, periods_of, to_instant
from services.metrics.persistence.log import KPI, PERIOD
from services.metrics.persistence.rollups import (
    MarkedPeriod,
    changed_measurements,
    mark_one,
    newest_marked,
    unmark,
)
from services.metrics.recorder import GroupRecorder
from services.metrics.recording import Recording, Submission

ROLLUPS: Final = Actor("cairn-metrics-rollups", "automation")


class NothingRecordedError(Exception):
    """Every reading of a batch was refused."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(f"None of the {len(recording.rejections)} reading(s) could be recorded.")
        self.extensions = {"rejected": recording.refusals()}


def define_kpi(unit: Unit, key: str, terms: Terms) -> Loaded[Kpi]:
    """KpiDefined. Raises KpiExistsError, and what `kpi.define` raises."""
    event = kpi.define(key, terms)
    if unit.find(KPI, kpi_id(key)) is not None:
        raise KpiExistsError(key)
    return unit.record(KPI, kpi_id(key), event)


def redefine_kpi(
    unit: Unit, key: str, changes: Mapping[str, Any], *, version: int, reason: str
) -> Loaded[Kpi]:
    """KpiRedefined: what `changes` does not name stays as it is.

    The period of today is measured anew, by the new definition; those before it stay as they
    were published. Raises KpiUnknownError, and what `kpi.redefine` raises.
    """
    loaded = _kpi(unit, key).expect(version)
    terms = replace(loaded.state.terms, **changes)
    redefined = unit.record(KPI, loaded.id, kpi.redefine(loaded.state, terms, reason=reason))
    start, end = periods_of(terms.cadence, terms.time_zone).containing(to_instant(unit.now))
    cursor = unit.index(writing=True)
    mark_one(cursor, key, redefined.state.definition, from_instant(start), from_instant(end))
    return redefined


def retire_kpi(unit: Unit, key: str, *, version: int) -> Loaded[Kpi]:
    """KpiRetired, after KpiMeasured where its newest period is not measured to the end.

    Who follows it hears the last value as long as it is one. Raises KpiUnknownError,
    KpiRetiredError.
    """
    loaded = _kpi(unit, key).expect(version)
    retired = kpi.retire(loaded.state)
    unmeasured = newest_marked(unit.index(), key)
    if unmeasured:
        measure_periods(unit, unmeasured)
    return unit.record(KPI, loaded.id, retired)


async def record_readings(recorder: GroupRecorder, submission: Submission) -> Recording:
    """Record what can be recorded of a batch.

    Raises NothingRecordedError where that is nothing, and what `GroupRecorder.record` raises.
    """
    recording = await recorder.record(submission)
    if recording.rejections and len(recording.rejections) == len(submission.batch):
        raise NothingRecordedError(recording)
    return recording


def measure_periods(unit: Unit, periods: Sequence[MarkedPeriod]) -> int:
    """KpiMeasured for each of these periods that came to something else; their number.

    The marks are deleted first: what is committed after that has marks of its own, and what was
    committed before is seen by the statement that computes.
    """
    cursor = unit.index(writing=True)
    unmark(cursor, periods)
    changed = list(changed_measurements(cursor, periods))
    context = replace(unit.context, actor=ROLLUPS, reason=None)
    for event in changed:
        period = period_id(event.key, event.definition, event.period_start)
        unit.record(PERIOD, period, event, context=context)
    return len(changed)


def _kpi(unit: Unit, key: str) -> Loaded[Kpi]:
    loaded = unit.find(KPI, kpi_id(key))
    if loaded is None:
        raise KpiUnknownError(key)
    return loaded
