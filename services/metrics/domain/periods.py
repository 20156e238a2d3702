"""Periods: time cut into hours, days, weeks, months or quarters as a time zone's clocks show them.

Periods of one cadence and zone never overlap and leave no gap, whatever clocks do in between: a
day in Europe/Berlin has 23, 24 or 25 hours. An hour in which clocks change is cut there too, so
that no hour is longer than one.

Instants are whole microseconds since 1970-01-01T00:00:00Z: readings come by the million, and
integers compare ten times as fast as datetimes.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.metrics import KpiCadence
from services.metrics.domain.errors import TimeZoneUnknownError

MICROSECONDS_PER_SECOND: Final = 1_000_000
SECONDS_PER_DAY: Final = 86_400
MAX_CACHED_CUTTERS: Final = 256
MAX_CACHED_BUCKETS: Final = 1_024

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = 3_600 * MICROSECONDS_PER_SECOND
# In the folder of the zones, and none of them: what this machine chose, a placeholder, and all of
# them once more, also counting leap seconds.
_NO_ZONES: Final = ("localtime", "posixrules", "Factory", "posix/", "right/")
# Today's zones change their clocks, and start their days, on quarters of an hour of UTC.
_BUCKET: Final = _HOUR // 4

Instant = int
"""Microseconds since the Unix epoch."""


class Period(NamedTuple):
    """The time from `start` up to, not including, `end`."""

    start: Instant
    end: Instant


def to_instant(moment: datetime) -> Instant:
    """The instant of an aware datetime."""
    since = moment - _EPOCH
    seconds = since.days * SECONDS_PER_DAY + since.seconds
    return seconds * MICROSECONDS_PER_SECOND + since.microseconds


def from_instant(instant: Instant) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def require_time_zone(name: str) -> ZoneInfo:
    """The zone of this name in the IANA database. Raises TimeZoneUnknownError."""
    if name.startswith(_NO_ZONES):
        raise TimeZoneUnknownError
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        # A name can be absent, no path at all, or the name of a folder of zones.
        raise TimeZoneUnknownError from None


@lru_cache(maxsize=MAX_CACHED_CUTTERS)
def periods_of(cadence: KpiCadence, time_zone: str) -> "Periods":
    """The periods of a cadence in a zone: one object for all KPIs that share them.

    Raises TimeZoneUnknownError.
    """
    return Periods(cadence, require_time_zone(time_zone))


class Periods:
    """Finds the period of an instant; remembers what it found, within a bound."""

    def __init__(self, cadence: KpiCadence, zone: ZoneInfo) -> None:
        self._zone = zone
        self._days = _DAYS.get(cadence)
        self._latest = Period(0, 0)
        self._by_bucket: dict[int, Period] = {}

    def containing(self, instant: Instant) -> Period:
        """The period that an instant falls in."""
        latest = self._latest
        if latest.start <= instant < latest.end:
            return latest
        bucket = instant // _BUCKET
        period = self._by_bucket.get(bucket)
        # Long ago clocks changed at any second, so what the bucket says is looked at again.
        if period is None or not period.start <= instant < period.end:
            period = self._cut(instant)
            if len(self._by_bucket) >= MAX_CACHED_BUCKETS:
                self._by_bucket.clear()
            self._by_bucket[bucket] = period
        self._latest = period
        return period

    def _cut(self, instant: Instant) -> Period:
        if self._days is None:
            return _cut_hour(instant, self._zone)
        return _cut_days(instant, self._zone, self._days)


class _Days(NamedTuple):
    """How days make a period: the first of the one that a day is in, and how many at most."""

    first: Callable[[date], date]
    longest: int

    def before(self, first: date) -> date:
        """The first day of the period before the one that starts on `first`."""
        return self.first(first - timedelta(days=1))

    def after(self, first: date) -> date:
        """The first day of the period after the one that starts on `first`."""
        return self.first(first + timedelta(days=self.longest))


_DAYS: Final[dict[KpiCadence, _Days]] = {
    "day": _Days(lambda day: day, 1),
    "week": _Days(lambda day: day - timedelta(days=day.weekday()), 7),
    "month": _Days(lambda day: day.replace(day=1), 31),
    "quarter": _Days(lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1), 92),
}


def _cut_days(instant: Instant, zone: ZoneInfo, days: _Days) -> Period:
    """The period, some whole days long, of an instant.

    A day begins when clocks show 00:00 for the first time; where they jump over it, when they
    would have shown it. Around such a jump the day that clocks show may not have begun yet, or
    be over already: then it is the neighbour.
    """
    first = days.first(from_instant(instant).astimezone(zone).date())
    start = _midnight(first, zone)
    while instant < start:
        first = days.before(first)
        start = _midnight(first, zone)
    end = _midnight(days.after(first), zone)
    while instant >= end:
        first = days.after(first)
        start, end = end, _midnight(days.after(first), zone)
    return Period(start, end)


def _midnight(day: date, zone: ZoneInfo) -> Instant:
    return to_instant(datetime.combine(day, time.min, zone))


def _cut_hour(instant: Instant, zone: ZoneInfo) -> Period:
    offset = _utc_offset(instant, zone)
    start = (instant + offset) // _HOUR * _HOUR - offset
    end = start + _HOUR
    last = end - MICROSECONDS_PER_SECOND
    if _utc_offset(start, zone) != offset:
        start = _clock_change(start, instant, zone)
    if _utc_offset(last, zone) != offset:
        end = _clock_change(instant, last, zone)
    return Period(start, end)


def _utc_offset(instant: Instant, zone: ZoneInfo) -> int:
    """How far clocks are ahead of UTC, in microseconds."""
    offset = from_instant(instant).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds()) * MICROSECONDS_PER_SECOND


def _clock_change(before: Instant, after: Instant, zone: ZoneInfo) -> Instant:
    """The whole second, after `before` and not after `after`, at which clocks changed."""
    old_offset = _utc_offset(before, zone)
    low, high = before // MICROSECONDS_PER_SECOND, after // MICROSECONDS_PER_SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _utc_offset(middle * MICROSECONDS_PER_SECOND, zone) == old_offset:
            low = middle
        else:
            high = middle
    return high * MICROSECONDS_PER_SECOND
