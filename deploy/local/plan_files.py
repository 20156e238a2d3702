"""Plans in files on their way to the goals service, and what it answers, for people to read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.service_client import RequestFailedError

CSV = "text/csv"
JSON = "application/json"

_HEADINGS = ("", "where", "what", "why")


def plan_body(plan: Path, mapping: Path | None) -> tuple[bytes, str]:
    """Return what to send for a file, and its media type.

    A file is a plan in JSON if its name ends in .json, else CSV. `mapping` is a JSON file with the
    members that go beside `csv`. Raises RequestFailedError for a file that cannot be read.
    """
    content = _read(plan)
    if mapping is None:
        return content, JSON if plan.suffix.lower() == ".json" else CSV
    try:
        members = json.loads(_read(mapping))
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestFailedError(f"{plan} is not encoded in UTF-8") from error
    except ValueError as error:
        raise RequestFailedError(f"{mapping} is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise RequestFailedError(f"{mapping} is not a JSON object")
    return json.dumps({**members, "format": "cairn.csv.v1", "csv": text}).encode(), JSON


def finding_lines(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table of findings, a line for each; none for none."""
    rows = [
        (each["severity"], _place(each), each["code"], " ".join(each["message"].split()))
        for each in findings
    ]
    if not rows:
        return
    table = [_HEADINGS, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(_HEADINGS) - 1)]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*padded, row[-1]]).rstrip()


def imported_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an import led to, or would lead to."""
    tried = answer["dry_run"]
    yield f"{'Would go into' if tried else 'In'} the cycle {answer['cycle']['name']}:"
    for each in answer["objectives"]:
        done = ("would be created" if tried else "created") if each["created"] else "was there"
        yield (
            f"  {each['id']}  {done}, {each['state']}  {each['title']}"
            f" ({each['key_results']} key results)"
        )


def _place(finding: Mapping[str, Any]) -> str:
    if finding["row"] is None:
        return finding["pointer"] or finding["field"] or ""
    return f"row {finding['row']}" + (f", {finding['field']}" if finding["field"] else "")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RequestFailedError(f"{file}: {error.strerror}") from error
