"""`cairn up` and the commands beside it: the whole stack as a person meets it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.waiting import wait_until
from tests.empty_stack import free_port_base

CAIRN = Path(sys.executable).with_name("cairn")
COLD_START_SECONDS = 60.0
STOP_SECONDS = 10.0
HEAL_SECONDS = 30.0


class Stack:
    """A stack in a directory and on ports of its own, started and stopped as from a terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output = home.with_name("output")
        self.port_base = free_port_base()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if "CAIRN_" not in name}
        return inherited | {
            "CAIRN_HOME": str(self.home),
            "CAIRN_PORT_BASE": str(self.port_base),
        }

    def start(self) -> None:
        """Start it unless it runs, and wait until it says that it is ready."""
        if self.process is not None and self.process.poll() is None:
            return
        with self.output.open("wb") as output:
            self.process = process = subprocess.Popen(
                [CAIRN, "up"], env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(
            lambda: "is ready" in self.said() or process.poll() is not None, COLD_START_SECONDS
        )
        assert "is ready" in self.said(), self.said()

    def said(self) -> str:
        return self.output.read_text()

    def send(self, number: signal.Signals) -> int | None:
        """Send the launcher a signal; return its exit code, or None if it is not gone in time."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def children(self) -> dict[int, str]:
        """The processes that the launcher started, with their command lines."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {
            int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            for pid in listed.split()
        }

    def child(self, name: str) -> int:
        """The process whose command line has this in it."""
        [pid] = [pid for pid, line in self.children().items() if name in line]
        return pid

    def cairn(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CAIRN, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COLD_START_SECONDS,
            check=False,
        )

    def is_ready(self) -> bool:
        return self.cairn("status").returncode == 0


@pytest.fixture(scope="module")
def shared() -> Iterator[Stack]:
    """One stack for all tests of this file, in a directory that PostgreSQL's user can pass.

    Below pytest's own directories, closed to others, root's stack would keep PostgreSQL's data
    among the system's, where no test run removes it.
    """
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-"))
    directory.chmod(0o711)
    stack = Stack(directory / "home")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.send(signal.SIGINT)
    shutil.rmtree(directory)


@pytest.fixture
def stack(shared: Stack) -> Stack:
    shared.start()
    return shared


def test_it_says_where_everything_is_and_gives_a_token_for_each_role(stack: Stack) -> None:
    for offset in range(3):
        assert f"http://127.0.0.1:{stack.port_base + offset}/" in stack.said()
    assert (
        len(
            re.findall(
                r"\n  (admin|lead of team-web|producer|auditor|reader)\n    eyJ[\w.-]+",
                stack.said(),
            )
        )
        == 5
    )
    assert stack.is_ready()


def test_no_secret_is_in_a_log_or_on_a_command_line(stack: Stack) -> None:
    secrets = [path.read_text() for path in (stack.home / "passwords").iterdir()]
    secrets += re.findall(r"eyJ[\w.-]+", stack.said())
    shown = [path.read_text() for path in (stack.home / "logs").iterdir()]
    shown += stack.children().values()
    assert len(secrets) == 8 + 5
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("services.goals.main", "goals"),
        ("services.projections.main", "projections"),
        ("nats-server", "NATS"),
        ("postgres", "PostgreSQL"),
    ],
)
def test_a_part_that_is_killed_is_started_again(stack: Stack, part: str, name: str) -> None:
    killed = stack.child(part)
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: f"{name} runs again." in stack.said(), HEAL_SECONDS)
    assert stack.child(part) != killed
    assert f"{name} ended (SIGKILL)" in stack.said()
    assert wait_until(stack.is_ready, HEAL_SECONDS)


def test_a_second_stack_on_the_same_data_is_refused(stack: Stack) -> None:
    refused = stack.cairn("up")
    assert refused.returncode == 1
    assert f"another stack (process {stack.process.pid if stack.process else 0})" in refused.stderr
    assert stack.is_ready()


