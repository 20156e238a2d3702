"""The command line where no stack runs: what it teaches, refuses and can do alone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from typer.testing import CliRunner

from deploy.local import cli
from deploy.local.cli import app, main
from deploy.local.service_client import RequestFailedError

COMMANDS = (
    "up",
    "token",
    "tree",
    "history",
    "state",
    "publish-reading",
    "status",
    "export",
    "import",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    monkeypatch.delenv("CAIRN_TOKEN", raising=False)
    return tmp_path


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the command as from a terminal and return what it said when it failed."""
    monkeypatch.setattr(sys, "argv", ["cairn", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return str(end.value.code)


def test_every_command_is_known_here() -> None:
    help_text = CliRunner().invoke(app, ["--help"]).output
    listed = help_text.partition("Commands:")[2].splitlines()
    assert {line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "} == set(
        COMMANDS
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_teaches_by_an_example(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert f"cairn {command}" in answer.output


def test_a_token_has_what_was_asked_for(home: Path) -> None:
    answer = CliRunner().invoke(
        app,
        [
            "token",
            "--role",
            "producer",
            "--subject",
            "scale-7",
            "--kpi",
            "warehouse.*",
            "--hours=1",
        ],
    )
    claims = jwt.decode(answer.output.strip(), options={"verify_signature": False})
    assert claims["sub"] == "scale-7"
    assert claims["kpis"] == ["warehouse.*"]
    assert claims["exp"] - claims["iat"] == 3600


def test_a_leads_token_names_its_teams() -> None:
    answer = CliRunner().invoke(
        app, ["token", "--role=lead", "--team", "team-web", "--team", "team-search"]
    )
    claims = jwt.decode(answer.output.strip(), options={"verify_signature": False})
    assert claims["teams"] == ["team-web", "team-search"]


def test_a_token_for_too_long_is_refused() -> None:
    answer = CliRunner().invoke(app, ["token", "--role=reader", "--hours=100000"])
    assert answer.exit_code == 2
    assert "30 days" in answer.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "an-id"),
        ("state", "an-id"),
        ("status",),
        ("publish-reading", "k", "-1.5"),
        ("export", "an-id"),
        ("import", __file__),
    ],
)
def test_without_a_stack_it_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    said = run_main(monkeypatch, *arguments)
    assert "no stack runs" in said
    assert "cairn up" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("state", "an-id", "--version=2", "--as-of=2026-03-31T00:00:00Z"),
        ("tree", "--root=an-id", "--cycle=another"),
    ],
)
def test_one_of_two_is_asked_for(arguments: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, [*arguments])
    assert answer.exit_code == 2
    assert "either" in answer.output


FORGED = "a\x1b]0;pwned\x07\nb"
FINDING = {
    "severity": "error",
    "row": None,
    "field": None,
    "pointer": f"/{FORGED}",
    "code": "x",
    "message": FORGED,
}


class Forger:
    """A service whose answers hold what a terminal would obey."""

    def __init__(self, *_: object) -> None:
        pass

    def items(self, _: str, __: object = None) -> Iterator[Any]:
        yield {"id": "q", "name": FORGED, "state": "active"} | {
            "starts_on": "2026-01-01",
            "ends_on": "2026-03-31",
        }

    def get(self, _: str, __: object) -> Any:
        return {"nodes": [], "truncated": False}

    def upload(self, *_: object) -> Any:
        raise RequestFailedError(FORGED, {"findings": [FINDING]})


@pytest.mark.parametrize("arguments", [("tree",), ("import", __file__)])
def test_nothing_that_others_wrote_is_obeyed_by_the_terminal(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    stack = SimpleNamespace(goals="", projections="")
    monkeypatch.setattr(cli, "_running", lambda: stack)
    monkeypatch.setattr(cli, "ServiceClient", Forger)
    answer = CliRunner().invoke(app, [*arguments, "--token", "t"])
    assert r"\x1b]0;pwned\x07" in answer.output
    assert "\x1b" not in answer.output


def test_what_failed_is_told_without_being_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_running", lambda: SimpleNamespace(goals=""))
    monkeypatch.setattr(cli, "ServiceClient", Forger)
    said = run_main(monkeypatch, "import", __file__, "--token", "t")
    assert said == "cairn: a\\x1b]0;pwned\\x07\nb"


def test_a_reading_is_a_number() -> None:
    answer = CliRunner().invoke(app, ["publish-reading", "k", "nan"])
    assert answer.exit_code == 2
    assert "finite" in answer.output


def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_PORT_BASE", "eighty")
    assert "CAIRN_PORT_BASE" in run_main(monkeypatch, "up")
