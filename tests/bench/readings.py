"""Readings a second, durable and deduplicated: through HTTP and NATS against the fastest plain SQL.

The plain way has nothing to decode, check or answer: prepared arrays go straight into the same
table with `INSERT ... SELECT unnest ... ON CONFLICT DO NOTHING`, a commit for each batch.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import nats
import orjson
import psycopg

from contracts.subjects import INTAKE_STREAM, intake_subject
from deploy.local.tokens import Role
from tests.bench.commands import connect
from tests.bench.load import Caller, Load, exhaust
from tests.empty_stack import EmptyStack

BATCH_ROWS = 1_000
BATCHES = 400
HTTP_CLIENTS = 6
PLAIN_CONNECTIONS = 2
KPI = "bench.sessions"
SOURCE = "bench"
NATS_SOURCE = "simulator"  # whose name the stack's producer has
NATS_CLIENTS = 16
LOOK_AGAIN_SECONDS = 0.01
BOUND_SECONDS = 60.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

_COUNT = """
SELECT count(*) FROM metrics.readings
WHERE source_no = (SELECT number FROM metrics.sources WHERE name = %s)
"""
_PLAIN = """
INSERT INTO metrics.readings (at, value, kpi_no, source_no, revision, actor_no)
SELECT at, value, %(kpi)s, %(source)s, 1, 1
FROM unnest(%(ats)b::timestamptz[], %(values)b::float8[]) AS row (at, value)
ON CONFLICT DO NOTHING
"""


async def define_kpi(stack: EmptyStack) -> None:
    """Define the KPI that the batches measure."""
    caller = (await connect(stack.running.metrics, stack.token(Role.ADMIN), 1))[0]
    definition = {
        "key": KPI,
        "name": "Sessions",
        "direction": "higher",
        "owner": {"kind": "team", "id": "team-growth"},
        "cadence": "day",
        "aggregation": "mean",
    }
    await caller.ask("POST", "/v1/kpis", orjson.dumps(definition), expect=201)
    caller.close()


async def measure_http(stack: EmptyStack, turn: int) -> Load:
    """JSON batches of 1,000 over HTTP; `done` counts readings. Each turn has its own moments."""
    bodies = _bodies(_moments(turn * BATCHES, BATCHES), SOURCE)
    callers = await connect(stack.running.metrics, stack.token(Role.ADMIN), HTTP_CLIENTS)
    load = await exhaust([_post(caller) for caller in callers], bodies)
    for caller in callers:
        caller.close()
    return Load(load.done * BATCH_ROWS, load.seconds, load.latencies)


async def measure_nats(stack: EmptyStack, turn: int) -> Load:
    """JSON batches of 1,000 through the intake stream, until all of them are recorded.

    A message leaves the stream once its readings are: then it is acknowledged.
    """
    messages = _bodies(_moments(turn * BATCHES, BATCHES), NATS_SOURCE)
    producer = await nats.connect(**stack.nats_login())
    admin = await nats.connect(
        stack.running.nats, user="admin", password=stack.home.password("nats-admin")
    )
    producing, watching = producer.jetstream(), admin.jetstream()
    subject = intake_subject(NATS_SOURCE)

    async def publish(message: bytes) -> object:
        return await producing.publish(subject, message)

    load = await exhaust([publish] * NATS_CLIENTS, messages)
    begun = time.perf_counter()
    async with asyncio.timeout(BOUND_SECONDS):
        while (await watching.stream_info(INTAKE_STREAM)).state.messages > 0:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    seconds = load.seconds + time.perf_counter() - begun
    await producer.close()
    await admin.close()
    return Load(load.done * BATCH_ROWS, seconds, load.latencies)


def count(database_url: str, source: str) -> int:
    """How many readings of a source are stored."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_COUNT, [source]).fetchone()
    assert row is not None
    number: int = row[0]
    return number


async def measure_plain(database_url: str, turn: int) -> Load:
    """Prepared arrays into the same table over plain SQL, a commit per batch."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin:
        cursor = await admin.execute(
            "SELECT kpi_no FROM metrics.kpis WHERE key = %s", [KPI], prepare=False
        )
        row = await cursor.fetchone()
    assert row is not None
    batches = [
        {"kpi": row[0], "source": 1_000_000, "ats": ats, "values": [1.5] * BATCH_ROWS}
        for ats in _moments(turn * BATCHES, BATCHES)
    ]
    steps = []
    connections = []
    for _ in range(PLAIN_CONNECTIONS):
        connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
        connections.append(connection)
        steps.append(_insert(connection))
    load = await exhaust(steps, batches)
    for connection in connections:
        await connection.close()
    return Load(load.done * BATCH_ROWS, load.seconds, load.latencies)


def _insert(
    connection: psycopg.AsyncConnection[tuple[object, ...]],
) -> Callable[[dict[str, object]], Awaitable[object]]:
    async def step(batch: dict[str, object]) -> object:
        return await connection.execute(_PLAIN, batch, prepare=True)

    return step


def _post(caller: Caller) -> Callable[[bytes], Awaitable[object]]:
    async def step(body: bytes) -> object:
        reply = await caller.ask("POST", "/v1/readings", body)
        assert orjson.loads(reply.body)["accepted"] == BATCH_ROWS, reply
        return reply

    return step


def _moments(first_batch: int, batches: int) -> list[list[datetime]]:
    """Distinct moments, a second apart, batch by batch."""
    return [
        [BEGIN + timedelta(seconds=batch * BATCH_ROWS + row) for row in range(BATCH_ROWS)]
        for batch in range(first_batch, first_batch + batches)
    ]


def _bodies(batches: list[list[datetime]], source: str) -> list[bytes]:
    """Encoded before the clock runs: the sender's work is not what is measured."""
    value = itertools.count()
    return [
        json.dumps(
            [
                {"kpi": KPI, "at": at.isoformat(), "value": next(value) / 4, "source": source}
                for at in batch
            ]
        ).encode()
        for batch in batches
    ]
