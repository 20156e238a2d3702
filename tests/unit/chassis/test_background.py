"""Work beside the requests: it runs while the block does, and always ends with it."""

import asyncio

import pytest

from services.chassis import background
from services.chassis.background import until_cancelled, working


async def test_works_run_together_and_end_with_the_block() -> None:
    running: list[str] = []

    async def work(name: str) -> None:
        running.append(name)
        try:
            await until_cancelled()
        finally:
            running.remove(name)

    async with working(work("a"), work("b")):
        await asyncio.sleep(0)
        assert running == ["a", "b"]
    assert running == []


async def test_a_work_that_swallows_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_SECONDS", 0.001)
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await until_cancelled()
            except asyncio.CancelledError:
                swallowed += 1
        await until_cancelled()

    async with asyncio.timeout(5), working(stubborn()):
        await asyncio.sleep(0)
    assert swallowed == 3
