"""Streams and subjects on the event bus: the only names the services share."""

import re
from typing import Final

GOALS_STREAM: Final = "GOALS"
METRICS_STREAM: Final = "METRICS"
INTAKE_STREAM: Final = "INTAKE"
REJECTED_STREAM: Final = "REJECTED"

STREAM_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    GOALS_STREAM: ("goals.>",),
    METRICS_STREAM: ("metrics.>",),
    INTAKE_STREAM: ("intake.readings.>",),
    REJECTED_STREAM: ("intake.rejected.>",),
}

# A source is one subject token, so that a producer's permission is one subject.
SOURCE_PATTERN: Final = r"[A-Za-z0-9_-]{1,64}"
KPI_KEY_PATTERN: Final = r"[a-z0-9_-]{1,40}(\.[a-z0-9_-]{1,40}){0,7}"

_SOURCE = re.compile(SOURCE_PATTERN)
_INTAKE = re.compile(rf"intake\.readings\.({SOURCE_PATTERN})")


class MalformedSourceError(ValueError):
    """A source's name is not one subject token."""


def event_subject(event_type: str, aggregate: str) -> str:
    """Where an event of type `event_type` (a `ce-type`) about `aggregate` is published.

    `aggregate` is the id of the cycle or objective, or the KPI's key.
    `cairn.goals.cycle.planned.v1` goes to `goals.cycle.<id>.planned`.
    """
    _, service, entity, event, _ = event_type.split(".")
    if entity == "key_result":
        # A key result lives inside its objective, so its events are part of that story: all of
        # it is under `goals.objective.<objective id>.*`.
        return f"{service}.objective.{aggregate}.key_result_{event}"
    return f"{service}.{entity}.{aggregate}.{event}"


def intake_subject(source: str) -> str:
    """Where a producer named `source` publishes readings. Raises MalformedSourceError."""
    return f"intake.readings.{_one_token(source)}"


def rejected_subject(source: str) -> str:
    """Where what could not be taken from `source` goes, with its reason.

    Raises MalformedSourceError.
    """
    return f"intake.rejected.{_one_token(source)}"


def intake_source(subject: str) -> str | None:
    """The source named by an intake subject, or None when it names none."""
    match = _INTAKE.fullmatch(subject)
    return match[1] if match else None


def _one_token(source: str) -> str:
    # A dot or a wildcard in a name would reach into other producers' subjects.
    if _SOURCE.fullmatch(source) is None:
        raise MalformedSourceError(f"a source is one subject token matching {SOURCE_PATTERN}")
    return source
