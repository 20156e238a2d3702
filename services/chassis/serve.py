"""Running a service: uvicorn, with a stop that lets what is in flight finish and then ends."""

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from services.chassis.health import Drain
from services.chassis.limits import BoundedHeadProtocol
from services.chassis.logs import configure_logs
from services.chassis.settings import ServiceSettings

KEEP_ALIVE_SECONDS = 30
LISTEN_BACKLOG = 2_048
# What closing pools, buses and exporters may take once the last request is answered.
CLOSING_SECONDS = 10
EXIT_STUCK = 70
# A signal handler can only leave a note; uvicorn's own loop looks as often.
SIGNAL_POLL_SECONDS = 0.1

# A service keeps much that lives long and makes little that is cyclic. Looking through all of it
# as often as Python does by default took a third of the time of a service that is sent readings,
# and made the slowest commands twice as slow.
COLLECTOR_THRESHOLDS = (100_000, 50, 50)

log = structlog.get_logger()


def serve(create: Callable[[], FastAPI], settings: ServiceSettings) -> None:
    """Run a service until it is told to stop (SIGTERM or SIGINT).

    Then it is no longer ready, listens on for `drain_delay_seconds`, gives requests in flight
    `drain_seconds` to finish, closes what its lifespan opened, and is gone at the latest
    `CLOSING_SECONDS` after that, whatever hangs.
    """
    configure_logs(settings.log_level, settings.service)
    app = create()
    spare_collector()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedHeadProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=LISTEN_BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    # uvicorn raises the signal again when it is done, for a parent that looks how it ended. For
    # ours a stop that was asked for is a success, so what is raised then finds nothing to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _already_stopped)
    _DrainingServer(config, app.state.drain, settings).run()


def spare_collector() -> None:
    """Let Python look for cyclic garbage seldom, and not among what is there now: that stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _already_stopped(_number: int, _frame: FrameType | None) -> None:
    """The signal was dealt with before."""


class _DrainingServer(uvicorn.Server):
    """Stops in steps, and has an end for the case that a step never does."""

    def __init__(self, config: uvicorn.Config, drain: Drain, settings: ServiceSettings) -> None:
        super().__init__(config)
        self._drain = drain
        self._delay_seconds = settings.drain_delay_seconds
        self._longest_stop_seconds = (
            settings.drain_delay_seconds + settings.drain_seconds + CLOSING_SECONDS
        )
        self._listen_until = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, unless told to stop before that is done.

        A service may wait in its lifespan for a database as long as it takes; uvicorn alone
        would not look at a signal before.
        """
        starting = asyncio.current_task()
        assert starting is not None
        impatience = asyncio.create_task(self._cancel_when_told(starting))
        try:
            await super().startup(sockets)
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
            starting.uncancel()
            log.info("stopped_while_starting")
        finally:
            impatience.cancel()

    async def _cancel_when_told(self, starting: asyncio.Task[Any]) -> None:
        while not self.should_exit:  # noqa: ASYNC110  a signal handler sets no asyncio event
            await asyncio.sleep(SIGNAL_POLL_SECONDS)
        self._arm_last_resort()
        starting.cancel()

    async def on_tick(self, counter: int) -> bool:
        if not await super().on_tick(counter):
            return False
        self._begin_to_stop()
        return time.monotonic() >= self._listen_until

    def _begin_to_stop(self) -> None:
        if self._drain.begun:
            return
        log.info("draining", delay_seconds=self._delay_seconds)
        self._drain.begin()
        self._listen_until = time.monotonic() + self._delay_seconds
        self._arm_last_resort()

    def _arm_last_resort(self) -> None:
        last_resort = threading.Timer(self._longest_stop_seconds, os._exit, [EXIT_STUCK])
        last_resort.daemon = True
        last_resort.start()
