"""Periods partition time, in every zone, whatever its clocks do."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.metrics import KpiCadence
from services.metrics.domain import periods
from services.metrics.domain.errors import TimeZoneUnknownError
from services.metrics.domain.periods import (
    MAX_CACHED_BUCKETS,
    Instant,
    Periods,
    from_instant,
    periods_of,
    to_instant,
)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # changed its clocks at 00:01
    "America/Havana",  # goes back from 01:00 to 00:00
    "America/Sao_Paulo",  # jumped over midnight
    "Asia/Kolkata",  # whole hours are half hours elsewhere
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Apia",  # left out a whole day
    "America/Toronto",  # once jumped from 23:30 over midnight
    "Africa/Monrovia",  # 44 minutes and 30 seconds behind, until 1972
]
CADENCES: tuple[KpiCadence, ...] = ("hour", "day", "week", "month", "quarter")
LONGEST = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=50),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
    "quarter": timedelta(days=93),
}

moments = st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def moment(text: str) -> Instant:
    return to_instant(datetime.fromisoformat(text))


def cut(cadence: KpiCadence, zone: str, at: str) -> tuple[str, str]:
    """The period of an instant, as clocks in the zone show its bounds."""
    start, end = periods_of(cadence, zone).containing(moment(at))
    return shown(start, zone), shown(end, zone)


def shown(instant: Instant, zone: str) -> str:
    return from_instant(instant).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("cadence", "at", "start", "end"),
    [
        ("hour", "2026-03-04T12:34:56Z", "2026-03-04T13:00+01:00", "2026-03-04T14:00+01:00"),
        ("day", "2026-03-03T23:00:00Z", "2026-03-04T00:00+01:00", "2026-03-05T00:00+01:00"),
        ("day", "2026-03-03T22:59:59Z", "2026-03-03T00:00+01:00", "2026-03-04T00:00+01:00"),
        ("week", "2026-03-01T22:59:59Z", "2026-02-23T00:00+01:00", "2026-03-02T00:00+01:00"),
        ("week", "2026-03-01T23:00:00Z", "2026-03-02T00:00+01:00", "2026-03-09T00:00+01:00"),
        ("month", "2026-03-31T21:59:59Z", "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
        ("month", "2024-02-29T12:00:00Z", "2024-02-01T00:00+01:00", "2024-03-01T00:00+01:00"),
        ("quarter", "2026-12-31T22:59:59Z", "2026-10-01T00:00+02:00", "2027-01-01T00:00+01:00"),
        ("quarter", "2026-12-31T23:00:00Z", "2027-01-01T00:00+01:00", "2027-04-01T00:00+02:00"),
    ],
)
def test_periods_follow_the_calendar_of_the_zone(
    cadence: KpiCadence, at: str, start: str, end: str
) -> None:
    assert cut(cadence, "Europe/Berlin", at) == (start, end)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)]
)
def test_a_day_has_the_hours_that_clocks_give_it(day: str, hours: int) -> None:
    start, end = periods_of("day", "Europe/Berlin").containing(moment(f"{day}T12:00:00Z"))
    assert from_instant(end) - from_instant(start) == timedelta(hours=hours)


def test_the_hour_that_clocks_show_twice_is_two_hours() -> None:
    first = cut("hour", "Europe/Berlin", "2026-10-25T00:30:00Z")
    second = cut("hour", "Europe/Berlin", "2026-10-25T01:30:00Z")
    assert first == ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")
    assert second == ("2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00")


def test_an_hour_in_which_clocks_change_is_cut_there() -> None:
    zone = "Australia/Lord_Howe"
    forward = cut("hour", zone, "2026-10-03T15:40:00Z")
    assert forward == ("2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00")
    before = cut("hour", zone, "2026-04-04T14:59:00Z")
    again = cut("hour", zone, "2026-04-04T15:10:00Z")
    assert before == ("2026-04-05T01:00+11:00", "2026-04-05T01:30+10:30")
    assert again == ("2026-04-05T01:30+10:30", "2026-04-05T02:00+10:30")


def test_a_minute_past_midnight_is_an_hour_where_clocks_go_back_then() -> None:
    # In St. John's clocks went back from 00:01 to 23:01 of the day before.
    zone = "America/St_Johns"
    minute = cut("hour", zone, "2010-11-07T02:30:30Z")
    rest = cut("hour", zone, "2010-11-07T02:31:00Z")
    assert minute == ("2010-11-07T00:00-02:30", "2010-11-06T23:01-03:30")
    assert rest == ("2010-11-06T23:01-03:30", "2010-11-07T00:00-03:30")


def test_whole_hours_are_those_of_the_zone() -> None:
    assert cut("hour", "Asia/Kolkata", "2026-03-04T12:34:00Z") == (
        "2026-03-04T18:00+05:30",
        "2026-03-04T19:00+05:30",
    )


def test_a_day_whose_midnight_is_jumped_over_begins_with_the_jump() -> None:
    assert cut("day", "America/Sao_Paulo", "2018-11-04T12:00:00Z") == (
        "2018-11-04T01:00-02:00",
        "2018-11-05T00:00-02:00",
    )


def test_a_day_that_is_left_out_is_nobodys_period() -> None:
    last = cut("day", "Pacific/Apia", "2011-12-30T09:59:00Z")
    first = cut("day", "Pacific/Apia", "2011-12-30T10:00:00Z")
    assert last == ("2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00")
    assert first == ("2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00")


def test_around_a_jump_over_midnight_the_neighbour_has_what_is_left() -> None:
    # In Toronto clocks went from 23:30 on 30 March 1919 to 00:30: the new day begins when they
    # would have shown 00:00, half an hour later.
    assert cut("day", "America/Toronto", "1919-03-31T04:45:00Z") == (
        "1919-03-30T00:00-05:00",
        "1919-03-31T01:00-04:00",
    )


def test_a_midnight_that_comes_twice_counts_the_first_time() -> None:
    # In St. John's clocks went back from 00:01 to 23:01 of the day before.
    assert cut("day", "America/St_Johns", "2010-11-07T03:00:00Z") == (
        "2010-11-07T00:00-02:30",
        "2010-11-08T00:00-03:30",
    )


@given(moments, st.sampled_from(CADENCES), st.sampled_from(ZONES))
def test_every_moment_is_in_its_period_and_periods_meet(
    at: datetime, cadence: KpiCadence, zone: str
) -> None:
    partition = Periods(cadence, ZoneInfo(zone))
    start, end = partition.containing(to_instant(at))
    assert start <= to_instant(at) < end
    assert from_instant(end) - from_instant(start) <= LONGEST[cadence]
    for edge in (start, (start + end) // 2, end - 1):
        assert partition.containing(edge) == (start, end)
    assert partition.containing(start - 1).end == start
    assert partition.containing(end).start == end


@given(moments, st.sampled_from(CADENCES), st.sampled_from(ZONES))
def test_what_was_found_before_changes_nothing(
    at: datetime, cadence: KpiCadence, zone: str
) -> None:
    fresh = Periods(cadence, ZoneInfo(zone)).containing(to_instant(at))
    assert periods_of(cadence, zone).containing(to_instant(at)) == fresh


@given(
    st.dates(date(1975, 1, 1), date(2037, 12, 30)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_the_days_of_a_quiet_zone_are_those_of_its_calendar(day: date, zone: str) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    start, end = periods_of("day", zone).containing(to_instant(noon))
    following = day + timedelta(days=1)
    assert shown(start, zone).startswith(f"{day}T00:00")
    assert shown(end, zone).startswith(f"{following}T00:00")


@given(moments)
def test_an_instant_is_a_moment(at: datetime) -> None:
    assert from_instant(to_instant(at)) == at


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_all_zones(at: datetime, minutes: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert to_instant(elsewhere) == to_instant(at)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "MAX_CACHED_BUCKETS", 8)
    partition = Periods("hour", ZoneInfo("UTC"))
    starts = [partition.containing(hour * 3_600_000_000).start for hour in range(100)]
    assert all(later - earlier == 3_600_000_000 for earlier, later in pairwise(starts))
    assert len(partition._by_bucket) <= 8 < MAX_CACHED_BUCKETS


def test_kpis_of_one_cadence_and_zone_share_their_periods() -> None:
    assert periods_of("day", "UTC") is periods_of("day", "UTC")


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "localtime",
        "posixrules",
        "Factory",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
    ],
)
def test_what_is_no_zone_of_the_database_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneUnknownError):
        periods_of("day", name)
