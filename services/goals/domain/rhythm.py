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

    None when nobody has to: what follows a KPI is measured, and what is not worked on rests.
    """
    if objective.state != "active" or cycle.state != "active" or key_result.link is not None:
        return None
    last = key_result.last_check_in
    since = last.effective_at if last is not None else objective.activated_at
    return None if since is None else since + _BETWEEN[cycle.check_in_rhythm]


def is_overdue(due_at: datetime | None, now: datetime) -> bool:
    """Whether that moment has passed."""
    return due_at is not None and now > due_at
