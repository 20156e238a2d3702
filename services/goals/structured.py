"""Events of the log as CloudEvents in structured JSON, for whoever reads no bus."""

from typing import Any, Final

import orjson

from contracts.cloudevents import CONTENT_TYPE, SPEC_VERSION, event_id
from services.chassis.eventstore.context import LoggedEvent
from services.goals.publishing import publish

SOURCE: Final = "/cairn/goals"


def structured(logged: LoggedEvent) -> dict[str, Any]:
    """The event, ready to be encoded; see `contracts/cloudevents.py` for the binary form."""
    event = publish(logged).event
    return {
        "specversion": SPEC_VERSION,
        "id": event_id(logged.originator_id, logged.originator_version),
        "type": event.TYPE,
        "source": SOURCE,
        "subject": logged.originator_id,
        "time": logged.recorded_at,
        "datacontenttype": CONTENT_TYPE,
        "position": logged.position,
        "aggregateversion": logged.originator_version,
        "data": orjson.Fragment(event.model_dump_json()),
    }
