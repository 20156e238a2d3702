"""`cairn import` and `cairn export` against a running goals service."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.cli import main
from deploy.local.running_stack import RunningStack
from tests.integration.deploy.conftest import Services

PLAN = {
    "format": "cairn.plan.v1",
    "cycle": {
        "name": "2026 Q1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-03-31",
        "cadence": "quarter",
    },
    "objectives": [
        {
            "key": "homepage",
            "title": "Improve the homepage",
            "owner": {"kind": "team", "id": "team-web"},
            "key_results": [{"title": "The design is responsive", "type": "binary"}],
        }
    ],
}


class Terminal:
    """Runs the command line as a person would, and keeps what it printed."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._captured = captured

    def run(self, *arguments: str) -> tuple[object, str]:
        """The exit status, or the last words of one that failed, and what was printed."""
        self._monkeypatch.setattr(sys, "argv", ["cairn", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, self._captured.readouterr().out


@pytest.fixture
def terminal(
    services: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    services.start("goals")
    home = tmp_path / "home"
    home.mkdir()
    RunningStack(pid=1, nats="nats://127.0.0.1:1", **services.urls).write(home / "running.json")
    monkeypatch.setenv("CAIRN_HOME", str(home))
    monkeypatch.setenv("CAIRN_TOKEN", services.tokens["admin"])
    return Terminal(monkeypatch, capsys)


def cycles(services: Services) -> list[Any]:
    with services.client("goals") as client:
        found: list[Any] = client.get("/v1/cycles").json()["items"]
    return found


def test_a_plan_goes_in_and_comes_out(
    terminal: Terminal, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    status, printed = terminal.run("import", str(file), "--dry-run")
    assert status == 0
    assert "would be created, draft  Improve the homepage (1 key results)" in printed
    assert cycles(services) == []
    assert terminal.run("import", str(file))[0] == 0
    status, printed = terminal.run("import", str(file))
    assert status == 0
    assert "was there" in printed
    assert "already_there" in printed
    (cycle,) = cycles(services)
    exported = tmp_path / "plan.csv"
    assert terminal.run("export", cycle["id"], "--format", "csv", "-o", str(exported)) == (0, "")
    assert exported.read_bytes().startswith(b"cycle_id,cycle_name,")
    assert terminal.run("import", str(exported))[0] == 0
    shown = json.loads(terminal.run("export", cycle["id"])[1])
    assert [each["title"] for each in shown["objectives"]] == ["Improve the homepage"]


def test_what_is_wrong_with_a_file_is_shown_with_its_place(
    terminal: Terminal, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"preset": "peoplecues"}))
    file = tmp_path / "theirs.csv"
    file.write_text("Objective Title,Owner_Email_ID,Metric_Name,Metric_Target_Value\nA,x,M,lots\n")
    said, printed = terminal.run("import", str(file), "--mapping", str(mapping), "--cycle", "Q9")
    assert "The plan has errors" in str(said)
    lines = printed.splitlines()
    assert lines[1].split()[:5] == ["error", "row", "2,", "Metric_Target_Value", "not_a_number"]
    assert any("unknown_cycle" in line for line in lines)
