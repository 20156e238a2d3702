"""States as JSON documents, in the shapes of `schemas.py` (a test holds the two together)."""

from typing import Any

from services.chassis.eventstore.unit import Loaded
from services.metrics.domain.kpi import Kpi
from services.metrics.persistence.kpis import KpiRow
from services.metrics.persistence.readings import RecordedReading
from services.metrics.persistence.rejected import WHOLE_MESSAGE, KeptRejection
from services.metrics.persistence.rollups import Rollup
from services.metrics.recording import Recording

Document = dict[str, Any]


def kpi_document(loaded: Loaded[Kpi]) -> Document:
    """A KpiShape."""
    kpi, terms = loaded.state, loaded.state.terms
    return {
        "key": kpi.key,
        "name": terms.name,
        "unit": terms.unit,
        "direction": terms.direction,
        "owner": {"kind": terms.owner.kind, "id": terms.owner.id},
        "cadence": terms.cadence,
        "aggregation": terms.aggregation,
        "time_zone": terms.time_zone,
        "definition": kpi.definition,
        "defined_at": kpi.defined_at,
        "changed_at": kpi.changed_at,
        "retired_at": kpi.retired_at,
        "version": loaded.version,
    }


def kpi_item(row: KpiRow) -> Document:
    """A KpiShape."""
    return {
        "key": row.key,
        "name": row.name,
        "unit": row.unit,
        "direction": row.direction,
        "owner": {"kind": row.owner_kind, "id": row.owner_id},
        "cadence": row.cadence,
        "aggregation": row.aggregation,
        "time_zone": row.time_zone,
        "definition": row.definition,
        "defined_at": row.defined_at,
        "changed_at": row.changed_at,
        "retired_at": row.retired_at,
        "version": row.version,
    }


def recording_document(recording: Recording) -> Document:
    """A RecordingShape."""
    return {
        "accepted": recording.accepted,
        "duplicates": recording.duplicates,
        "corrections": recording.corrections,
        "rejected": recording.refusals(),
    }


def reading_document(reading: RecordedReading) -> Document:
    """A ReadingShape."""
    kind, _, actor_id = reading.actor.partition(":")
    return {
        "at": reading.at,
        "value": reading.value,
        "source": reading.source,
        "revision": reading.revision,
        "recorded_at": reading.recorded_at,
        "recorded_by": {"id": actor_id, "kind": kind},
        "id": reading.id,
        "note": reading.note,
        "reason": reading.reason,
    }


def period_document(rollup: Rollup) -> Document:
    """A PeriodShape."""
    return {
        "definition": rollup.definition,
        "period_start": rollup.period_start,
        "period_end": rollup.period_end,
        "value": rollup.value,
        "readings": rollup.readings,
        "latest_value": rollup.latest_value,
        "latest_at": rollup.latest_at,
        "position": rollup.position,
    }


def rejection_document(rejection: KeptRejection) -> Document:
    """A RejectedReadingShape."""
    return {
        "source": rejection.source,
        "message_sequence": rejection.message_sequence,
        "message_at": rejection.message_at,
        "index": None if rejection.place == WHOLE_MESSAGE else rejection.place,
        "code": rejection.code,
        "detail": rejection.detail,
        "quotation": rejection.quotation,
        "rejected_at": rejection.rejected_at,
    }
