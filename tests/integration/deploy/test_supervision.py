"""What ends is started again, and what keeps ending is given up."""

import os
from pathlib import Path

import pytest

from deploy.local.child_process import ChildProcess, Command
from deploy.local.server_errors import ServerError
from deploy.local.supervision import MAX_RESTARTS, KeepsEndingError, Supervisor


class ShellPart:
    """A part that runs one shell script per start, the last one again and again."""

    name = "goals"

    def __init__(self, directory: Path, *scripts: str) -> None:
        self._directory = directory
        self._scripts = list(scripts)
        self.starts = 0
        self.start()

    def start(self) -> None:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.starts += 1
        self.process = ChildProcess(
            self.name,
            Command(
                arguments=["sh", "-c", script],
                environment={"PATH": os.environ["PATH"]},
                working_directory=self._directory,
                log=self._directory / "goals.log",
            ),
        )
        if script == "exit 9":
            self.process.wait(5)
            raise ServerError("it did not start")

    def stop(self) -> None:
        self.process.stop()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.supervision.FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("deploy.local.supervision.WATCH_SECONDS", 0.01)


def test_a_part_that_was_killed_runs_again_and_people_are_told_why(tmp_path: Path) -> None:
    part = ShellPart(tmp_path, "echo out of luck; kill -9 $$", "sleep 60")
    part.process.wait(5)
    reports: list[str] = []
    Supervisor([part], reports.append).heal(part)
    assert part.process.exit_code() is None
    assert reports == [
        "goals ended (SIGKILL). Its last lines:\n    out of luck",
        "goals runs again.",
    ]
    part.stop()


def test_a_start_that_fails_is_tried_again(tmp_path: Path) -> None:
    part = ShellPart(tmp_path, "exit 3", "exit 9", "exit 9", "sleep 60")

    part.process.wait(5)
    Supervisor([part], lambda _: None).heal(part)
    assert part.process.exit_code() is None
    assert part.starts == 4
    part.stop()


def test_a_part_that_keeps_ending_is_given_up(tmp_path: Path) -> None:
    part = ShellPart(tmp_path, "exit 3")
    with pytest.raises(KeepsEndingError, match="goals ended 6 times"):
        Supervisor([part], lambda _: None).watch()
    assert part.starts == 1 + MAX_RESTARTS
