"""From a command's acknowledgement to its effect in the alignment tree, at 200 commands a second.

The clock runs from the moment the client has the answer of the command until it has a tree that
shows it: the query's own time is part of the figure.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson

from deploy.local.tokens import Role
from tests.bench.commands import active_cycle, active_objective, connect, if_match
from tests.bench.load import Caller, Load
from tests.empty_stack import EmptyStack

COMMANDS_PER_SECOND = 200
CLIENTS = 20
SECONDS = 8.0
# One command in so many is looked for in the tree, evenly: the others are the load.
LOOKED_FOR = 5


async def measure(stack: EmptyStack) -> Load:
    """Latencies from acknowledged to visible."""
    token = stack.token(Role.ADMIN)
    writers = await connect(stack.running.goals, token, CLIENTS)
    readers = await connect(stack.running.projections, token, CLIENTS)
    cycle = await active_cycle(writers[0])
    pairs = list(zip(writers, readers, strict=True))
    steps = [await _step(writer, reader, cycle) for writer, reader in pairs]
    for step in steps:  # until the stack follows, its start would be measured
        await step(True)
    latencies: list[float] = []
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for place, step in enumerate(steps):
            clients.create_task(_at_a_pace(step, place, latencies))
    for caller in (*writers, *readers):
        caller.close()
    return Load(len(latencies), time.perf_counter() - begun, latencies)


async def _at_a_pace(
    step: Callable[[bool], Awaitable[float | None]], place: int, latencies: list[float]
) -> None:
    """Repeat the step evenly, so that all clients together make the rate."""
    begun = time.perf_counter() + place / COMMANDS_PER_SECOND
    interval = CLIENTS / COMMANDS_PER_SECOND
    for turn in range(int(SECONDS / interval)):
        await asyncio.sleep(max(0.0, begun + turn * interval - time.perf_counter()))
        latency = await step((turn + place) % LOOKED_FOR == 0)
        if latency is not None:
            latencies.append(latency)


async def _step(
    writer: Caller, reader: Caller, cycle: str
) -> Callable[[bool], Awaitable[float | None]]:
    objective, key_result, version = await active_objective(writer, cycle)
    path = f"/v1/objectives/{objective}/key-results/{key_result}/check-ins"

    async def step(look: bool) -> float | None:
        nonlocal version
        value = version * 10
        reply = await writer.ask(
            "POST", path, b'{"value": %d}' % value, headers=if_match(version), expect=201
        )
        acknowledged = time.perf_counter()
        version = reply.version
        if not look:
            return None
        tree = await reader.ask(
            "GET",
            f"/v1/alignment-tree?root={objective}&depth=0",
            headers=f"cairn-min-position: {reply.position}\r\n",
        )
        visible = time.perf_counter() - acknowledged
        shown = orjson.loads(tree.body)["nodes"][0]["key_results"]
        assert value in [each["value"] for each in shown], (value, shown)
        return visible

    return step
