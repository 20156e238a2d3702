"""CloudEvents 1.0 in NATS binary mode: attributes as `ce-` headers, the data as the body.

Format: CloudEvents NATS Protocol Binding 1.0.2, section 3.1 (binary content mode).
Two extensions let a consumer prove that it missed nothing: `position` is the event's place
in its service's log, `previousposition` the place of the event before it. Positions have
holes (a rolled-back append burns some), so the chain, not arithmetic, shows a gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from uuid import UUID, uuid5

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"

# Namespace of event ids: an id follows from the aggregate and its version alone, so the same
# event has the same id however often and from wherever it is published.
_EVENT_IDS: Final = UUID("6f1d3f62-0b53-5b7e-9d57-2f6f0a1c7b11")


class MalformedEventError(ValueError):
    """A message's headers are not those of a published event."""


def event_id(aggregate_id: UUID, version: int) -> UUID:
    """The `ce-id` of the event that took aggregate `aggregate_id` to `version`."""
    return uuid5(_EVENT_IDS, f"{aggregate_id}:{version}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """One published event as it travels; `data` is the JSON body."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    position: int
    previous_position: int
    aggregate_version: int
    data: bytes
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The NATS headers of binary mode."""
        headers = {
            "ce-specversion": SPEC_VERSION,
            "ce-id": str(self.id),
            "ce-type": self.type,
            "ce-source": self.source,
            "ce-subject": self.subject,
            "ce-time": self.time.astimezone(UTC).isoformat(timespec="microseconds"),
            "ce-position": str(self.position),
            "ce-previousposition": str(self.previous_position),
            "ce-aggregateversion": str(self.aggregate_version),
            "content-type": CONTENT_TYPE,
        }
        if self.traceparent is not None:
            headers["traceparent"] = self.traceparent
        return headers

    @classmethod
    def from_message(cls, headers: Mapping[str, str] | None, data: bytes) -> Self:
        """The event in a message. Raises MalformedEventError."""
        try:
            found = headers or {}
            if found["ce-specversion"] != SPEC_VERSION:
                raise MalformedEventError(f"specversion is not {SPEC_VERSION}")
            return cls(
                id=UUID(found["ce-id"]),
                type=found["ce-type"],
                source=found["ce-source"],
                subject=found["ce-subject"],
                time=datetime.fromisoformat(found["ce-time"]),
                position=int(found["ce-position"]),
                previous_position=int(found["ce-previousposition"]),
                aggregate_version=int(found["ce-aggregateversion"]),
                data=data,
                traceparent=found.get("traceparent"),
            )
        except (KeyError, ValueError) as error:
            raise MalformedEventError(f"not a CloudEvent of Cairn: {error}") from error
