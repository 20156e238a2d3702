"""The tour of the README, run as it stands there against a stack with the sample company."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.empty_stack import EmptyStack, empty_stack

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOUR_SECONDS = 120
MARK = "=== next"

# What differs from run to run: ids, moments, the sample company's cycles and how it is doing.
VARYING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)"), "<moment>"),
    (re.compile(r"\d{4} Q\d"), "<quarter>"),
    (re.compile(r"\d{4} \(sample"), "<year> (sample"),
    (re.compile(r"[█░]{10} +\d+% +[+-]\d+"), "<standing>"),
)


@pytest.fixture(scope="module")
def sample_stack() -> Iterator[EmptyStack]:
    with empty_stack(sample=True) as running:
        yield running


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the tour with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall(README.read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def constant(line: str) -> str:
    for pattern, name in VARYING:
        line = pattern.sub(name, line)
    return line


def matches(said: str, printed: str) -> bool:
    """`[…]` stands for anything."""
    parts = [re.escape(part) for part in constant(said).split("[…]")]
    return re.fullmatch(".*".join(parts), constant(printed)) is not None


def test_the_tour_prints_what_the_readme_says(sample_stack: EmptyStack) -> None:
    tour = steps()
    script = "".join(f"{command}\necho '{MARK}'\n" for command, _ in tour)
    for place in range(3):
        script = script.replace(f":{8600 + place}", f":{sample_stack.port_base + place}")
    done = subprocess.run(
        ["bash", "-eu"],
        input=script,
        env=os.environ
        | {
            "CAIRN_HOME": str(sample_stack.home.root),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        cwd=README.parent,
        capture_output=True,
        text=True,
        timeout=TOUR_SECONDS,
        check=False,
    )
    printed = done.stdout.replace(f":{sample_stack.port_base}", ":8600")
    for place in range(3):
        printed = printed.replace(f":{sample_stack.port_base + place}", f":{8600 + place}")
    outputs = [each.strip("\n").splitlines() for each in printed.split(f"{MARK}\n")]
    for (command, said), lines in zip(tour, outputs, strict=False):
        wanted = said[:-1] if said[-1:] == ["[…]"] else said
        shown = lines[: len(wanted)] if wanted is not said else lines
        assert len(shown) == len(wanted), (command, lines, done.stderr)
        for one, other in zip(wanted, shown, strict=True):
            assert matches(one, other), (command, one, other)
    assert done.returncode == 0, done.stderr