def test_a_second_stack_on_the_same_ports_is_told_how_to_take_others(
    stack: Stack, tmp_path: Path
) -> None:
    refused = subprocess.run(
        [CAIRN, "up"],
        env=stack.environment | {"CAIRN_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=COLD_START_SECONDS,
        check=False,
    )
    assert refused.returncode == 1
    assert re.search(r"port \d+ is taken.*CAIRN_PORT_BASE=\d+", refused.stderr)


def test_ctrl_c_stops_everything_and_the_next_start_is_warm_and_finds_its_data(
    stack: Stack,
) -> None:
    # Their values move on with the producers' readings; which there are does not.
    before = [objective["id"] for objective in objectives(stack)]
    children = stack.children()
    assert len(children) == 6
    assert stack.send(signal.SIGINT) == 0
    assert stack.said().endswith("Stopping.\nStopped.\n")
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert stack.cairn("status").returncode == 1

    stack.start()
    assert "The sample company is there." in stack.said()
    assert [objective["id"] for objective in objectives(stack)] == before


def test_all_that_it_keeps_is_in_its_directory(stack: Stack) -> None:
    assert (stack.home / "postgres" / "data").is_dir()


def test_a_killed_launcher_leaves_nothing_behind_and_nothing_in_the_way(stack: Stack) -> None:
    children = stack.children()
    assert stack.send(signal.SIGKILL) is not None
    # At once: the next start waits for what is still ending.
    stack.start()
    assert not set(children) & set(stack.children())
    assert not any(still_runs(pid) for pid in children)


def still_runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text() != ""
    except FileNotFoundError:
        return False


def objectives(stack: Stack) -> list[dict[str, Any]]:
    """All objectives of the sample company, each as the list of them shows it."""
    token = stack.cairn("token", "--role", "reader").stdout.strip()
    answer = httpx.get(
        f"http://127.0.0.1:{stack.port_base + 1}/v1/objectives",
        params={"limit": 100},
        headers={"Authorization": f"Bearer {token}"},
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    assert found
    return sorted(found, key=lambda each: str(each["id"]))


def test_history_tells_who_did_what(stack: Stack) -> None:
    objective = objectives(stack)[0]
    told = stack.cairn("history", objective["id"])
    assert told.returncode == 0, told.stderr
    assert re.match(r" +1  \d{4}-\d\d-\d\dT\S+  \S+ \(human\)\n      \S", told.stdout)
    lines = stack.cairn("history", objective["id"], "--json").stdout.splitlines()
    versions = [json.loads(line)["version"] for line in lines]
    assert versions == list(range(1, len(versions) + 1))


def test_a_state_is_shown_as_a_version_left_it_and_as_it_was_known_at_a_moment(
    stack: Stack,
) -> None:
    objective = objectives(stack)[0]["id"]
    first = json.loads(stack.cairn("state", objective, "--version", "1").stdout)
    assert first["state"] == "draft"
    entry = json.loads(stack.cairn("history", objective, "--json").stdout.splitlines()[0])
    then = stack.cairn("state", objective, "--as-of", entry["recorded_at"]).stdout
    assert json.loads(then)["id"] == objective
    assert json.loads(stack.cairn("state", objective).stdout)["id"] == objective


def test_what_a_service_refuses_is_told_in_its_words(stack: Stack) -> None:
    unknown = stack.cairn("state", "00000000-0000-4000-8000-000000000000")
    assert unknown.returncode == 1
    assert "(404)" in unknown.stderr
    unreadable = stack.cairn("state", "not-an-id")
    assert "/path/objective_id" in unreadable.stderr
    closed = stack.cairn("history", "not-an-id", "--token", "forged")
    assert "(401)" in closed.stderr


def test_a_reading_is_published_over_http_and_over_the_bus(stack: Stack) -> None:
    kpi, at = "sales.conversion", "2026-01-05T10:00:00Z"
    published = stack.cairn("publish-reading", kpi, "5.5", "--at", at, "--source", "by-hand")
    assert published.returncode == 0, published.stderr
    again = stack.cairn("publish-reading", kpi, "5.5", "--at", at, "--source", "by-hand", "--nats")
    assert again.returncode == 0, again.stderr
    assert "The bus has it." in again.stdout


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = subprocess.run(
        [CAIRN, "up"],
        env=os.environ | {"CAIRN_HOME": str(tmp_path / "file" / "home")},
        capture_output=True,
        text=True,
        timeout=COLD_START_SECONDS,
        check=False,
    )
    assert refused.returncode == 1
    assert str(tmp_path / "file") in refused.stderr
    assert "CAIRN_HOME" in refused.stderr
    assert "Traceback" not in refused.stderr
