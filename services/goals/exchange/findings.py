"""What is wrong, or worth knowing, about a plan that was sent: all of it, each with its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

MAX_FINDINGS: Final = 1_000

Severity = Literal["error", "warning"]

_INNER_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault or hint.

    `pointer` is a JSON Pointer (RFC 6901) into the document; of CSV, `row` counts from 1 with the
    header as the first, and `field` is the column. `missing` names rights, any one of which would
    do: a finding with it says that the caller may not, and not that the plan is wrong.
    """

    code: str
    message: str
    severity: Severity = "error"
    pointer: str | None = None
    row: int | None = None
    field: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a CSV text something stood; no column where the whole row is meant."""

    row: int
    column: str | None = None


class Findings:
    """The first MAX_FINDINGS findings, each once, and how many there were."""

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self.kept: list[Finding] = []
        self._seen: set[Finding] = set()
        self.total = 0
        self.errors = 0
        self.missing: dict[str, None] = {}
        self._only_rights = True
        for each in found:
            self.add(each)

    def add(self, finding: Finding) -> None:
        """Take one more, unless the same was found before."""
        if finding in self._seen:
            return
        self._seen.add(finding)
        self.total += 1
        if finding.severity == "error":
            self.errors += 1
            self._only_rights = self._only_rights and bool(finding.missing)
            self.missing.update(dict.fromkeys(finding.missing))
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(finding)

    @property
    def only_rights(self) -> bool:
        """Whether all that stands against the plan is that its sender may not."""
        return self.errors > 0 and self._only_rights


def code_of(error: Exception) -> str:
    """The code of a refusal: `CycleNotOpenError` is `cycle_not_open`."""
    name = type(error).__name__.removesuffix("Error")
    return _INNER_CAPITAL.sub("_", name).lower()


def located(finding: Finding, places: Mapping[str, Place]) -> Finding:
    """The finding with the place in the CSV text that its pointer, or the nearest above, is of."""
    if finding.pointer is None or finding.row is not None:
        return finding
    pointer = finding.pointer
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    place = places.get(pointer)
    # A pointer into a document that nobody sent would only puzzle.
    return replace(
        finding,
        pointer=None,
        row=place.row if place else None,
        field=(place.column if place else None) or finding.field,
    )
