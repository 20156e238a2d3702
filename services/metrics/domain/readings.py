"""Readings: which of a batch can be recorded, and why the others cannot.

A reading is judged here as far as it can be without what was recorded before; whether it is new,
a duplicate, a conflict or a correction is the business of `revisions`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol

from contracts.subjects import SOURCE_PATTERN
from services.metrics.domain.periods import Instant, Periods, to_instant

RefusalCode = Literal[
    "malformed",
    "unknown-kpi",
    "retired-kpi",
    "forbidden-kpi",
    "bad-source",
    "foreign-source",
    "no-time-zone",
    "too-far-ahead",
    "too-long-ago",
    "not-finite",
    "bad-text",
    "correction-without-reason",
    "conflict",
    "too-many-readings",
    "bad-subject",
    "unrecordable",
]

# A producer's clock may run a little ahead of ours without lying about the future.
MAX_AHEAD: Final = timedelta(minutes=5)
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
# The sum of a period's readings stays finite: 10^17 of the largest fit into a double.
MAX_MAGNITUDE: Final = 1e290
MAX_ID_CHARACTERS: Final = 200
MAX_TEXT_CHARACTERS: Final = 2_000

MAX_CACHED_SOURCES: Final = 4_096

_SOURCE: Final = re.compile(SOURCE_PATTERN)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class SubmittedReading(Protocol):
    """A reading as it came: the KPI's key, when it was true, its value and who measured it.

    `source` is empty where the way it came says who measured. `correction` with a `reason`
    replaces another value of the same identity.
    """

    @property
    def kpi(self) -> str: ...  # noqa: D102 - see the class
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> str | None: ...  # noqa: D102
    @property
    def note(self) -> str | None: ...  # noqa: D102
    @property
    def correction(self) -> bool: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102


# Of the following there is one for each reading, and a named tuple takes eight times as long to
# make as a plain one: so these are plain.

Identity = tuple[int, Instant, str]
"""What makes two readings the same one: the KPI's number, when, and who measured."""

TouchedPeriod = tuple[int, int, Instant, Instant]
"""A period in which a reading falls: the KPI's number, its definition, the start and the end."""

Entry = tuple[Identity, TouchedPeriod, SubmittedReading, int]
"""A reading that can be recorded; last comes its index in the batch it came in."""


