"""What producers publish to `intake.readings.<source>`, and what they get back if it is refused.

A message holds one reading or an array of them. The source is the subject's last token, so a
reading does not name it.
"""

from typing import Annotated, Any, Final

from pydantic import AwareDatetime, ConfigDict, Field

from contracts.events import Contract, OpaqueId, Text
from contracts.goals import KpiKey

MAX_READINGS: Final = 10_000

Note = Annotated[str, Field(max_length=2_000)]
# The sum of a period's readings must stay a finite number.
ReadingValue = Annotated[float, Field(ge=-1e290, le=1e290)]


class Reading(Contract):
    """A KPI's value at a moment.

    (`kpi`, `at`, source) identifies it: the same value again is a duplicate and changes nothing,
    another value is a conflict unless `correction` is true and `reason` says why. A field that is
    not known is refused, because it may be a misspelt one.
    """

    model_config = ConfigDict(extra="forbid")

    kpi: KpiKey
    at: AwareDatetime
    value: ReadingValue
    id: OpaqueId | None = None
    note: Note | None = None
    correction: bool = False
    reason: Note | None = None


class RejectedReading(Contract):
    """A reading that was not taken, as it came, and why; on `intake.rejected.<source>`."""

    reading: Any
    reason: Text


READING_EXAMPLE: Final = Reading.model_validate(
    {"kpi": "sales.conversion.daily", "at": "2026-01-20T23:00:00Z", "value": 6.4}
)
REJECTED_READING_EXAMPLE: Final = RejectedReading(
    reading={"kpi": "sales.conversion.daily", "at": "2026-01-20T23:00:00", "value": 6.4},
    reason="at: a time needs a zone",
)
