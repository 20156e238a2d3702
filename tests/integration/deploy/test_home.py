"""One stack at a time uses a data directory, whatever became of the one before."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.home import HomeInUseError, StackHome, locked
from deploy.local.unprivileged import blocking_directory, unprivileged_identity

HOLDER = """
import sys
from pathlib import Path
from deploy.local.child_process import ChildProcess, Command
from deploy.local.home import StackHome, locked
SLOW_TO_END = "trap 'sleep 0.3; exit' TERM; echo set; while :; do sleep 0.05; done"
home = StackHome(Path(sys.argv[1]))
with locked(home) as lock:
    child = ChildProcess("child", Command(
        arguments=["sh", "-c", SLOW_TO_END],
        environment={"PATH": "/usr/bin:/bin"}, working_directory=Path("/"),
        log=home.log("child"), lock=lock,
    ))
    while child.log_tail() != "set":
        assert child.exit_code() is None
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(open_directory: Path) -> StackHome:
    home = StackHome(open_directory / "home")
    home.create()
    return home


@contextmanager
def held_by_another(home: StackHome) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield holder
        holder.kill()


def test_a_second_stack_is_refused_and_told_what_to_do(home: StackHome) -> None:
    with (
        held_by_another(home) as holder,
        pytest.raises(HomeInUseError, match=rf"process {holder.pid}.*CAIRN_HOME.*CAIRN_PORT_BASE"),
        locked(home),
    ):
        pass


def test_what_a_killed_stack_leaves_is_waited_for_and_then_taken_over(home: StackHome) -> None:
    with held_by_another(home) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked(home):
            assert (home.root / "lock").read_text() == str(os.getpid())


def test_a_lock_is_free_again_after_an_orderly_end(home: StackHome) -> None:
    with locked(home):
        pass
    with locked(home):
        pass


def test_what_is_secret_is_closed_to_other_users(home: StackHome) -> None:
    for directory in (home.keys, home.passwords, home.nats, home.log("goals").parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.root.stat().st_mode) & 0o066 == 0


def test_postgres_is_kept_where_its_user_can_reach_it(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    identity = unprivileged_identity()
    for root in (open_directory / "home", closed / "home"):
        place = StackHome(root).postgres()
        assert identity is None or blocking_directory(place, identity) is None


def test_two_homes_that_postgres_cannot_reach_do_not_meet(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    assert StackHome(closed / "one").postgres() != StackHome(closed / "two").postgres()
