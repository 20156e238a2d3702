"""What a check-in costs by the length of its objective's history, and by the size of the store.

A goals service of its own on a scratch database, without a bus: what is measured is the log. The
histories are copies, made inside the database, of objectives that were written through the service:
the bytes of its own mapper under other ids, and the index rows that belong to them. One client asks
one thing after the other, so that the figures are times and not rates.
"""

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import uvloop

from deploy.local.ports import free_port
from deploy.local.tokens import Role, TokenIssuer
from tests.bench.commands import START_SECONDS, active_cycle, active_objective, connect, if_match
from tests.bench.load import Caller
from tests.bench.scratch import scratch_database
from tests.empty_stack import EmptyStack

LENGTHS: Final = (10, 1_000, 10_000)
STORED_OBJECTIVES: Final = 100_000
OBJECTIVES_OF_A_LENGTH: Final = 12
WARM_CHECK_INS: Final = 5
WARM_UP_CHECK_INS: Final = 50
DATABASE: Final = "bench_histories"


@dataclass(frozen=True, slots=True)
class Times:
    """Median times in milliseconds for objectives of one length, in a store of one size.

    `replayed` is a read of all events, before there were snapshots; `cold` a check-in on an
    objective that the service has not in memory, `warm` one after it; `now` and `midway` are reads
    of the present state and of the one half of the history ago.
    """

    what: str
    replayed: float
    cold: float
    warm: float
    now: float
    midway: float


def measure(stack: EmptyStack) -> list[Times]:
    """One row for each length in an empty store, and the first once more in a full one."""
    with (
        scratch_database(stack.postgres_url(), DATABASE) as database,
        _service(stack, database) as goals,
    ):
        return uvloop.run(_measure(goals, stack.token(Role.ADMIN), database))


async def _measure(goals: str, token: str, database: str) -> list[Times]:
    (caller,) = await connect(goals, token, 1)
    store = await _Store.begin(caller, database)
    await store.warm_up()
    rows = [await store.times(f"{length:,} events", length) for length in LENGTHS]
    store.fill(STORED_OBJECTIVES)
    await store.warm_up()
    full = f"{LENGTHS[0]:,} events, {STORED_OBJECTIVES:,} objectives"
    rows.append(await store.times(full, LENGTHS[0]))
    caller.close()
    return rows


@dataclass(frozen=True, slots=True)
class _Copied:
    """A copy of an objective: its id, its version, the key result that is checked in on."""

    id: UUID
    version: int
    key_result: str


