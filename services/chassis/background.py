"""Work that goes on beside the requests, and reliably ends with the service."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 0.2


async def until_cancelled() -> None:
    """Wait for nothing else."""
    await asyncio.Event().wait()


@asynccontextmanager
async def working(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let works run while the block does; they are gone when it has ended."""
    tasks = {asyncio.create_task(work) for work in works}
    try:
        yield
    finally:
        await cancel_until_ended(tasks)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Let works run side by side until one of them ends, and with it the others.

    Raises what that one raised. Unlike a task group it also ends works that lose a cancellation.
    """
    tasks = {asyncio.create_task(work) for work in works}
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_until_ended(tasks)
    for task in ended:
        task.result()


async def cancel_until_ended(tasks: AbstractSet[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they end; a cancellation of this one meanwhile waits for that.

    One request to end can get lost: in Python 3.11 `asyncio.wait_for` swallows a cancellation
    that meets the result it waits for (CPython issue 86296), and the clients of NATS and of
    PostgreSQL wait that way.
    """
    interruption: asyncio.CancelledError | None = None
    while tasks:
        for task in tasks:
            task.cancel()
        try:
            _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            interruption = error
    if interruption is not None:
        raise interruption
