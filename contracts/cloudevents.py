"""CloudEvents 1.0 in NATS binary mode: attributes as `ce-` headers, the data as the body.

Format: CloudEvents NATS Protocol Binding 1.0.3, section 3.1 (1.0.2 knew no binary mode).
Two extensions let a consumer prove that it missed nothing: `position` is the event's place
in its service's log, `previousposition` the place of the event before it. Positions have
holes (a rolled-back append burns some), so the chain, not arithmetic, shows a gap.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Self
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from contracts.positions import MAX_POSITION

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"

# Namespace of event ids: an id follows from the aggregate and its version alone, so the same
# event has the same id however often and from wherever it is published.
_EVENT_IDS: Final = UUID("6f1d3f62-0b53-5b7e-9d57-2f6f0a1c7b11")

# The binding's section 3.1.3.2: all printable ASCII stands for itself but space, `"` and `%`.
_PLAIN: Final = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
# W3C Trace Context, section 3.2.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


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
        """The NATS headers of binary mode.

        The content type travels twice: as the attribute that the binding asks for, and as the
        plain header in which the CloudEvents libraries for NATS look for it.
        """
        headers = {
            "ce-specversion": SPEC_VERSION,
            "ce-id": str(self.id),
            "ce-type": _quoted(self.type),
            "ce-source": _quoted(self.source),
            "ce-subject": quote(self.subject, safe=_PLAIN),
            "ce-time": self.time.astimezone(UTC).isoformat(timespec="microseconds"),
            "ce-datacontenttype": CONTENT_TYPE,
            "ce-position": str(self.position),
            "ce-previousposition": str(self.previous_position),
            "ce-aggregateversion": str(self.aggregate_version),
            "content-type": CONTENT_TYPE,
        }
        traceparent = _well_formed(self.traceparent)
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return headers

    @classmethod
    def from_message(cls, headers: Mapping[str, str] | None, data: bytes) -> Self:
        """The event in a message. Raises MalformedEventError."""
        found = headers or {}
        try:
            event = cls(
                id=UUID(found["ce-id"]),
                type=_text(found, "ce-type"),
                source=_text(found, "ce-source"),
                subject=_text(found, "ce-subject"),
                time=_time(found, "ce-time"),
                position=_number(found, "ce-position"),
                previous_position=_number(found, "ce-previousposition"),
                aggregate_version=_number(found, "ce-aggregateversion"),
                data=data,
                traceparent=_well_formed(found.get("traceparent")),
            )
            _refuse_contradictions(found["ce-specversion"], event)
        except KeyError as error:
            raise MalformedEventError(f"the header {error} is missing") from error
        except ValueError as error:
            raise MalformedEventError(f"not an event of Cairn: {error}") from error
        return event


def _refuse_contradictions(spec_version: str, event: CloudEvent) -> None:
    if spec_version != SPEC_VERSION:
        raise ValueError(f"ce-specversion is not {SPEC_VERSION}")
    if event.previous_position >= event.position:
        raise ValueError("ce-previousposition is not before ce-position")


@lru_cache  # of few types and sources
def _quoted(text: str) -> str:
    return quote(text, safe=_PLAIN)


def _text(headers: Mapping[str, str], name: str) -> str:
    text = unquote(headers[name], errors="strict")
    if not text:
        raise ValueError(f"{name} is empty")
    return text


def _number(headers: Mapping[str, str], name: str) -> int:
    # int() alone would also take signs, blanks, underscores and other scripts' digits.
    number = int(headers[name]) if _NUMBER.fullmatch(headers[name]) else -1
    if not 0 <= number <= MAX_POSITION:
        raise ValueError(f"{name} is not a number from 0 to {MAX_POSITION}")
    return number


def _time(headers: Mapping[str, str], name: str) -> datetime:
    time = datetime.fromisoformat(headers[name])
    if time.tzinfo is None:
        # A time without a zone would be read in the zone of whichever machine reads it.
        raise ValueError(f"{name} has no zone")
    return time


def _well_formed(traceparent: str | None) -> str | None:
    # Trace Context asks to go on without a traceparent that cannot be parsed: a broken trace
    # must never cost an event.
    if traceparent is None or _TRACEPARENT.fullmatch(traceparent) is None:
        return None
    return traceparent