@dataclass(slots=True)
class _Store:
    """The scratch database, and the two objectives that everything else is copied from."""

    caller: Caller
    url: str
    bare: UUID
    checked_in: UUID
    key_result: str

    @classmethod
    async def begin(cls, caller: Caller, url: str) -> "_Store":
        """Write one objective that has just begun, and one with the shortest history."""
        cycle = await active_cycle(caller)
        bare, _, _ = await active_objective(caller, cycle)
        checked_in, key_result, version = await active_objective(caller, cycle)
        while version < LENGTHS[0]:
            version = await _check_in(caller, _Copied(UUID(checked_in), version, key_result))
        return cls(caller, url, UUID(bare), UUID(checked_in), key_result)

    async def warm_up(self) -> None:
        """Let the statements be prepared, and the service see that the log has grown."""
        (copied,) = self.copies(1, LENGTHS[0])
        for version in range(copied.version, copied.version + WARM_UP_CHECK_INS):
            await _check_in(self.caller, _Copied(copied.id, version, copied.key_result))
            await _read(self.caller, copied)

    async def times(self, what: str, length: int) -> Times:
        """The row of this length."""
        copied = self.copies(OBJECTIVES_OF_A_LENGTH, length)
        caller = self.caller

        async def warm(each: _Copied) -> None:
            for version in range(length + 1, length + 1 + WARM_CHECK_INS):
                await _check_in(caller, _Copied(each.id, version, each.key_result))

        return Times(
            what=what,
            # The first reader of a history leaves the snapshots that its writer would have left.
            replayed=await _median(copied, lambda each: _read(caller, each)),
            cold=await _median(copied, lambda each: _check_in(caller, each)),
            warm=await _median(copied, warm) / WARM_CHECK_INS,
            now=await _median(copied, lambda each: _read(caller, each)),
            midway=await _median(copied, lambda each: _read(caller, each, length // 2)),
        )

    def fill(self, count: int) -> None:
        """So many objectives that have just begun."""
        with self._appending() as connection:
            _copy(connection, self.bare, count)

    def copies(self, count: int, length: int) -> list[_Copied]:
        """So many objectives with a history of that many events."""
        with self._appending() as connection:
            ids = _copy(connection, self.checked_in, count)
            lengths = {"from": LENGTHS[0], "to": length}
            connection.execute(_LENGTHEN, {"template": self.checked_in, **lengths})
            connection.execute(_COPY_CHECK_INS, {"template": self.checked_in, **lengths})
            connection.execute(_SET_VERSION, [length])
        return [_Copied(each, length, self.key_result) for each in ids]

    @contextmanager
    def _appending(self) -> Iterator[psycopg.Connection[Any]]:
        """As another process would: under the log's lock, and with statistics afterwards."""
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE goals.stored_events IN EXCLUSIVE MODE")
            yield connection
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[Any], template: UUID, count: int) -> list[UUID]:
    """Copies of an objective's events and of its row in the index; their ids."""
    connection.execute(_COPIES, [count])
    connection.execute(_COPY_EVENTS, [template])
    connection.execute(_COPY_OBJECTIVES, [template])
    return [each for (each,) in connection.execute("SELECT id FROM copies").fetchall()]


async def _median(copied: Sequence[_Copied], step: Callable[[_Copied], Awaitable[object]]) -> float:
    """The median time of the step, in milliseconds."""
    times = []
    for each in copied:
        begun = time.perf_counter()
        await step(each)
        times.append((time.perf_counter() - begun) * 1_000)
    return median(times)


async def _check_in(caller: Caller, copied: _Copied) -> int:
    path = f"/v1/objectives/{copied.id}/key-results/{copied.key_result}/check-ins"
    body = b'{"value": %d, "confidence": 0.7, "comment": "as planned"}' % copied.version
    reply = await caller.ask("POST", path, body, headers=if_match(copied.version), expect=201)
    return reply.version


async def _read(caller: Caller, copied: _Copied, version: int | None = None) -> None:
    query = "" if version is None else f"?version={version}"
    reply = await caller.ask("GET", f"/v1/objectives/{copied.id}{query}")
    assert orjson.loads(reply.body)["id"] == str(copied.id)


@contextmanager
def _service(stack: EmptyStack, database_url: str) -> Iterator[str]:
    """The goals service on that database; nobody listens where it looks for the bus."""
    port = free_port()
    settings = {
        "CAIRN_DATABASE_URL": database_url,
        "CAIRN_NATS_URL": f"nats://127.0.0.1:{free_port()}",
        "CAIRN_JWKS": str(TokenIssuer(stack.home.keys).jwks_file),
        "CAIRN_PORT": str(port),
        "CAIRN_LOG_LEVEL": "error",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.goals.main"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


_COPIES = """
CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
SELECT number, gen_random_uuid() AS id FROM generate_series(1, %s) AS number
"""
_COPY_EVENTS = """
INSERT INTO goals.stored_events
    (originator_id, originator_version, topic, state, notification_id, recorded_at)
SELECT c.id, e.originator_version, e.topic, e.state,
    last.position + row_number() OVER (ORDER BY c.number, e.originator_version), last.moment
FROM copies AS c, goals.stored_events AS e,
    (SELECT max(notification_id), max(recorded_at) FROM goals.stored_events)
        AS last (position, moment)
WHERE e.originator_id = %s
"""
# Whatever columns the row has: all but these are the template's.
_COPY_OBJECTIVES = """
INSERT INTO goals.objectives
SELECT made.*
FROM goals.objectives AS o, copies AS c, goals.stored_events AS e,
    jsonb_populate_record(
        o, jsonb_build_object('id', c.id, 'drafted_position', e.notification_id)
    ) AS made
WHERE o.id = %s AND e.originator_id = c.id AND e.originator_version = 1
"""
# The last check-in again and again, each under an id of its own.
_LENGTHEN = """
INSERT INTO goals.stored_events
    (originator_id, originator_version, topic, state, notification_id, recorded_at)
SELECT c.id, version, said.topic,
    convert_to(replace(said.state, said.check_in_id, gen_random_uuid()::text), 'UTF8'),
    last.position + row_number() OVER (ORDER BY c.number, version), last.moment
FROM copies AS c, generate_series(%(from)s + 1, %(to)s) AS version,
    (SELECT topic, convert_from(state, 'UTF8'),
        convert_from(state, 'UTF8')::jsonb #>> '{event,check_in_id}'
    FROM goals.stored_events WHERE originator_id = %(template)s AND originator_version = %(from)s)
        AS said (topic, state, check_in_id),
    (SELECT max(notification_id), max(recorded_at) FROM goals.stored_events)
        AS last (position, moment)
"""
_COPY_CHECK_INS = """
INSERT INTO goals.check_ins
SELECT made.*
FROM goals.check_ins AS said, copies AS c, goals.stored_events AS e,
    jsonb_populate_record(said, jsonb_build_object(
        'objective_id', c.id, 'version', e.originator_version,
        'check_in_id', convert_from(e.state, 'UTF8')::jsonb #>> '{event,check_in_id}'
    )) AS made
WHERE said.objective_id = %(template)s AND said.version = %(from)s
    AND e.originator_id = c.id AND e.topic =
    (SELECT topic FROM goals.stored_events
    WHERE originator_id = %(template)s AND originator_version = %(from)s)
"""
_SET_VERSION = """
UPDATE goals.objectives SET version = %s WHERE id IN (SELECT id FROM copies)
"""
