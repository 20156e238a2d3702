"""Each process is killed in the middle of the main job; the end state is the same."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.empty_stack import EmptyStack, empty_stack
from tests.end_to_end.company import LOOK_AGAIN_SECONDS, Company
from tests.end_to_end.test_main_job import assert_shown, set_goals, work

PARTS = ("services.goals.main", "services.metrics.main", "services.projections.main", "nats-server",
         "bin/postgres")  # fmt: skip
BOUND_SECONDS = 30.0


@pytest.fixture(scope="module")
def mortal_stack() -> Iterator[EmptyStack]:
    with empty_stack() as running:
        yield running


async def kill(stack: EmptyStack, part: str) -> None:
    """Kill -9, and wait until another process has taken its place."""
    victim = stack.process_of(part)
    os.kill(victim, signal.SIGKILL)
    async with asyncio.timeout(BOUND_SECONDS):
        while True:
            try:
                if stack.process_of(part) != victim:
                    return
            except LookupError:
                pass
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


@pytest.mark.parametrize("part", PARTS)
async def test_a_killed_process_changes_nothing_of_the_end_state(
    mortal_stack: EmptyStack, part: str
) -> None:
    """It is killed while goals are set, and again while readings come in."""
    kpi = f"killed.{part.replace('.', '-').replace('/', '-')}"
    async with Company(mortal_stack) as company:
        killing = asyncio.create_task(kill(mortal_stack, part))
        cycle, market, sales = await set_goals(company, f"Killed: {part}")
        await killing
        killing = asyncio.create_task(kill(mortal_stack, part))
        sales = await work(company, market, sales, kpi)
        await killing
        await assert_shown(company, cycle, market, sales, sales.position)
        history = await company.get("goals", f"/v1/objectives/{market.id}/history")
    topics = [entry["topic"].rpartition("goals.")[2] for entry in history["items"]]
    assert topics == [
        "objective.drafted",
        "key_result.added",
        "key_result.added",
        "objective.activated",
        "key_result.checked_in",
        "key_result.checked_in",
    ]
