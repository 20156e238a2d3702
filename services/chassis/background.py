"""Work that goes on beside the requests, and reliably ends with the service."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 0.2


async def until_cancelled() -> None:
    """Wait for nothing else."""
    await asyncio.Event().wait()


@asynccontextmanager
async def working(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let works run while the block does; they are gone when it has ended.

    A work is cancelled until it ends, because one request to do so can get lost: in Python 3.11
    `asyncio.wait_for` swallows a cancellation that meets the result it waits for (CPython issue
    86296), and the NATS client waits that way everywhere.
    """
    tasks = {asyncio.create_task(work) for work in works}
    try:
        yield
    finally:
        while tasks:
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_SECONDS)
