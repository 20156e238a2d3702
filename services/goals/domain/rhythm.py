"""The rhythm of check-ins: when the next one is due, and whether it is overdue."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from contracts.goals import CheckInRhythm
from services.goals.domain.cycle import Cycle
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective

# A month is as long as the longest, so that nobody who checks in once a month is overdue.
_BETWEEN: Final[Mapping[CheckInRhythm, timedelta]] = {
    "weekly": timedelta(days=7),
    "biweekly": timedelta(days=14),
    "monthly": timedelta(days=31),
}


def next_due_at(objective: Objective, cycle: Cycle, key_result: KeyResult) -> datetime | None:
    """When the key result is to be checked in on next.

    A rhythm after it was last known how it stands, or after there was somebody to know: since it
    was added, and since work on its objective began or was taken up again. None when nobody has
    to: what follows a KPI is measured, and what is not worked on rests.
    """
    if objective.state != "active" or cycle.state != "active" or key_result.link is not None:
        return None
    assert objective.activated_at is not None, "it is active"
    current = key_result.current
    since = max(
        objective.resumed_at or objective.activated_at,
        key_result.added_at,
        current.as_of if current else key_result.added_at,
    )
    return since + _BETWEEN[cycle.check_in_rhythm]


def is_overdue(due_at: datetime | None, now: datetime) -> bool:
    """Whether that moment has passed."""
    return due_at is not None and now > due_at
