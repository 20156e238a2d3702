"""Calendar quarters and years, in which the sample company sets its goals."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar, Final, Self

from contracts.goals import Cadence, CheckInRhythm

MONTHS: Final = 3
_LAST: Final = 4


class Period(ABC):
    """Days that belong together; they begin at midnight in UTC."""

    cadence: ClassVar[Cadence]
    rhythm: ClassVar[CheckInRhythm]
    # How long people let pass from one check-in to the next: no longer than the rhythm allows.
    between_check_ins: ClassVar[timedelta]

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it."""

    @property
    @abstractmethod
    def starts_on(self) -> date:
        """Its first day."""

    @property
    @abstractmethod
    def ends_on(self) -> date:
        """Its last day."""

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.starts_on, time.min, UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.ends_on + timedelta(days=1), time.min, UTC)

    def elapsed(self, at: datetime) -> float:
        """The share of it, from 0 to 1, that is over at a moment."""
        share = (at - self.begins_at) / (self.ends_at - self.begins_at)
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True, order=True)
class Quarter(Period):
    """A quarter of a year, by its number from 1 to 4."""

    cadence: ClassVar[Cadence] = "quarter"
    rhythm: ClassVar[CheckInRhythm] = "weekly"
    between_check_ins: ClassVar[timedelta] = timedelta(weeks=1)

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

    def previous(self) -> Self:
        """The quarter before this one."""
        day_before = self.starts_on - timedelta(days=1)
        return self.containing(day_before)

    def _next(self) -> Self:
        if self.number == _LAST:
            return type(self)(self.year + 1, 1)
        return type(self)(self.year, self.number + 1)


@dataclass(frozen=True, slots=True)
class Year(Period):
    """A calendar year."""

    cadence: ClassVar[Cadence] = "year"
    rhythm: ClassVar[CheckInRhythm] = "monthly"
    between_check_ins: ClassVar[timedelta] = timedelta(weeks=4)

    year: int

    @property
    def name(self) -> str:
        """What people call it, for example `2026`."""
        return str(self.year)

    @property
    def starts_on(self) -> date:
        """Its first day."""
        return date(self.year, 1, 1)

    @property
    def ends_on(self) -> date:
        """Its last day."""
        return date(self.year, 12, 31)
