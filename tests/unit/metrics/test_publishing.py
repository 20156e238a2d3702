"""Stored events become published ones, each on its subject, with who, why and when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts import metrics
from contracts.events import PublishedEvent
from services.chassis.eventstore.context import Event
from services.metrics.domain.events import EVENTS, KpiRedefined, KpiRetired
from services.metrics.publishing import publish
from tests.unit.metrics.domain.test_measurement import MEASURED
from tests.unit.metrics.given import CONTEXT, DEFINED, NOW, TERMS, logged

KEY = DEFINED.key
TERMS_PUBLISHED = {
    "name": "Daily revenue",
    "unit": "EUR",
    "direction": "higher",
    "owner": {"kind": "team", "id": "sales"},
    "cadence": "day",
    "aggregation": "sum",
    "time_zone": "Europe/Berlin",
}
CASES: list[tuple[Event, type[PublishedEvent], str, dict[str, Any]]] = [
    (DEFINED, metrics.KpiDefined, "defined", {**TERMS_PUBLISHED, "definition": 1}),
    (
        KpiRedefined(key=KEY, definition=2, terms=TERMS),
        metrics.KpiRedefined,
        "redefined",
        {**TERMS_PUBLISHED, "definition": 2},
    ),
    (KpiRetired(key=KEY), metrics.KpiRetired, "retired", {}),
    (
        MEASURED,
        metrics.KpiMeasured,
        "measured",
        {
            "definition": 1,
            "period_start": MEASURED.period_start,
            "period_end": MEASURED.period_end,
            "value": 12.5,
            "readings": 3,
            "latest_value": 2.5,
            "latest_at": NOW,
        },
    ),
]


@pytest.mark.parametrize(("event", "shape", "subject", "fields"), CASES)
def test_an_event_goes_out_in_its_public_shape(
    event: Event, shape: type[PublishedEvent], subject: str, fields: dict[str, Any]
) -> None:
    publication = publish(logged(event))
    assert publication.subject == f"metrics.kpi.{KEY}.{subject}"
    assert type(publication.event) is shape
    assert publication.event.model_dump(exclude={"context"}) == {"key": KEY, **fields}


def test_every_event_there_is_goes_out() -> None:
    assert {type(event) for event, *_ in CASES} == set(EVENTS)


def test_who_why_and_when_go_out_with_it() -> None:
    context = replace(CONTEXT, reason="a sum misleads", causation_id="x")
    published = publish(replace(logged(DEFINED), context=context)).event.context
    assert published.model_dump() == {
        "actor": {"id": "maria", "kind": "human"},
        "reason": "a sum misleads",
        "effective_at": NOW,
        "recorded_at": NOW + timedelta(minutes=1),
        "command_id": CONTEXT.command_id,
        "correlation_id": "c",
        "causation_id": "x",
        "after_closing": False,
    }


def test_what_is_no_event_of_ours_does_not_go_out() -> None:
    with pytest.raises(AssertionError, match="no published shape"):
        publish(logged(object.__new__(type("Other", (), {"TOPIC": "other"}))))
