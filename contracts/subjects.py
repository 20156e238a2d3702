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

_INTAKE = re.compile(rf"intake\.readings\.({SOURCE_PATTERN})")


def intake_subject(source: str) -> str:
    """Where a producer named `source` publishes readings."""
    return f"intake.readings.{source}"


def rejected_subject(source: str) -> str:
    """Where what could not be taken from `source` goes, with its reason."""
    return f"intake.rejected.{source}"


def intake_source(subject: str) -> str | None:
    """The source named by an intake subject, or None when it names none."""
    match = _INTAKE.fullmatch(subject)
    return match[1] if match else None
