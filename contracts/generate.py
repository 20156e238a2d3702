"""Writes the committed documents of the contracts: `python -m contracts.generate [--check]`.

    schemas/<type>.json                  what an event of this type looks like today
    schemas/published/<type>/<n>.json    every shape it ever had, appended to and never edited
    asyncapi.json                        who sends and receives what on the bus

The services' OpenAPI documents are written by `python -m deploy.openapi`, because nothing in
contracts may know a service.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from contracts.asyncapi import asyncapi_document
from contracts.compatibility import breaking_changes, shape
from contracts.documents import publish, render
from contracts.json_schema import EVENTS, Schema, published_schema

ROOT: Final = Path(__file__).parent


class IncompatibleChangeError(ValueError):
    """An event's shape changed in a way that breaks those who use it: `changes`, one a line."""

    def __init__(self, changes: Sequence[str]) -> None:
        super().__init__("\n".join(changes))
        self.changes = tuple(changes)


def history(root: Path, event_type: str) -> list[Schema]:
    """Every schema ever published of an event type, oldest first."""
    kept = (_published(root) / event_type).glob("*.json")
    in_order = sorted(kept, key=lambda path: int(path.stem))
    return [json.loads(path.read_text(encoding="utf-8")) for path in in_order]


def documents(root: Path, schemas: Mapping[str, Schema]) -> dict[Path, str]:
    """What is to be on disk below `root`, given the schema of each event type.

    Raises IncompatibleChangeError, and then nothing is to be written.
    """
    breaks = _withdrawn(root, schemas)
    wanted: dict[Path, str] = {}
    for event_type, schema in schemas.items():
        published = history(root, event_type)
        for number, old in enumerate(published, start=1):
            breaks += [
                f"{event_type} against published/{event_type}/{number}.json: {change}"
                for change in breaking_changes(old, schema)
            ]
        wanted[root / "schemas" / f"{event_type}.json"] = render(schema)
        if not published or shape(published[-1]) != shape(schema):
            number = len(published) + 1
            wanted[_published(root) / event_type / f"{number}.json"] = render(schema)
    if breaks:
        raise IncompatibleChangeError(breaks)
    return wanted


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; returns the exit status: 1 if anything differs or breaks."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args(arguments).check
    try:
        wanted = documents(root, {event.TYPE: published_schema(event) for event in EVENTS})
    except IncompatibleChangeError as error:
        sys.stderr.write(f"Publish a new major version instead of breaking this one:\n{error}\n")
        return 1
    return publish({**wanted, root / "asyncapi.json": render(asyncapi_document())}, check=check)


def _published(root: Path) -> Path:
    return root / "schemas" / "published"


def _withdrawn(root: Path, schemas: Mapping[str, Schema]) -> list[str]:
    # The bus and everybody's archives go on holding events of a type that has no class any more.
    kept = {path.name for path in _published(root).glob("*")}
    return [f"{event_type} was published and is gone" for event_type in sorted(kept - {*schemas})]


if __name__ == "__main__":
    sys.exit(main())
