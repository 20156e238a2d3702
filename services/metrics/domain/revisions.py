"""Revisions: what a reading means beside those of its identity that were recorded before.

The same value again is a duplicate, another value is a conflict, unless it is a correction, which
becomes the next revision. A reading that was delivered twice is the same reading also when it
was corrected in between: it must neither conflict with its own correction nor undo it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from services.metrics.domain.readings import Refusal, SubmittedReading

FIRST_REVISION: Final = 1

Settlement = Literal["accepted", "duplicate", "correction", "conflict"]

CONFLICT: Final = Refusal(
    "conflict",
    "Another value is recorded for this kpi, at and source. To replace it, send correction: true "
    "and a reason.",
)


@dataclass(frozen=True, slots=True)
class Revision:
    """A value recorded for an identity; the one with the highest number counts."""

    number: int
    value: float
    reason: str | None = None


class Revisions:
    """All revisions of one identity."""

    def __init__(self, recorded: Iterable[Revision] = ()) -> None:
        self._recorded = sorted(recorded, key=lambda revision: revision.number)

    def settle(self, reading: SubmittedReading) -> Settlement:
        """What the reading is; one that is accepted or a correction becomes the last revision."""
        if not self._recorded:
            return self._add(reading, "accepted")
        if self._holds(reading):
            return "duplicate"
        return self._add(reading, "correction") if reading.correction else "conflict"

    @property
    def last(self) -> int:
        """The number of the last revision."""
        return self._recorded[-1].number

    def _holds(self, reading: SubmittedReading) -> bool:
        """Whether this very reading is among the revisions.

        A correction back to an earlier value is news, as long as its reason is another one.
        """
        if self._recorded[-1].value == reading.value:
            return True
        return any(
            revision.value == reading.value
            and (not reading.correction or revision.reason == reading.reason)
            for revision in self._recorded
        )

    def _add(self, reading: SubmittedReading, settlement: Settlement) -> Settlement:
        number = self.last + 1 if self._recorded else FIRST_REVISION
        self._recorded.append(Revision(number, reading.value, reading.reason))
        return settlement
