"""Calendar quarters, in which the sample company sets its goals."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self

MONTHS: Final = 3
_LAST: Final = 4


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter of a year, by its number from 1 to 4; its days begin at midnight in UTC."""

    year: int
    number: int

    @classmethod
    def containing(cls, day: date) -> Self:
        """The quarter that a day lies in."""
        return cls(day.year, (day.month - 1) // MONTHS + 1)

    @property
    def name(self) -> str:
        """What people call it, for example `2026 Q1`."""
        return f"{self.year} Q{self.number}"

    @property
    def starts_on(self) -> date:
        """Its first day."""
        return date(self.year, (self.number - 1) * MONTHS + 1, 1)

    @property
    def ends_on(self) -> date:
        """Its last day."""
        return self._next().starts_on - timedelta(days=1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.starts_on, time.min, UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self._next().starts_on, time.min, UTC)

    def previous(self) -> Self:
        """The quarter before this one."""
        day_before = self.starts_on - timedelta(days=1)
        return self.containing(day_before)

    def elapsed(self, at: datetime) -> float:
        """The share of it, from 0 to 1, that is over at a moment."""
        share = (at - self.begins_at) / (self.ends_at - self.begins_at)
        return min(max(share, 0.0), 1.0)

    def _next(self) -> Self:
        if self.number == _LAST:
            return type(self)(self.year + 1, 1)
        return type(self)(self.year, self.number + 1)
