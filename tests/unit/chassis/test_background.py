"""Work beside the requests: it runs while the block does, and always ends with it."""

import asyncio

import pytest

from services.chassis import background
from services.chassis.background import cancel_until_ended, together, until_cancelled, working


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


async def test_works_side_by_side_end_with_the_first_of_them() -> None:
    ended: list[str] = []

    async def lasting() -> None:
        try:
            await until_cancelled()
        finally:
            ended.append("lasting")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await together(lasting(), failing())
    assert ended == ["lasting"]


async def test_works_side_by_side_end_when_they_are_cancelled_although_one_loses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_SECONDS", 0.001)
    ended: list[str] = []

    async def losing() -> None:
        try:
            await until_cancelled()
        except asyncio.CancelledError:
            await until_cancelled()
        finally:
            ended.append("losing")

    task = asyncio.create_task(together(losing(), until_cancelled()))
    await asyncio.sleep(0.001)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == ["losing"]


async def test_whoever_is_cancelled_while_cancelling_waits_for_the_end_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_SECONDS", 0.001)
    may_end = False

    async def stubborn() -> None:
        while not may_end:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue

    work = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    cancelling = asyncio.create_task(cancel_until_ended({work}))
    await asyncio.sleep(0.005)
    cancelling.cancel()
    await asyncio.sleep(0.005)
    assert not cancelling.done()
    may_end = True
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await cancelling
    assert work.done()