class RecordableKpi:
    """What recording has to know of a KPI; `number` is its short name in storage."""

    __slots__ = ("_definition", "_latest", "_periods", "number", "retired")

    def __init__(self, number: int, definition: int, periods: Periods, *, retired: bool) -> None:
        self.number = number
        self.retired = retired
        self._definition = definition
        self._periods = periods
        self._latest: TouchedPeriod = (number, definition, 0, 0)

    def period(self, at: Instant) -> TouchedPeriod:
        """The period of this KPI that an instant falls in."""
        latest = self._latest
        if latest[2] <= at < latest[3]:
            return latest
        self._latest = (self.number, self._definition, *self._periods.containing(at))
        return self._latest


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reading cannot be recorded: a code that stays, and words that say what would do."""

    code: RefusalCode
    detail: str


class Rejection(NamedTuple):
    """A refused reading: its index in its batch, and why."""

    place: int
    code: RefusalCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """By which rules the readings of one batch are judged.

    `find_kpi` knows every KPI by its key, `may_write` says which keys the sender may write to.
    Where `source` is set, all readings are of that source.
    """

    find_kpi: Callable[[str], RecordableKpi | None]
    may_write: Callable[[str], bool]
    now: datetime
    source: str | None = None


@dataclass(slots=True)
class Judgement:
    """A batch, divided; `has_texts` where an entry has an id, a note or a reason."""

    entries: list[Entry] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    has_texts: bool = False

    def reject(self, place: int, refusal: Refusal) -> None:
        """Refuse the reading at an index."""
        self.rejections.append(Rejection(place, refusal.code, refusal.detail))


UNKNOWN_KPI: Final = Refusal("unknown-kpi", "There is no KPI of that key. Define it first.")
RETIRED_KPI: Final = Refusal("retired-kpi", "The KPI is retired and takes no more readings.")
FORBIDDEN_KPI: Final = Refusal("forbidden-kpi", "The token does not reach KPIs of that key.")
BAD_SOURCE: Final = Refusal(
    "bad-source", "source is 1 to 64 letters, digits, hyphens and underscores."
)
FOREIGN_SOURCE: Final = Refusal(
    "foreign-source", "source names another producer than the one that sent the reading."
)
NO_TIME_ZONE: Final = Refusal("no-time-zone", "at has no time zone: end it with Z or an offset.")
TOO_FAR_AHEAD: Final = Refusal("too-far-ahead", "at is more than 5 minutes in the future.")
TOO_LONG_AGO: Final = Refusal("too-long-ago", "at is before the year 1900.")
NOT_FINITE: Final = Refusal("not-finite", "value is a number from -1e290 to 1e290.")
BAD_TEXT: Final = Refusal(
    "bad-text",
    f"id has at most {MAX_ID_CHARACTERS} characters, note and reason {MAX_TEXT_CHARACTERS}, "
    "none of them NUL or half of a surrogate pair.",
)
NO_REASON: Final = Refusal("correction-without-reason", "A correction says why, in reason.")


def judge(readings: Iterable[tuple[int, SubmittedReading]], admission: Admission) -> Judgement:
    """Divide readings, given with their indexes, into those to record and those to refuse."""
    judgement = Judgement()
    kpis: dict[str, RecordableKpi | Refusal] = {}
    latest = admission.now + MAX_AHEAD
    sender = admission.source
    for place, reading in readings:
        key = reading.kpi
        kpi = kpis.get(key)
        if kpi is None:
            kpi = kpis[key] = _admit(key, admission)
        if isinstance(kpi, Refusal):
            judgement.reject(place, kpi)
            continue
        source = reading.source or sender or ""
        fault = _find_fault(reading, source, sender, latest)
        if reading.id is not None or reading.note is not None or reading.reason is not None:
            judgement.has_texts = True
            fault = fault or _find_text_fault(reading)
        if fault is not None:
            judgement.reject(place, fault)
            continue
        at = to_instant(reading.at)
        judgement.entries.append(((kpi.number, at, source), kpi.period(at), reading, place))
    return judgement


def _admit(key: str, admission: Admission) -> RecordableKpi | Refusal:
    # Whoever may not write to a key does not learn either whether there is such a KPI.
    if not admission.may_write(key):
        return FORBIDDEN_KPI
    kpi = admission.find_kpi(key)
    if kpi is None:
        return UNKNOWN_KPI
    return RETIRED_KPI if kpi.retired else kpi


def _find_fault(
    reading: SubmittedReading, source: str, sender: str | None, latest: datetime
) -> Refusal | None:
    if sender is not None and source != sender:
        return FOREIGN_SOURCE
    if not is_source(source):
        return BAD_SOURCE
    # Every comparison with NaN is false.
    if not -MAX_MAGNITUDE <= reading.value <= MAX_MAGNITUDE:
        return NOT_FINITE
    if reading.correction and not (reading.reason or "").strip():
        return NO_REASON
    at = reading.at
    if at.tzinfo is not None and EARLIEST <= at <= latest:
        return None
    return _find_time_fault(at, latest)


def _find_time_fault(at: datetime, latest: datetime) -> Refusal:
    if at.tzinfo is None:
        return NO_TIME_ZONE
    return TOO_FAR_AHEAD if at > latest else TOO_LONG_AGO


def _find_text_fault(reading: SubmittedReading) -> Refusal | None:
    fits = (
        _is_storable(reading.id, MAX_ID_CHARACTERS)
        and _is_storable(reading.note, MAX_TEXT_CHARACTERS)
        and _is_storable(reading.reason, MAX_TEXT_CHARACTERS)
    )
    return None if fits else BAD_TEXT


def _is_storable(text: str | None, max_characters: int) -> bool:
    """Whether PostgreSQL can store the text: in UTF-8, without NUL."""
    if text is None:
        return True
    return len(text) <= max_characters and "\0" not in text and not _SURROGATE.search(text)


@lru_cache(maxsize=MAX_CACHED_SOURCES)
def is_source(source: str) -> bool:
    """Whether a producer can have this name."""
    return _SOURCE.fullmatch(source) is not None
