"""The intake: what producers publish is recorded once, or they are told why not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import SecretStr

from contracts.cloudevents import CloudEvent
from contracts.metrics import KpiDefined, KpiMeasured
from contracts.readings import RejectedReading
from contracts.subjects import (
    INTAKE_STREAM,
    METRICS_STREAM,
    REJECTED_STREAM,
    intake_subject,
    rejected_subject,
)
from services.chassis.bus import Bus
from services.chassis.postgres import DatabaseUnavailableError, Pool
from services.metrics import intake as intakes
from services.metrics.intake import DURABLE, Intake
from services.metrics.reading_format import MAX_READINGS
from services.metrics.recorder import GroupRecorder
from services.metrics.recording import Recording, Submission
from services.metrics.rejections import RejectionPublisher
from services.metrics.settings import MetricsSettings
from tests.integration.metrics.conftest import REVENUE, Database, Kpis, Starting

AT = "2026-03-04T09:00:00Z"
LATER = "2026-03-04T10:00:00Z"
SUBJECT = intake_subject("pos-1")
BOUND_SECONDS = 20
Row = dict[str, Any]


def row(value: Any = 5.0, **changes: Any) -> Row:
    return {"kpi": REVENUE, "at": AT, "value": value, **changes}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not await true():
            await asyncio.sleep(0.02)


@pytest.fixture
async def bus(settings: MetricsSettings, nats_url: str) -> AsyncIterator[Bus]:
    bus = await Bus.connect(settings.model_copy(update={"nats_url": SecretStr(nats_url)}))
    yield bus
    await bus.close()


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """A producer's connection."""
    client = await nats.connect(nats_url)
    yield client
    await client.close()


@pytest.fixture
async def stream(bus: Bus, client: Client, recorder: GroupRecorder) -> JetStreamContext:
    """The intake stream, with its consumer, before anything is sent."""
    pull = await Intake(bus, recorder)._bind()
    await pull.close()
    return client.jetstream()


@pytest.fixture(autouse=True)
async def revenue(kpis: Kpis) -> None:
    await kpis.define()


