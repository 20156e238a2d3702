"""Keeps the stack's processes running: a process that ends is started again, within bounds.

A process that keeps ending is not helped by yet another start: after MAX_RESTARTS of one of them
within RESTART_WINDOW_SECONDS the whole stack stops and says which one it was.
"""

import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from deploy.local.child_process import ChildProcess
from deploy.local.server_errors import ServerError

MAX_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
FIRST_BACKOFF_SECONDS = 0.25
WATCH_SECONDS = 0.2

Report = Callable[[str], None]


class Part(Protocol):
    """A process of the stack that can be started again after it has ended."""

    @property
    def name(self) -> str:
        """What people are told it is."""
        ...

    @property
    def process(self) -> ChildProcess:
        """Its process at this moment."""
        ...

    def start(self) -> None:
        """Start it and return when it is ready; raise ServerError if it does not get so far."""
        ...

    def stop(self) -> None:
        """End it within a bound; do nothing if it has ended or was never started."""
        ...


class KeepsEndingError(ServerError):
    """A process ended again and again, so that it was given up."""


class Supervisor:
    """Watches parts that are running; `report` gets one line or more for people to read."""

    def __init__(self, parts: Sequence[Part], report: Report) -> None:
        self._parts = parts
        self._report = report
        self._restarts: dict[str, deque[float]] = {
            part.name: deque(maxlen=MAX_RESTARTS) for part in parts
        }

    def watch(self) -> None:
        """Start again whatever ends, until interrupted; raises KeepsEndingError."""
        while True:
            for part in self._parts:
                if part.process.exit_code() is not None:
                    self.heal(part)
            time.sleep(WATCH_SECONDS)

    def heal(self, part: Part) -> None:
        """Start a part that has ended until it runs again; raises KeepsEndingError."""
        while True:
            self._report(obituary(part))
            self._count_restart(part.name)
            try:
                part.start()
            except ServerError:
                continue
            self._report(f"{part.name} runs again.")
            return

    def _count_restart(self, name: str) -> None:
        """Wait longer with each restart, and refuse one too many."""
        restarts, now = self._restarts[name], time.monotonic()
        while restarts and now - restarts[0] > RESTART_WINDOW_SECONDS:
            restarts.popleft()
        if len(restarts) == MAX_RESTARTS:
            raise KeepsEndingError(
                f"{name} ended {MAX_RESTARTS + 1} times within {RESTART_WINDOW_SECONDS:.0f} seconds"
            )
        time.sleep(FIRST_BACKOFF_SECONDS * 2 ** len(restarts))
        restarts.append(now)


def obituary(part: Part) -> str:
    """Say which process ended, how, and what it last wrote."""
    last_lines = "\n".join(f"    {line}" for line in part.process.log_tail().splitlines())
    return f"{part.name} ended ({_ending(part.process.exit_code())}). Its last lines:\n{last_lines}"


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
