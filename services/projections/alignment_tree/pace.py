"""Where objectives and their key results are expected to be at a moment, and how far they are."""

from datetime import date
from typing import Any, Final

import msgspec
import orjson

from contracts.progress import computed_status, expected_by_phases, expected_progress, pace
from services.projections.okrs.cycles import Term
from services.projections.okrs.rows import PhasedTarget

# No JSON document has one within.
DOCUMENT_SEPARATOR: Final = "\n"


class _KeyResult(msgspec.Struct, gc=False):
    """What of a key result's document its pace depends on."""

    progress: float
    due_on: date | None
    baseline: float | None
    target: float | None
    phased_targets: tuple[PhasedTarget, ...]


_READ: Final = msgspec.json.Decoder(_KeyResult)


def standing(progress: float | None, expected: float | None) -> dict[str, Any]:
    """What is expected, how far ahead of it the progress is, and what status that would be."""
    ahead = None if expected is None else pace(progress, expected)
    return {"expected": expected, "pace": ahead, "computed_status": computed_status(ahead)}


def key_results(documents: str | None, term: Term | None) -> orjson.Fragment:
    """The JSON array of separated key result documents, each completed by how it stands.

    The documents are not taken apart and put together again: a tree has ten thousands of them.
    """
    if documents is None:
        return orjson.Fragment("[]")
    completed = (_completed(each, term) for each in documents.split(DOCUMENT_SEPARATOR))
    return orjson.Fragment(f"[{','.join(completed)}]")


def _completed(document: str, term: Term | None) -> str:
    key_result = _READ.decode(document)
    expected = None if term is None else _expected(key_result, term)
    shown = orjson.dumps(standing(key_result.progress, expected)).decode()
    return f"{document[:-1]},{shown[1:]}"


def _expected(key_result: _KeyResult, term: Term) -> float:
    """By the key result's phases and due date, if it has any; else what its cycle expects."""
    ends_on = key_result.due_on or term.ends_on
    if key_result.phased_targets:
        assert key_result.baseline is not None
        assert key_result.target is not None
        return expected_by_phases(
            key_result.phased_targets,
            baseline=key_result.baseline,
            target=key_result.target,
            starts_on=term.starts_on,
            ends_on=ends_on,
            at=term.at,
        )
    if ends_on == term.ends_on:
        return term.expected
    return expected_progress(starts_on=term.starts_on, ends_on=ends_on, at=term.at)
