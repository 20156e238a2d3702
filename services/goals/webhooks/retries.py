"""When a delivery that failed is tried again, and when it is given up."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

# Receivers that failed together are not asked again at the same moment.
JITTER: Final = 0.2
MAX_RETRY_AFTER_SECONDS: Final = 3_600.0
# The statuses whose Retry-After is heeded; it makes the whole webhook wait.
THROTTLED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The waits after the first, second, … attempt in seconds; after the last there is no other."""

    seconds: Sequence[float]

    def wait_after(self, attempts: int, *, at_least: float = 0.0) -> float | None:
        """How long to wait after so many attempts, or None when that was the last one."""
        if attempts > len(self.seconds):
            return None
        wait = self.seconds[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  nothing secret about it
        return max(wait, at_least)


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """How long a Retry-After asks to wait (RFC 9110, 10.2.3), from 0 to the bound."""
    if header is None:
        return 0.0
    asked = float(header) if header.isdecimal() else _seconds_until(header, now)
    return min(max(asked, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(header: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (zoned - now).total_seconds()
