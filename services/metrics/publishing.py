"""The only place where an event of the log becomes a published one."""

from dataclasses import asdict
from typing import Any

from contracts import metrics
from contracts.events import PublishedEvent
from contracts.subjects import event_subject
from services.chassis.eventstore.context import Event, LoggedEvent, fields_of
from services.chassis.eventstore.relay import Publication, published_context
from services.metrics.domain import events
from services.metrics.domain.kpi import FIRST_DEFINITION


def publish(logged: LoggedEvent) -> Publication:
    """The public shape of a stored event, and the subject it is published to."""
    published, fields = _published(logged.event)
    event = published.model_validate({"context": published_context(logged), **fields})
    return Publication(subject=event_subject(published.TYPE, fields["key"]), event=event)


def _published(event: Event) -> tuple[type[PublishedEvent], dict[str, Any]]:
    match event:
        case events.KpiDefined(key=key, terms=terms):
            return metrics.KpiDefined, {
                "key": key,
                "definition": FIRST_DEFINITION,
                **asdict(terms),
            }
        case events.KpiRedefined(key=key, definition=definition, terms=terms):
            return metrics.KpiRedefined, {"key": key, "definition": definition, **asdict(terms)}
        case events.KpiRetired(key=key):
            return metrics.KpiRetired, {"key": key}
        case events.KpiMeasured():
            return metrics.KpiMeasured, fields_of(event)
    raise AssertionError(f"{event.TOPIC} has no published shape")
