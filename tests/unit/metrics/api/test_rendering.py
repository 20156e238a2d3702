"""Documents have the shapes that the OpenAPI document promises."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel, ConfigDict

from services.chassis.eventstore.unit import Loaded
from services.chassis.responses import to_json
from services.metrics.api import rendering, schemas
from services.metrics.domain.readings import Rejection
from services.metrics.persistence.kpis import KpiRow
from services.metrics.persistence.log import KPI
from services.metrics.persistence.readings import RecordedReading
from services.metrics.persistence.rejected import WHOLE_MESSAGE, KeptRejection
from services.metrics.persistence.rollups import Rollup
from services.metrics.recording import Recording
from tests.unit.metrics.given import DEFINED, a_kpi

MOMENT = datetime(2026, 3, 4, 12, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "key": DEFINED.key,
    "version": 1,
    "definition": 1,
    "position": 1,
    "name": "Daily revenue",
    "unit": "EUR",
    "direction": "higher",
    "owner_kind": "team",
    "owner_id": "sales",
    "cadence": "day",
    "aggregation": "sum",
    "time_zone": "Europe/Berlin",
    "retired_at": None,
    "value": 1.5,
    "latest_value": 1.5,
    "readings": 1,
    "source": "pos-1",
    "source_no": 1,
    "revision": 1,
    "actor": "service:urn:till:7",
    "id": None,
    "note": None,
    "reason": None,
    "rejected_no": 1,
    "message_sequence": 1,
    "place": 3,
    "code": "malformed",
    "detail": "No.",
    "quotation": "5",
}


def a(row: type[Any], **changes: Any) -> Any:
    """A row of that kind; what is not in VALUES is a moment."""
    values = {field.name: VALUES.get(field.name, MOMENT) for field in fields(row)}
    return row(**(values | changes))


RECORDING = Recording(1, 2, 3, [Rejection(7, "conflict", "No."), Rejection(2, "malformed", "No.")])
DOCUMENTS: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "a KPI": (
        schemas.KpiShape,
        rendering.kpi_document(Loaded(UUID(int=1), 1, a_kpi(), KPI)),
    ),
    "a KPI in a list": (schemas.KpiShape, rendering.kpi_item(a(KpiRow))),
    "a recording": (schemas.RecordingShape, rendering.recording_document(RECORDING)),
    "a reading": (schemas.ReadingShape, rendering.reading_document(a(RecordedReading))),
    "a period": (schemas.PeriodShape, rendering.period_document(a(Rollup))),
    "a rejection": (
        schemas.RejectedReadingShape,
        rendering.rejection_document(a(KeptRejection)),
    ),
}


@pytest.mark.parametrize(("shape", "document"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_has_exactly_the_fields_of_its_shape(
    shape: type[BaseModel], document: dict[str, Any]
) -> None:
    class Strict(shape):  # type: ignore[valid-type,misc]
        model_config = ConfigDict(extra="forbid")

    parsed = Strict.model_validate_json(to_json(document))
    assert parsed.model_fields_set == set(shape.model_fields)
    assert orjson.loads(to_json(document)).keys() == document.keys()


def test_rejections_are_told_in_the_order_of_their_rows() -> None:
    document = rendering.recording_document(RECORDING)
    assert [each["index"] for each in document["rejected"]] == [2, 7]


def test_an_actor_is_a_kind_and_an_id() -> None:
    document = rendering.reading_document(a(RecordedReading))
    assert document["recorded_by"] == {"kind": "service", "id": "urn:till:7"}


def test_a_rejection_of_a_whole_message_has_no_index() -> None:
    whole = a(KeptRejection, place=WHOLE_MESSAGE)
    assert rendering.rejection_document(whole)["index"] is None
    assert rendering.rejection_document(a(KeptRejection))["index"] == 3
