"""The only place where an event of the log becomes a published one."""

from dataclasses import asdict
from typing import Any

from contracts import metrics
from contracts.events import Actor, EventContext, PublishedEvent
from contracts.subjects import event_subject
from services.chassis.eventstore.context import Event, LoggedEvent
from services.chassis.eventstore.relay import Publication
from services.metrics.domain import events
from services.metrics.domain.kpi import FIRST_DEFINITION


def publish(logged: LoggedEvent) -> Publication:
    """The public shape of a stored event, and the subject it is published to."""
    published, fields = _published(logged.event)
    event = published.model_validate({"context": _context(logged), **fields})
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
            return metrics.KpiMeasured, asdict(event)
    raise AssertionError(f"{event.TOPIC} has no published shape")


def _context(logged: LoggedEvent) -> EventContext:
    context = logged.context
    assert logged.recorded_at is not None
    return EventContext(
        actor=Actor(id=context.actor.id, kind=context.actor.kind),
        reason=context.reason,
        effective_at=context.effective_at,
        recorded_at=logged.recorded_at,
        command_id=context.command_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
    )
