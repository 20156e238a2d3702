"""Recording: every reading of a batch has its fate, whatever was recorded before or meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from services.chassis.postgres import DatabaseUnavailableError, Pool
from services.metrics import recorder as recorders
from services.metrics.domain.readings import Rejection
from services.metrics.meters import RecordingMeters
from services.metrics.persistence import names
from services.metrics.reading_format import Batch
from services.metrics.recorder import (
    GroupRecorder,
    RecorderOverloadedError,
    RecordingContendedError,
)
from services.metrics.recording import IntakeMessage, Submission
from services.metrics.settings import MetricsSettings
from tests.integration.metrics.conftest import REVENUE, Database, Kpis, reading, submission, told

AT = "2026-03-04T12:00:00+00:00"
LATER = "2026-03-04T13:00:00+00:00"


@pytest.fixture(autouse=True)
async def revenue(kpis: Kpis) -> None:
    await kpis.define()


async def record(recorder: GroupRecorder, *readings: object, **more: object) -> dict[str, object]:
    return told(await recorder.record(submission(*readings, **more)))  # type: ignore[arg-type]


def revisions(database: Database) -> list[tuple[int, float]]:
    rows = database.rows("SELECT revision, value FROM readings ORDER BY at, source_no, revision")
    return [(row["revision"], row["value"]) for row in rows]


async def test_a_reading_is_kept_as_it_came(recorder: GroupRecorder, database: Database) -> None:
    full = reading(AT, 5.25, id="r-1", note="größer als 5 €", reason="said so")
    assert await record(recorder, full, reading(LATER, -0.1)) == {"accepted": 2}
    rows = database.rows(
        "SELECT k.key, r.at, r.value, s.name AS source, r.revision, a.name AS actor, r.id,"
        " r.note, r.reason, r.recorded_at FROM readings AS r JOIN kpis AS k USING (kpi_no)"
        " JOIN sources AS s ON s.number = source_no JOIN actors AS a ON a.number = actor_no"
        " ORDER BY at"
    )
    since = datetime.now(UTC) - rows[0].pop("recorded_at")
    assert timedelta() <= since < timedelta(minutes=1)
    assert rows[0] == {
        "key": REVENUE,
        "at": full.at,
        "value": 5.25,
        "source": "pos-1",
        "revision": 1,
        "actor": "service:pos-1",
        "id": "r-1",
        "note": "größer als 5 €",
        "reason": "said so",
    }
    assert (rows[1]["value"], rows[1]["id"], rows[1]["note"], rows[1]["reason"]) == (
        -0.1,
        None,
        None,
        None,
    )


async def test_the_same_reading_again_is_counted_and_nothing_is_written(
    recorder: GroupRecorder, database: Database
) -> None:
    batch = [reading(AT, 5.0), reading(LATER, 6.0)]
    assert await record(recorder, *batch) == {"accepted": 2}
    marks = database.rows("SELECT * FROM touched_periods")
    assert await record(recorder, *batch) == {"duplicates": 2}
    assert await record(recorder, *batch) == {"duplicates": 2}
    assert revisions(database) == [(1, 5.0), (1, 6.0)]
    assert database.rows("SELECT * FROM touched_periods") == marks


async def test_another_value_is_a_conflict_and_the_rest_is_kept(
    recorder: GroupRecorder, database: Database
) -> None:
    await record(recorder, reading(AT, 5.0))
    second = await record(recorder, reading(AT, 6.0), reading(LATER, 7.0), reading(AT, 5.0))
    assert second == {"accepted": 1, "duplicates": 1, "rejected": {0: "conflict"}}
    assert revisions(database) == [(1, 5.0), (1, 7.0)]


async def test_a_correction_is_the_next_revision(
    recorder: GroupRecorder, database: Database
) -> None:
    await record(recorder, reading(AT, 5.0))
    correction = reading(AT, 6.0, correction=True, reason="typo")
    assert await record(recorder, correction) == {"corrections": 1}
    assert await record(recorder, correction) == {"duplicates": 1}
    assert await record(recorder, reading(AT, 5.0)) == {"duplicates": 1}
    assert await record(recorder, reading(AT, 7.0)) == {"rejected": {0: "conflict"}}
    assert revisions(database) == [(1, 5.0), (2, 6.0)]
    reasons = database.values("SELECT reason FROM readings ORDER BY revision")
    assert reasons == [None, "typo"]


async def test_readings_of_one_batch_are_held_against_each_other(
    recorder: GroupRecorder, database: Database
) -> None:
    assert await record(
        recorder,
        reading(AT, 1.0),
        reading(AT, 1.0),
        reading(AT, 2.0),
        reading(AT, 3.0, correction=True, reason="typo"),
        reading(AT, 4.0, correction=True, reason="audit"),
    ) == {"accepted": 1, "duplicates": 1, "corrections": 2, "rejected": {2: "conflict"}}
    assert revisions(database) == [(1, 1.0), (2, 3.0), (3, 4.0)]


async def test_each_sender_of_a_group_learns_of_its_own_readings_only(
    recorder: GroupRecorder,
) -> None:
    outcomes = await asyncio.gather(
        record(recorder, reading(AT, 1.0), reading(AT, 1.0, kpi="un.known")),
        record(recorder, reading(AT, 1.0)),
        record(recorder, reading(AT, 2.0)),
        record(recorder),
    )
    assert outcomes == [
        {"accepted": 1, "rejected": {1: "unknown-kpi"}},
        {"duplicates": 1},
        {"rejected": {0: "conflict"}},
        {},
    ]


async def test_two_sources_measure_the_same_moment(
    recorder: GroupRecorder, database: Database
) -> None:
    both = [reading(AT, 1.0, source="a"), reading(AT, 2.0, source="b")]
    assert await record(recorder, *both) == {"accepted": 2}
    assert sorted(database.values("SELECT name FROM sources")) == ["a", "b"]


async def test_a_batch_marks_the_periods_it_touched_once(
    recorder: GroupRecorder, database: Database
) -> None:
    await record(
        recorder,
        reading("2026-03-04T00:00:00+01:00", 1.0),
        reading("2026-03-04T23:59:59+01:00", 2.0),
        reading("2026-03-05T00:00:00+01:00", 3.0),
    )
    starts = database.values("SELECT period_start FROM touched_periods ORDER BY 1")
    assert starts == [
        datetime(2026, 3, 3, 23, tzinfo=UTC),
        datetime(2026, 3, 4, 23, tzinfo=UTC),
    ]


async def test_rows_are_only_ever_inserted(recorder: GroupRecorder, database: Database) -> None:
    await record(recorder, reading(AT, 1.0))
    for change in ("UPDATE readings SET value = 2", "DELETE FROM readings", "TRUNCATE readings"):
        with pytest.raises(psycopg.errors.RaiseException, match="only ever inserted"):
            database.connection.execute(change)


async def test_a_kpi_that_was_defined_elsewhere_is_known_at_once(
    recorder: GroupRecorder, kpis: Kpis
) -> None:
    new = reading(AT, 1.0, kpi="sales.new")
    assert await record(recorder, new) == {"rejected": {0: "unknown-kpi"}}
    await kpis.define("sales.new")
    assert await record(recorder, new) == {"accepted": 1}


async def test_a_kpi_that_was_retired_elsewhere_takes_no_more(
    recorder: GroupRecorder, kpis: Kpis
) -> None:
    await record(recorder, reading(AT, 1.0))
    await kpis.retire(version=1)
    assert await record(recorder, reading(LATER, 1.0)) == {"rejected": {0: "retired-kpi"}}


async def test_readings_fall_into_the_periods_of_the_newest_definition(
    recorder: GroupRecorder, kpis: Kpis, database: Database
) -> None:
    await record(recorder, reading(AT, 1.0))
    database.connection.execute("DELETE FROM touched_periods")
    await kpis.redefine(version=1, cadence="week")
    database.connection.execute("DELETE FROM touched_periods")
    await record(recorder, reading(LATER, 1.0))
    [mark] = database.rows("SELECT definition, period_start FROM touched_periods")
    assert mark == {"definition": 2, "period_start": datetime(2026, 3, 1, 23, tzinfo=UTC)}


async def test_what_a_message_brings_that_cannot_be_taken_is_kept_once(
    recorder: GroupRecorder, database: Database
) -> None:
    message = IntakeMessage(source="pos-1", sequence=7, at=datetime(2026, 3, 4, tzinfo=UTC))
    batch = Batch(
        [(0, reading(AT, 1.0, source="")), (2, reading(AT, 1.0, kpi="un.known", source=""))],
        [Rejection(1, "malformed", "Expected `object`, got `int`.")],
        {1: "5"},
    )
    brought = Submission(
        batch=batch, actor="service:pos-1", may_write=lambda _: True, message=message
    )
    for _ in range(2):
        recording = await recorder.record(brought)
        assert {each.place: each.code for each in recording.rejections} == {
            1: "malformed",
            2: "unknown-kpi",
        }
    kept = database.rows("SELECT * FROM rejected_readings ORDER BY place")
    assert [(row["place"], row["code"]) for row in kept] == [(1, "malformed"), (2, "unknown-kpi")]
    assert kept[0]["quotation"] == "5"
    assert '"un.known"' in kept[1]["quotation"]
    assert {(row["source"], row["message_sequence"], row["published_at"]) for row in kept} == {
        ("pos-1", 7, None)
    }


async def test_two_processes_take_each_reading_once(
    new_recorder: Callable[[], GroupRecorder], database: Database
) -> None:
    one, other = new_recorder(), new_recorder()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    batches = [
        [
            reading((start + timedelta(minutes=minute)).isoformat(), 1.0)
            for minute in range(first, first + 100)
        ]
        for first in range(0, 2_000, 50)
    ]
    shuffled = random.Random(7).sample(batches, len(batches))
    outcomes = await asyncio.gather(
        *(one.record(submission(*batch)) for batch in batches),
        *(other.record(submission(*batch)) for batch in shuffled),
    )
    distinct = len({each.at for batch in batches for each in batch})
    assert sum(outcome.accepted for outcome in outcomes) == distinct
    assert sum(outcome.duplicates for outcome in outcomes) == 2 * 40 * 100 - distinct
    assert database.values("SELECT count(*) FROM readings") == [distinct]


async def test_of_two_values_recorded_at_once_one_is_taken_and_one_conflicts(
    new_recorder: Callable[[], GroupRecorder], database: Database
) -> None:
    recorders = [new_recorder() for _ in range(3)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for minute in range(30):
        at = (start + timedelta(minutes=minute)).isoformat()
        outcomes = await asyncio.gather(
            *(record(each, reading(at, float(place))) for place, each in enumerate(recorders))
        )
        assert Counter(map(str, outcomes)) == {
            "{'accepted': 1}": 1,
            "{'rejected': {0: 'conflict'}}": 2,
        }
    assert database.values("SELECT count(*) FROM readings") == [30]


async def test_corrections_made_at_once_get_revisions_of_their_own(
    new_recorder: Callable[[], GroupRecorder], database: Database
) -> None:
    recorders = [new_recorder() for _ in range(3)]
    await record(recorders[0], reading(AT, 0.0))
    corrections = [
        reading(AT, float(number), correction=True, reason=f"reason {number}")
        for number in range(1, 31)
    ]
    outcomes = await asyncio.gather(
        *(record(recorders[place % 3], each) for place, each in enumerate(corrections))
    )
    assert outcomes == [{"corrections": 1}] * 30
    rows = revisions(database)
    assert [number for number, _ in rows] == list(range(1, 32))
    assert sorted(value for _, value in rows) == [float(number) for number in range(31)]


async def test_batches_in_opposite_orders_do_not_wait_for_each_other_in_a_circle(
    new_recorder: Callable[[], GroupRecorder],
) -> None:
    one, other = new_recorder(), new_recorder()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    upwards = [
        reading((start + timedelta(minutes=minute)).isoformat(), 1.0) for minute in range(3_000)
    ]
    outcomes = await asyncio.gather(
        one.record(submission(*upwards)), other.record(submission(*reversed(upwards)))
    )
    assert sorted(outcome.accepted for outcome in outcomes) == [0, 3_000]


async def test_a_batch_that_the_database_refuses_fails_alone(
    recorder: GroupRecorder, database: Database
) -> None:
    database.connection.execute(
        "ALTER TABLE readings ADD CONSTRAINT small CHECK (value < 100) NOT VALID"
    )
    outcomes = await asyncio.gather(
        recorder.record(submission(reading(AT, 1.0))),
        recorder.record(submission(reading(LATER, 100.0))),
        recorder.record(submission(reading(AT, 1.0, source="pos-2"))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], psycopg.errors.CheckViolation)
    assert [getattr(outcome, "accepted", None) for outcome in outcomes] == [1, None, 1]


async def test_a_group_goes_on_when_a_sender_goes_away(
    recorder: GroupRecorder, database: Database
) -> None:
    sender = asyncio.create_task(recorder.record(submission(reading(AT, 1.0))))
    await asyncio.sleep(0)
    sender.cancel()
    await recorder.stop()
    assert revisions(database) == [(1, 1.0)]


async def test_more_than_can_wait_is_refused_at_once(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MAX_WAITING_ROWS", 3)
    recorder = GroupRecorder(pool, RecordingMeters(CollectorRegistry()))
    rows = [reading(AT, 1.0), reading(LATER, 1.0)]
    waiting = asyncio.create_task(recorder.record(submission(*rows)))
    await asyncio.sleep(0)
    with pytest.raises(RecorderOverloadedError, match="None of these were recorded"):
        await recorder.record(submission(*rows))
    recorder.start()
    assert (await waiting).accepted == 2
    assert (await recorder.record(submission(*rows))).duplicates == 2
    await recorder.stop()


async def test_what_is_more_than_a_group_waits_for_the_next(
    recorder: GroupRecorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MAX_GROUP_ROWS", 4)
    sent = [reading(f"2026-03-04T{hour:02}:00:00Z", 1.0) for hour in range(20)]
    outcomes = await asyncio.gather(
        *(recorder.record(submission(*sent[first : first + 2])) for first in range(0, 20, 2))
    )
    assert [outcome.accepted for outcome in outcomes] == [2] * 10
    groups = database.values("SELECT count(*) FROM readings GROUP BY xmin::text ORDER BY 1")
    assert max(groups) == 4


async def test_names_that_were_forgotten_keep_their_numbers(
    recorder: GroupRecorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_CACHED_NAMES", 2)
    for _ in range(2):
        await record(recorder, *(reading(AT, 1.0, source=f"s{number}") for number in range(5)))
    assert database.values("SELECT name FROM sources ORDER BY number") == [
        "s0",
        "s1",
        "s2",
        "s3",
        "s4",
    ]
    assert database.values("SELECT count(*) FROM readings") == [5]


async def test_readings_that_others_keep_recording_are_given_up_after_a_while(
    recorder: GroupRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(recorder, reading(AT, 1.0))

    async def see_nothing(*_: object) -> dict[object, object]:
        return {}

    monkeypatch.setattr(recorders, "find_revisions", see_nothing)
    with pytest.raises(RecordingContendedError):
        await recorder.record(submission(reading(AT, 1.0)))


async def test_without_a_database_nothing_is_recorded_and_the_sender_learns_it(
    settings: MetricsSettings, recorder: GroupRecorder, pool: Pool
) -> None:
    await pool.close()
    with pytest.raises(DatabaseUnavailableError):
        await recorder.record(submission(reading(AT, 1.0)))
