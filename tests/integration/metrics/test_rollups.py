"""Rollups are what the readings of a period come to, whatever came late, twice or corrected."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest

from contracts.metrics import Aggregation, KpiCadence
from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.writer import Writer
from services.chassis.postgres import Connection, Pool
from services.metrics import rollups
from services.metrics.application import ROLLUPS
from services.metrics.domain.events import KpiMeasured, KpiRetired
from services.metrics.domain.periods import from_instant, periods_of, to_instant
from services.metrics.domain.readings import MAX_MAGNITUDE
from services.metrics.persistence.rollups import MarkedPeriod, marked_after
from services.metrics.reading_format import ReadingBody
from services.metrics.recorder import GroupRecorder
from services.metrics.rollups import Flusher
from tests.integration.metrics.conftest import (
    MARIA,
    REVENUE,
    Database,
    Kpis,
    reading,
    submission,
    utc,
)

DAY = utc("2026-03-04T00:00:00+01:00")
NEXT_DAY = utc("2026-03-05T00:00:00+01:00")


async def record(recorder: GroupRecorder, *readings: ReadingBody) -> None:
    recording = await recorder.record(submission(*readings))
    assert recording.rejections == []


async def measured(log: EventLog) -> list[KpiMeasured]:
    """What the log says was measured, in its order."""
    events = [logged.event for logged in await log.after(0, 1_000)]
    return [event for event in events if isinstance(event, KpiMeasured)]


async def test_a_period_comes_to_what_its_readings_say(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, log: EventLog, database: Database
) -> None:
    await kpis.define()
    await record(
        recorder,
        reading("2026-03-04T09:00:00+01:00", 1.5),
        reading("2026-03-04T10:00:00+01:00", 2.0),
        reading("2026-03-05T00:00:00+01:00", 8.0),
    )
    assert await flusher.sweep() == 2
    assert await measured(log) == [
        KpiMeasured(
            key=REVENUE,
            definition=1,
            period_start=DAY,
            period_end=NEXT_DAY,
            value=3.5,
            readings=2,
            latest_value=2.0,
            latest_at=utc("2026-03-04T10:00:00+01:00"),
        ),
        KpiMeasured(
            key=REVENUE,
            definition=1,
            period_start=NEXT_DAY,
            period_end=NEXT_DAY + timedelta(days=1),
            value=8.0,
            readings=1,
            latest_value=8.0,
            latest_at=NEXT_DAY,
        ),
    ]
    assert database.rollups() == {(1, DAY): (3.5, 2), (1, NEXT_DAY): (8.0, 1)}
    assert database.values("SELECT count(*) FROM touched_periods") == [0]
    assert database.values("SELECT position FROM rollups ORDER BY period_start") == [2, 3]


async def test_who_measured_is_no_person(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, log: EventLog
) -> None:
    await kpis.define()
    await record(recorder, reading("2026-03-04T09:00:00Z", 1.0))
    await flusher.sweep()
    event = (await log.after(1))[0]
    assert (event.context.actor.id, event.context.actor.kind) == (
        "cairn-metrics-rollups",
        "automation",
    )


async def test_late_readings_and_corrections_change_their_own_period(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, database: Database, log: EventLog
) -> None:
    await kpis.define()
    await record(recorder, reading("2026-03-05T09:00:00Z", 1.0))
    await flusher.sweep()
    await record(recorder, reading("2026-03-04T09:00:00Z", 2.0))
    await flusher.sweep()
    await record(
        recorder, reading("2026-03-05T09:00:00Z", 10.0, correction=True, reason="a zero was lost")
    )
    await flusher.sweep()
    assert database.rollups() == {(1, DAY): (2.0, 1), (1, NEXT_DAY): (10.0, 1)}
    changes = [(each.period_start, each.value) for each in await measured(log)]
    assert changes == [(NEXT_DAY, 1.0), (DAY, 2.0), (NEXT_DAY, 10.0)]


async def test_what_changes_nothing_is_no_event(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, log: EventLog, database: Database
) -> None:
    await kpis.define(aggregation="max")
    at = "2026-03-04T09:00:00Z"
    await record(recorder, reading(at, 5.0))
    assert await flusher.sweep() == 1
    await record(recorder, reading(at, 5.0))
    assert await flusher.sweep() == 0
    # A touch without a change: as when two flushers meet.
    database.connection.execute(
        "INSERT INTO touched_periods SELECT period_start, period_end, kpi_no, definition"
        " FROM rollups"
    )
    assert await flusher.sweep() == 0
    assert len(await measured(log)) == 1
    assert database.values("SELECT count(*) FROM touched_periods") == [0]


@pytest.mark.parametrize(
    ("aggregation", "value"),
    [("last", 2.0), ("sum", 9.0), ("mean", 3.0), ("min", 2.0), ("max", 4.0), ("count", 3.0)],
)
async def test_readings_are_aggregated_as_the_definition_says(
    kpis: Kpis,
    recorder: GroupRecorder,
    flusher: Flusher,
    database: Database,
    aggregation: Aggregation,
    value: float,
) -> None:
    await kpis.define(aggregation=aggregation)
    await record(
        recorder,
        reading("2026-03-04T11:00:00Z", 2.0),
        reading("2026-03-04T10:00:00Z", 4.0),
        reading("2026-03-04T09:00:00Z", 3.0),
    )
    await flusher.sweep()
    assert database.rollups() == {(1, DAY): (value, 3)}


async def test_a_redefinition_measures_today_anew_and_leaves_the_past(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, database: Database
) -> None:
    await kpis.define(cadence="quarter", time_zone="UTC")
    now = datetime.now(UTC)
    last_year = now - timedelta(days=365)
    await record(
        recorder,
        reading(last_year.isoformat(), 1.0),
        reading(now.isoformat(), 2.0),
        reading(now.isoformat(), 4.0, source="pos-2"),
    )
    await flusher.sweep()
    await kpis.redefine(version=1, aggregation="mean")
    await flusher.sweep()
    past, present = (
        from_instant(periods_of("quarter", "UTC").containing(to_instant(at)).start)
        for at in (last_year, now)
    )
    assert database.rollups() == {
        (1, past): (1.0, 1),
        (1, present): (6.0, 2),
        (2, present): (3.0, 2),
    }
    await record(recorder, reading(last_year.isoformat(), 3.0, source="pos-2"))
    await flusher.sweep()
    assert database.rollups()[1, past] == (1.0, 1)
    assert database.rollups()[2, past] == (2.0, 2)


async def test_the_largest_values_add_up(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, database: Database
) -> None:
    for aggregation in ("sum", "mean"):
        await kpis.define(f"big.{aggregation}", aggregation=aggregation)
        await record(
            recorder,
            *(
                reading(f"2026-03-04T09:00:{second:02}Z", MAX_MAGNITUDE, kpi=f"big.{aggregation}")
                for second in range(60)
            ),
        )
    await flusher.sweep()
    assert database.rollups("big.sum")[1, DAY] == (pytest.approx(60 * MAX_MAGNITUDE), 60)
    assert database.rollups("big.mean")[1, DAY] == (pytest.approx(MAX_MAGNITUDE), 60)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ((0.1, 0.1, 0.1), 0.1),
        ((-0.1, -0.1, -0.1), -0.1),
        ((5e-324, 0.0), 0.0),
        ((5e-324, 5e-324, 0.0), 5e-324),
        ((-5e-324, 0.0, 0.0), 0.0),
        ((5e-324, 5e-324), 5e-324),
    ],
)
async def test_a_mean_is_not_pushed_out_of_what_it_is_a_mean_of(
    kpis: Kpis,
    recorder: GroupRecorder,
    flusher: Flusher,
    database: Database,
    values: Sequence[float],
    mean: float,
) -> None:
    await kpis.define(aggregation="mean")
    await record(
        recorder,
        *(reading(f"2026-03-04T09:00:0{second}Z", each) for second, each in enumerate(values)),
    )
    await flusher.sweep()
    assert database.rollups() == {(1, DAY): (mean, len(values))}


async def test_what_came_before_a_retirement_is_measured_before_it(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, log: EventLog
) -> None:
    await kpis.define()
    await record(recorder, reading("2026-03-04T09:00:00Z", 1.0))
    await flusher.sweep()
    await record(
        recorder, reading("2026-03-05T09:00:00Z", 2.0), reading("2026-03-04T10:00:00Z", 4.0)
    )
    await kpis.retire(version=1)
    *_, last, retired = await log.after(0, 100)
    assert isinstance(last.event, KpiMeasured)
    assert isinstance(retired.event, KpiRetired)
    assert (last.event.period_start, last.event.value) == (NEXT_DAY, 2.0)
    assert (last.context.actor, retired.context.actor) == (ROLLUPS, MARIA)
    assert await flusher.sweep() == 1
    assert [each.value for each in await measured(log)] == [1.0, 2.0, 5.0]


async def test_a_sweep_gets_through_more_periods_than_fit_into_a_command(
    kpis: Kpis,
    recorder: GroupRecorder,
    pool: Pool,
    writer: Writer,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollups, "MAX_PERIODS_PER_COMMAND", 7)
    for key in ("a", "b"):
        await kpis.define(key, cadence="hour")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [(start + timedelta(hours=hour)).isoformat() for hour in range(25)]
    await record(recorder, *(reading(at, 1.0, kpi=key) for at, key in product(hours, "ab")))
    assert await Flusher(pool, writer, interval_seconds=1).sweep() == 50
    assert len(database.rollups("a")) == len(database.rollups("b")) == 25


async def test_where_periods_take_long_fewer_go_into_a_command(
    kpis: Kpis,
    recorder: GroupRecorder,
    pool: Pool,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await kpis.define(cadence="hour")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [(start + timedelta(hours=hour)).isoformat() for hour in range(50)]
    sizes: list[int] = []

    async def asked(connection: Connection, after: MarkedPeriod, limit: int) -> list[MarkedPeriod]:
        sizes.append(limit)
        return await marked_after(connection, after, limit)

    monkeypatch.setattr(rollups, "marked_after", asked)
    monkeypatch.setattr(rollups, "MAX_PERIODS_PER_COMMAND", 20)
    flusher = Flusher(pool, writer, interval_seconds=1)
    monkeypatch.setattr(rollups, "LONGEST_COMMAND_SECONDS", 0.0)
    await record(recorder, *(reading(at, 1.0) for at in hours))
    assert await flusher.sweep() == 50
    assert sizes[:6] == [20, 10, 5, 2, 1, 1]
    monkeypatch.setattr(rollups, "LONGEST_COMMAND_SECONDS", 60.0)
    sizes.clear()
    await record(recorder, *(reading(at, 2.0, source="pos-2") for at in hours))
    assert await flusher.sweep() == 50
    assert sizes == [1, 2, 4, 8, 16, 20, 20]


async def test_two_flushers_at_once_measure_each_change_once(
    kpis: Kpis, recorder: GroupRecorder, pool: Pool, writer: Writer, log: EventLog
) -> None:
    await kpis.define(cadence="hour")
    flushers = [Flusher(pool, writer, interval_seconds=1) for _ in range(3)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    await record(
        recorder,
        *(reading((start + timedelta(hours=hour)).isoformat(), 1.0) for hour in range(300)),
    )
    assert sum(await asyncio.gather(*(each.sweep() for each in flushers))) == 300
    assert len(await measured(log)) == 300


async def test_whatever_the_rate_of_readings_a_value_goes_out_once_in_an_interval(
    kpis: Kpis, recorder: GroupRecorder, pool: Pool, writer: Writer, log: EventLog
) -> None:
    await kpis.define(aggregation="count")
    interval = 0.3
    running = asyncio.create_task(Flusher(pool, writer, interval_seconds=interval).run())
    start = datetime(2026, 3, 4, 1, tzinfo=UTC)
    sent = 0
    while len(await measured(log)) < 3:
        at = start + timedelta(milliseconds=sent)
        await record(recorder, reading(at.isoformat(), 1.0))
        sent += 1
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    moments = [logged.recorded_at for logged in await log.after(1)]
    for earlier, later in pairwise(moments):
        assert earlier is not None
        assert later is not None
        assert later - earlier >= timedelta(seconds=interval)


class Oracle:
    """The same rules, written down a second time and slowly: nothing here is incremental."""

    def __init__(self, cadence: KpiCadence, aggregation: Aggregation, zone: str) -> None:
        self._periods = periods_of(cadence, zone)
        self._aggregation = aggregation
        self._current: dict[tuple[datetime, str], list[ReadingBody]] = {}

    def take(self, sent: ReadingBody) -> None:
        held = self._current.setdefault((sent.at, sent.source), [])
        if not held or (sent.correction and not self._is_known(sent, held)):
            held.append(sent)

    def rollups(self) -> dict[datetime, tuple[float, int]]:
        by_start: dict[datetime, list[ReadingBody]] = {}
        for held in self._current.values():
            start = from_instant(self._periods.containing(to_instant(held[-1].at)).start)
            by_start.setdefault(start, []).append(held[-1])
        return {start: (self._value(each), len(each)) for start, each in by_start.items()}

    def _is_known(self, sent: ReadingBody, held: Sequence[ReadingBody]) -> bool:
        return held[-1].value == sent.value or any(
            (each.value, each.reason) == (sent.value, sent.reason) for each in held
        )

    def _value(self, readings: Sequence[ReadingBody]) -> float:
        values = [each.value for each in readings]
        latest = max(each.at for each in readings)
        aggregates: dict[Aggregation, Callable[[], float]] = {
            "last": lambda: next(each.value for each in readings if each.at == latest),
            "sum": lambda: math.fsum(values),
            "mean": lambda: math.fsum(values) / len(values),
            "min": lambda: min(values),
            "max": lambda: max(values),
            "count": lambda: float(len(values)),
        }
        return aggregates[self._aggregation]()


CASES: list[tuple[KpiCadence, Aggregation, str]] = [
    ("hour", "last", "Asia/Kolkata"),
    ("day", "sum", "Europe/Berlin"),
    ("week", "mean", "America/New_York"),
    ("month", "min", "Australia/Lord_Howe"),
    ("quarter", "max", "UTC"),
    ("day", "count", "Pacific/Apia"),
]


def random_readings(chance: random.Random, key: str, among: Sequence[datetime]) -> Any:
    """Duplicates, conflicts, corrections and late ones, all of few enough moments to meet."""
    for _ in range(chance.randrange(1, 40)):
        correction = chance.random() < 0.3
        yield ReadingBody(
            kpi=key,
            at=chance.choice(among),
            value=chance.choice([1.0, 2.5, -3.0, 0.1, chance.uniform(-1e6, 1e6)]),
            # The newest of two readings of one moment would be either.
            source="a" if key == "case.0" else chance.choice("ab"),
            correction=correction,
            reason=chance.choice(["typo", "audit", "recount"]) if correction else None,
        )


@pytest.mark.parametrize("seed", range(5))
async def test_rollups_are_what_a_slow_and_simple_oracle_says(
    kpis: Kpis, recorder: GroupRecorder, flusher: Flusher, database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    oracles = {}
    for number, (cadence, aggregation, zone) in enumerate(CASES):
        key = f"case.{number}"
        await kpis.define(key, cadence=cadence, aggregation=aggregation, time_zone=zone)
        oracles[key] = Oracle(cadence, aggregation, zone)
    first = datetime(2026, 3, 27, tzinfo=UTC)
    moments = [first + timedelta(minutes=chance.randrange(20_000)) for _ in range(60)]
    for _ in range(12):
        key = chance.choice(list(oracles))
        sent = list(random_readings(chance, key, moments))
        await recorder.record(submission(*sent))
        for each in sent:
            oracles[key].take(each)
        if chance.random() < 0.4:
            await flusher.sweep()
    await flusher.sweep()
    for key, oracle in oracles.items():
        found = {start: rollup for (_, start), rollup in database.rollups(key).items()}
        expected = oracle.rollups()
        assert found.keys() == expected.keys()
        for start, (value, count) in expected.items():
            assert found[start] == (pytest.approx(value, rel=1e-12, abs=1e-9), count)
