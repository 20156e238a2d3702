"""A child's life is tied to its parent's, and its end is bounded in time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.child_process import LOG_LIMIT_BYTES, ChildProcess, Command
from deploy.local.server_errors import ServerError
from deploy.local.unprivileged import unprivileged_identity
from deploy.local.waiting import wait_until

STUBBORN = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"


def run(tmp_path: Path, *arguments: str, name: str = "child") -> ChildProcess:
    command = Command(
        arguments=arguments,
        environment={"PATH": os.environ["PATH"]},
        working_directory=Path("/"),
        log=tmp_path / f"{name}.log",
    )
    return ChildProcess(name, command)


def test_what_it_writes_is_in_its_log(tmp_path: Path) -> None:
    child = run(tmp_path, "sh", "-c", "echo one; echo two >&2")
    assert child.wait(5) == 0
    assert child.log_tail() == "one\ntwo"
    assert child.log_tail(lines=1) == "two"


def test_a_child_deaf_to_the_request_to_stop_is_killed_in_time(tmp_path: Path) -> None:
    child = run(tmp_path, "sh", "-c", STUBBORN)
    assert wait_until(lambda: child.log_tail() == "deaf", 5)
    began = time.monotonic()
    child.stop((signal.SIGTERM, 0.2))
    assert child.exit_code() == -signal.SIGKILL
    assert time.monotonic() - began < 2


def test_a_child_that_ends_before_it_is_ready_is_an_error_with_its_last_words(
    tmp_path: Path,
) -> None:
    child = run(tmp_path, "sh", "-c", "echo no disk; exit 3", name="Disk")
    with pytest.raises(ServerError, match=r"Disk did not start:\nno disk"):
        child.await_ready(lambda: False, 5)


def test_a_child_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    child = run(tmp_path, "sleep", "60")
    with pytest.raises(ServerError):
        child.await_ready(lambda: False, 0.1)
    assert child.exit_code() is not None


def test_a_log_that_has_grown_too_long_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    run(tmp_path, "echo", "new").wait(5)
    assert log.read_text() == "new\n"
    assert (tmp_path / "child.log.1").stat().st_size == LOG_LIMIT_BYTES + 1


PARENT = """
import sys
from pathlib import Path
from deploy.local.child_process import ChildProcess, Command
from deploy.local.unprivileged import unprivileged_identity
child = ChildProcess("child", Command(
    arguments=["sleep", "60"], environment={"PATH": "/usr/bin:/bin"}, working_directory=Path("/"),
    log=Path(sys.argv[1]), identity=unprivileged_identity(),
))
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_no_child_outlives_a_killed_parent_not_even_one_of_another_user(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        identity = unprivileged_identity()
        assert Path(f"/proc/{child}").stat().st_uid == (identity.uid if identity else os.geteuid())
        parent.kill()
    assert wait_until(lambda: not Path(f"/proc/{child}").exists(), 5)
