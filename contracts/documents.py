"""Generated documents on disk: written, or held against what is there."""

import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

MAX_DIFF_LINES: Final = 20


def render(document: Any) -> str:
    """The text of a document: the same for equal documents, fit for a line-wise diff."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(documents: Mapping[Path, str]) -> None:
    """Write each text to its path; a file that already holds it is left untouched."""
    for path, text in documents.items():
        if _text_at(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def differences(documents: Mapping[Path, str]) -> list[str]:
    """One short unified diff for each file that does not hold its text; none are written."""
    return [
        _difference(path, found, text)
        for path, text in documents.items()
        if (found := _text_at(path)) != text
    ]


def publish(documents: Mapping[Path, str], *, check: bool) -> int:
    """Write the documents, or with `check` only say which differ. Returns the exit status."""
    if not check:
        write(documents)
        return 0
    stale = differences(documents)
    if not stale:
        return 0
    sys.stderr.write("".join([*stale, "Without --check, the same command writes them.\n"]))
    return 1


def _text_at(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _difference(path: Path, found: str | None, text: str) -> str:
    lines = list(
        difflib.unified_diff(
            (found or "").splitlines(),
            text.splitlines(),
            f"{path} (on disk)" if found is not None else f"{path} (missing)",
            f"{path} (generated)",
            lineterm="",
        )
    )
    shown = lines[:MAX_DIFF_LINES]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} lines more")
    return "\n".join(shown) + "\n"
