"""Child processes that cannot outlive their parent, and whose end is bounded in time.

On Linux the kernel signals each child when its parent dies, however it dies (`prctl`,
PR_SET_PDEATHSIG). Elsewhere only an orderly end of the parent ends its children.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.server_errors import ServerError
from deploy.local.waiting import wait_until

LOG_LIMIT_BYTES = 10 * 1024 * 1024
LOG_TAIL_BYTES = 16 * 1024
KILL_WAIT_SECONDS = 2.0

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1

# Loaded here and not in the forked child, where importing could meet a lock held at the fork.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    """The unprivileged user and group that a child runs as when its parent is root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, and with which signal the kernel ends it if its parent is gone.

    `lock` is a file descriptor that the child holds open, and with it the lock on that file.
    """

    arguments: Sequence[str | Path]
    environment: Mapping[str, str]
    working_directory: Path
    log: Path
    identity: Identity | None = None
    orphan_signal: signal.Signals = signal.SIGTERM
    lock: int | None = None


class ChildProcess:
    """One running child; its standard output and error go to its log file."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._log = command.log
        self._process = _spawn(command)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return None while it runs; a negative number names the signal that ended it."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait at most so long for its end; return its exit code, or None if it still runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def await_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Return once it is ready; end it and raise ServerError if that takes too long.

        If it ends before it is ready, that is a ServerError too, with its last words.
        """
        settled = wait_until(lambda: self.exit_code() is not None or is_ready(), seconds)
        if settled and self.exit_code() is None:
            return
        self.stop()
        raise ServerError(f"{self.name} did not start:\n{self.log_tail()}")

    def stop(self, *requests: tuple[signal.Signals, float]) -> None:
        """Send each signal in turn, waiting its number of seconds, and SIGKILL at the last."""
        for number, seconds in requests:
            self._process.send_signal(number)
            if self.wait(seconds) is not None:
                return
        self._process.kill()
        self.wait(KILL_WAIT_SECONDS)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines it wrote."""
        return log_tail(self._log, lines)


def log_tail(log: Path, lines: int) -> str:
    """Return the last lines of a log file, reading no more than its last LOG_TAIL_BYTES."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def rotate_log(log: Path) -> None:
    """Set a log aside that has grown beyond LOG_LIMIT_BYTES; one old file is kept."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    rotate_log(command.log)
    command.log.parent.mkdir(parents=True, exist_ok=True)
    identity = command.identity
    with command.log.open("ab") as output:
        # A session of its own keeps the terminal's Ctrl-C from it: the parent decides the order
        # in which its children end.
        return subprocess.Popen(
            [str(argument) for argument in command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=command.working_directory,
            env=dict(command.environment),
            start_new_session=True,
            pass_fds=[] if command.lock is None else [command.lock],
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            preexec_fn=_end_with_parent(command.orphan_signal),  # noqa: PLW1509 - two system calls
        )


def _end_with_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """Make the function that, in the child, ties its life to its parent's.

    It runs after the change of user, which would have cleared the setting. The kernel ties the
    child to the thread that forks it, so children are started from the main thread.
    """
    if _LIBC is None:
        return None
    libc, parent_pid = _LIBC, os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent_pid:
            os._exit(1)

    return arrange