@asynccontextmanager
async def running(*workers: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def all_taken(stream: JetStreamContext) -> bool:
    """Whether every message is acknowledged, and with it gone from the stream."""
    return (await stream.stream_info(INTAKE_STREAM)).state.messages == 0


async def send(stream: JetStreamContext, document: object, subject: str = SUBJECT) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    await stream.publish(subject, data)


def recorded(database: Database) -> list[tuple[str, float]]:
    rows = database.rows(
        "SELECT s.name, value FROM readings JOIN sources AS s ON s.number = source_no"
        " ORDER BY at, name, revision"
    )
    return [(each["name"], each["value"]) for each in rows]


async def test_one_reading_and_an_array_are_recorded_under_the_source_of_their_subject(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    await send(stream, row(1.0))
    await send(stream, [row(2.0), row(3.0, at=LATER)], intake_subject("scale_7"))
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    assert recorded(database) == [("pos-1", 1.0), ("scale_7", 2.0), ("scale_7", 3.0)]
    assert sorted(database.values("SELECT name FROM actors")) == [
        "service:pos-1",
        "service:scale_7",
    ]
    assert database.values("SELECT count(*) FROM rejected_readings") == [0]


async def test_a_message_that_comes_again_is_recorded_once(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    batch = [row(1.0), row(2.0, at=LATER), row("x", at=LATER)]

    class Forgetful(Intake):
        """Ends after the commit, before the acknowledgement."""

        async def _record(self, message: Msg) -> None:
            await super()._record(message)
            raise ConnectionError

    await send(stream, batch)
    forgetful = Forgetful(bus, recorder)
    pull = await forgetful._bind()
    [message] = await anext(pull.batches())
    with pytest.raises(ConnectionError):
        await forgetful._take(message)
    await message.nak()
    await pull.close()
    assert not await all_taken(stream)
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    assert recorded(database) == [("pos-1", 1.0), ("pos-1", 2.0)]
    assert database.values("SELECT place FROM rejected_readings") == [2]


GARBAGE = {
    "empty": b"",
    "no utf-8": b"\xff\xfe\x00garbage\x00",
    "no json": b'{"kpi": ',
    "a number": b"5",
    "deep": b"[" * 50_000,
    "too many": b"[" + b"5," * MAX_READINGS + b"5]",
    "large": b"x" * 900_000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_kept_with_its_reason_and_stops_nobody(
    stream: JetStreamContext,
    bus: Bus,
    recorder: GroupRecorder,
    database: Database,
    garbage: bytes,
) -> None:
    await send(stream, garbage)
    await send(stream, row(1.0))
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    assert recorded(database) == [("pos-1", 1.0)]
    [kept] = database.rows("SELECT * FROM rejected_readings")
    assert (kept["source"], kept["message_sequence"], kept["place"]) == ("pos-1", 1, -1)
    assert kept["code"] in {"malformed", "too-many-readings"}
    assert len(kept["quotation"]) <= 2_000


async def test_bad_rows_of_a_message_are_kept_and_the_good_ones_recorded(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    await send(
        stream,
        [row(1.0), row(kpi="un.known"), 5, row(source="pos-2"), row(source="pos-1", at=LATER)],
    )
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    assert recorded(database) == [("pos-1", 1.0), ("pos-1", 5.0)]
    kept = database.rows("SELECT place, code FROM rejected_readings ORDER BY place")
    assert [tuple(each.values()) for each in kept] == [
        (1, "unknown-kpi"),
        (2, "malformed"),
        (3, "foreign-source"),
    ]


async def test_a_subject_that_names_no_source_is_told_apart(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    await send(stream, row(1.0), "intake.readings.shop.till")
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    kept = database.rows("SELECT source, code FROM rejected_readings")
    assert [tuple(each.values()) for each in kept] == [("nameless", "bad-subject")]


async def test_what_the_database_will_not_store_is_set_aside(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    database.connection.execute(
        "ALTER TABLE readings ADD CONSTRAINT small CHECK (value < 100) NOT VALID"
    )
    await send(stream, row(100.0))
    await send(stream, row(1.0, at=LATER))
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    assert recorded(database) == [("pos-1", 1.0)]
    assert database.values("SELECT code FROM rejected_readings") == ["unrecordable"]


async def test_while_the_database_is_away_nothing_is_acknowledged(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    class Away:
        """A recorder that finds the database away three times."""

        attempts = 0

        async def record(self, submission: Submission) -> Recording:
            self.attempts += 1
            info = await stream.consumer_info(INTAKE_STREAM, DURABLE)
            assert info.num_ack_pending == 1
            if self.attempts <= 3:
                raise DatabaseUnavailableError
            return await recorder.record(submission)

    away = Away()
    await send(stream, row(1.0))
    async with running(Intake(bus, away)):  # type: ignore[arg-type]
        await until(lambda: all_taken(stream))
    assert away.attempts == 4
    assert recorded(database) == [("pos-1", 1.0)]


async def test_no_more_is_decoded_at_once_than_there_is_room_for(
    stream: JetStreamContext,
    bus: Bus,
    recorder: GroupRecorder,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_work: list[int] = []

    class Watched(Intake):
        async def _record(self, message: Msg) -> None:
            at_work.append(self._bytes_at_work)
            await super()._record(message)

    size_bytes = len(json.dumps(row(1.0)).encode())
    monkeypatch.setattr(intakes, "MAX_BYTES_AT_WORK", 3 * size_bytes)
    for hour in range(10):
        await send(stream, row(1.0, at=f"2026-03-04T0{hour}:00:00Z"))
    larger_than_the_room = [row(1.0, at=f"2026-03-05T0{hour}:00:00Z") for hour in range(10)]
    await send(stream, larger_than_the_room)
    watched = Watched(bus, recorder)
    async with running(watched):
        await until(lambda: all_taken(stream))
    assert len(recorded(database)) == 20
    large_bytes = len(json.dumps(larger_than_the_room).encode())
    assert max(at_work) == large_bytes
    assert {size for size in at_work if size != large_bytes} <= {
        size_bytes,
        2 * size_bytes,
        3 * size_bytes,
    }
    assert watched._bytes_at_work == 0


async def test_any_number_of_processes_share_the_work(
    stream: JetStreamContext, bus: Bus, new_recorder: Any, database: Database
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(200):
        # Each reading is sent twice, so that both meet some of them.
        moments = [start + timedelta(minutes=number // 2 * 10 + each) for each in range(10)]
        await send(stream, [row(1.0, at=at.isoformat()) for at in moments])
    async with running(Intake(bus, new_recorder()), Intake(bus, new_recorder())):
        await until(lambda: all_taken(stream))
    assert database.values("SELECT count(*) FROM readings") == [1_000]
    assert database.values("SELECT count(*) FROM rejected_readings") == [0]


async def test_the_consumer_has_its_bounds(stream: JetStreamContext) -> None:
    config = (await stream.consumer_info(INTAKE_STREAM, DURABLE)).config
    assert (config.ack_policy, config.max_ack_pending) == (AckPolicy.EXPLICIT, 2_000)


async def test_the_intake_finds_its_place_again_when_the_stream_is_wiped(
    stream: JetStreamContext, bus: Bus, recorder: GroupRecorder, database: Database
) -> None:
    async def is_back() -> bool:
        with suppress(Exception):
            await send(stream, row(2.0, at=LATER))
            return True
        return False

    async def both_are_recorded() -> bool:
        return recorded(database) == [("pos-1", 1.0), ("pos-1", 2.0)]

    await send(stream, row(1.0))
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
        await stream.delete_stream(INTAKE_STREAM)
        await until(is_back)
        await until(both_are_recorded)


async def rejections_told(client: Client, source: str) -> list[RejectedReading]:
    """What a producer was told on its own subject so far."""
    stream = client.jetstream()
    state = (await stream.stream_info(REJECTED_STREAM)).state
    told = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        message = await stream.get_msg(REJECTED_STREAM, sequence)
        assert message.subject == rejected_subject(source)
        told.append(RejectedReading.model_validate_json(message.data or b""))
    return told


async def test_producers_are_told_what_could_not_be_taken_and_why(
    stream: JetStreamContext,
    bus: Bus,
    recorder: GroupRecorder,
    pool: Pool,
    client: Client,
    database: Database,
) -> None:
    async def all_told() -> bool:
        unpublished = "SELECT count(*) FROM rejected_readings WHERE published_at IS NULL"
        return await all_taken(stream) and database.values(unpublished) == [0]

    await send(stream, [row(1.0), row(2.0), row("x", note="a\ud800b")])
    await send(stream, b"garbage")
    async with running(Intake(bus, recorder), RejectionPublisher(bus, pool)):
        await until(all_told)
    told = {
        each.reason.partition(":")[0]: each.reading
        for each in await rejections_told(client, "pos-1")
    }
    assert told["conflict"] == row(2.0, at="2026-03-04 09:00:00+00:00")
    assert set(told) == {"conflict", "malformed"}
    assert len(await rejections_told(client, "pos-1")) == 3


async def test_a_rejection_that_was_published_but_not_marked_is_not_told_twice(
    stream: JetStreamContext,
    bus: Bus,
    recorder: GroupRecorder,
    pool: Pool,
    client: Client,
    database: Database,
) -> None:
    await send(stream, b"garbage")
    async with running(Intake(bus, recorder)):
        await until(lambda: all_taken(stream))
    publisher = RejectionPublisher(bus, pool)
    await bus.ensure_stream(REJECTED_STREAM)
    assert await publisher._publish_some() == 1
    assert await publisher._publish_some() == 0
    database.connection.execute("UPDATE rejected_readings SET published_at = NULL")
    assert await publisher._publish_some() == 1
    assert len(await rejections_told(client, "pos-1")) == 1


async def test_producers_are_told_once_the_bus_is_back(
    stream: JetStreamContext,
    bus: Bus,
    recorder: GroupRecorder,
    pool: Pool,
    client: Client,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = [NoRespondersError(), RuntimeError()]
    publish = bus.jetstream.publish

    async def publish_in_the_end(*args: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return await publish(*args, **options)

    async def told() -> bool:
        return database.values("SELECT published_at IS NOT NULL FROM rejected_readings") == [True]

    monkeypatch.setattr(bus.jetstream, "publish", publish_in_the_end)
    await send(stream, b"garbage")
    async with running(Intake(bus, recorder), RejectionPublisher(bus, pool)):
        await until(told)
    assert len(await rejections_told(client, "pos-1")) == 1


async def published(client: Client) -> list[CloudEvent]:
    """The metrics stream so far."""
    stream = client.jetstream()
    subscription = await stream.pull_subscribe(
        "metrics.>",
        stream=METRICS_STREAM,
        config=ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL),
    )
    total = (await stream.stream_info(METRICS_STREAM)).state.messages
    messages = await subscription.fetch(total, timeout=5) if total else []
    return [CloudEvent.from_message(each.headers, each.data) for each in messages]


async def test_a_reading_from_the_bus_comes_out_of_the_service_as_a_measurement(
    starting: Starting, client: Client, nats_url: str
) -> None:
    async def stream_is_there() -> bool:
        with suppress(Exception):
            await client.jetstream().publish(
                SUBJECT, json.dumps(row(1.5, kpi="sales.new")).encode()
            )
            return True
        return False

    async def rejected() -> bool:
        return len((await service.reader.get("/rejected-readings")).json()["items"]) > 0

    async def measured() -> bool:
        with suppress(Exception):
            return [each.type for each in await published(client)][-1] == KpiMeasured.TYPE
        return False

    async with starting(nats_url=SecretStr(nats_url)) as service:
        await until(stream_is_there)
        await until(rejected)
        await service.define("sales.new")
        await client.jetstream().publish(SUBJECT, json.dumps(row(1.5, kpi="sales.new")).encode())
        await until(measured)
    events = await published(client)
    assert [each.position for each in events] == [1, 2, 3]
    assert events[1].type == KpiDefined.TYPE
    value = KpiMeasured.model_validate_json(events[-1].data)
    assert (value.key, value.value, value.readings) == ("sales.new", 1.5, 1)


async def test_rejected_readings_are_listed_newest_first(
    starting: Starting, client: Client, nats_url: str
) -> None:
    async def all_are_there() -> bool:
        return len((await service.reader.get("/rejected-readings")).json()["items"]) == 3

    async def stream_is_there() -> bool:
        with suppress(Exception):
            await client.jetstream().publish(SUBJECT, b"garbage")
            return True
        return False

    async with starting(nats_url=SecretStr(nats_url)) as service:
        await until(stream_is_there)
        await client.jetstream().publish(
            intake_subject("pos-2"), json.dumps([row(kpi="un.known"), row(at="x")]).encode()
        )
        await until(all_are_there)
        first = (await service.reader.get("/rejected-readings", limit=2)).json()
        rest = (
            await service.reader.get("/rejected-readings", limit=2, cursor=first["next"])
        ).json()
        assert rest["next"] is None
        whole = rest["items"][0]
        assert (whole["source"], whole["index"], whole["code"]) == ("pos-1", None, "malformed")
        assert whole["quotation"] == "garbage"
        rows = {(each["index"], each["code"]) for each in first["items"]}
        assert rows == {(0, "unknown-kpi"), (1, "malformed")}
        own = (await service.reader.get("/rejected-readings", source="pos-1")).json()
        assert own["items"] == [whole]
        for query in ({"source": "a.b"}, {"cursor": "WzVd!"}, {"limit": 0}):
            refused = await service.reader.get("/rejected-readings", **query)
            assert refused.status_code == 422
