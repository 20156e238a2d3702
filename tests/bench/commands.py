"""Commands a second over HTTP, durable, from 64 clients: Cairn's check-ins against plain ones."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
from psycopg.conninfo import conninfo_to_dict

from deploy.local.ports import free_port
from deploy.local.tokens import Role
from tests.bench.load import Caller, Load, drive
from tests.empty_stack import EmptyStack

CLIENTS = 64
SECONDS = 4.0
WARM_UP_SECONDS = 1.0
START_SECONDS = 30.0

Step = Callable[[], Awaitable[object]]


async def measure_cairn(stack: EmptyStack) -> Load:
    """Check-ins on 64 objectives, each by its own client, through the goals service."""
    callers = await connect(stack.running.goals, stack.token(Role.ADMIN), CLIENTS)
    cycle = await active_cycle(callers[0])
    steps = [await check_in_step(caller, cycle) for caller in callers]
    return await _measure(steps, callers)


async def measure_plain(url: str) -> Load:
    """The same through the plain service."""
    callers = await connect(url, "", CLIENTS)
    steps = [await _plain_step(caller) for caller in callers]
    return await _measure(steps, callers)


@contextmanager
def plain_goals(postgres_url: str) -> Iterator[str]:
    """The plain service on the same PostgreSQL."""
    parts = conninfo_to_dict(postgres_url)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts["port"]),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts["password"]),
        "POSTGRES_SCHEMA": "public",
    }
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.plain_goals", str(port)], env=os.environ | settings
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


async def connect(url: str, token: str, count: int) -> list[Caller]:
    """So many connections, once the service listens."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return [await Caller.connect(url, token) for _ in range(count)]
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def active_cycle(caller: Caller) -> str:
    """The id of a new cycle that is under way."""
    today = datetime.now(UTC).date()
    body = {
        "name": "Bench",
        "starts_on": str(today - timedelta(days=10)),
        "ends_on": str(today + timedelta(days=80)),
        "cadence": "quarter",
    }
    planned = await caller.ask("POST", "/v1/cycles", orjson.dumps(body), expect=201)
    cycle: str = orjson.loads(planned.body)["id"]
    await caller.ask(
        "POST", f"/v1/cycles/{cycle}/activate", b"{}", headers=if_match(planned.version)
    )
    return cycle


async def active_objective(caller: Caller, cycle: str) -> tuple[str, str, int]:
    """A new objective under way: its id, its key result's, its version."""
    body = {
        "cycle_id": cycle,
        "title": "Increase user engagement by 30%",
        "owner": {"kind": "team", "id": "team-growth"},
        "key_results": [
            {"title": "Daily active users", "type": "increase", "baseline": 0, "target": 1e6},
            {"title": "Bounce rate", "type": "decrease", "baseline": 60, "target": 51},
        ],
    }
    drafted = await caller.ask("POST", "/v1/objectives", orjson.dumps(body), expect=201)
    objective = orjson.loads(drafted.body)
    path = f"/v1/objectives/{objective['id']}/activate"
    activated = await caller.ask("POST", path, b"{}", headers=if_match(drafted.version))
    return objective["id"], objective["key_results"][0]["id"], activated.version


async def check_in_step(caller: Caller, cycle: str) -> Step:
    """One check-in after the other on an objective of the caller's own."""
    objective, key_result, version = await active_objective(caller, cycle)
    path = f"/v1/objectives/{objective}/key-results/{key_result}/check-ins"

    async def step() -> object:
        nonlocal version
        body = b'{"value": %d, "confidence": 0.7, "comment": "as planned"}' % version
        headers = f"{if_match(version)}idempotency-key: {uuid4()}\r\n"
        reply = await caller.ask("POST", path, body, headers=headers, expect=201)
        version = reply.version
        return reply

    return step


async def _plain_step(caller: Caller) -> Step:
    drafted = await caller.ask("POST", "/v1/objectives?title=Engagement", expect=201)
    path = f"/v1/objectives/{orjson.loads(drafted.body)}/key-results/users/check-ins"
    body = b'{"value": 7, "confidence": 0.7, "comment": "as planned"}'

    async def step() -> object:
        return await caller.ask("POST", path, body, expect=201)

    return step


async def _measure(steps: list[Step], callers: list[Caller]) -> Load:
    await drive(steps, WARM_UP_SECONDS)
    load = await drive(steps, SECONDS)
    for caller in callers:
        caller.close()
    return load


def if_match(version: int) -> str:
    """The header that names the version a change is made for."""
    return f'if-match: "{version}"\r\n'
