"""What stands in one cell of a CSV file: text that no spreadsheet runs, numbers, days, lists."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

DateFormat = Literal["YYYY-MM-DD", "YYYY/MM/DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY"]
Decimal = Literal[".", ","]

# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"); the last four
# are the signs as wide as an ideograph.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARD: Final = "'"

_LAYOUTS: Final[Mapping[DateFormat, str]] = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY/MM/DD": "%Y/%m/%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}
_GROUP: Final[Mapping[Decimal, str]] = {
    ".": r"[,' \u00a0\u202f\u2019]",
    ",": r"[.' \u00a0\u202f\u2019]",
}
_NUMBERS: Final[Mapping[Decimal, re.Pattern[str]]] = {
    mark: re.compile(
        rf"[+-]?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d{{1,3}})?"
        rf"|[+-]?{re.escape(mark)}\d+(?:[eE][+-]?\d{{1,3}})?",
        re.ASCII,
    )
    for mark, group in _GROUP.items()
}
_MINUS_SIGN: Final = "\u2212"
_PERCENT: Final = 100
_MAX_EXACT: Final = 2**53

_ENTRIES: Final = re.compile(r"[;\n]")
_PART: Final = "|"
_NOT_IN_LABELS: Final = re.compile(r"[^a-z0-9_.:/-]+")


class CellError(Exception):
    """A cell does not say what its column is for."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How a file writes numbers and days."""

    decimal: Decimal = "."
    dates: DateFormat = "YYYY-MM-DD"


OURS: Final = Notation()


def guarded(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula."""
    return _GUARD + text if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith(_GUARD) and _FORMULA.match(text) else text


def number(text: str, notation: Notation) -> float:
    """The number in a cell, a percent sign behind it left aside. Raises CellError."""
    bare = text.strip().replace(_MINUS_SIGN, "-").removesuffix("%").rstrip()
    if not _NUMBERS[notation.decimal].fullmatch(bare):
        raise CellError(
            "not_a_number", f"This is a number with “{notation.decimal}” before its decimals."
        )
    plain = re.sub(_GROUP[notation.decimal], "", bare).replace(notation.decimal, ".")
    found = float(plain)
    if not math.isfinite(found):
        raise CellError("number_too_large", "This number is larger than any that is kept.")
    return found


def share(text: str, notation: Notation) -> float:
    """A share of 1, which may be told in percent. Raises CellError."""
    found = number(text, notation)
    return found / _PERCENT if text.rstrip().endswith("%") else found


def day(text: str, notation: Notation) -> str:
    """The day in a cell, as ISO 8601 writes it. Raises CellError."""
    try:
        found = datetime.strptime(text.strip(), _LAYOUTS[notation.dates])  # noqa: DTZ007  a day
    except ValueError:
        raise CellError("not_a_day", f"This is a day in the form {notation.dates}.") from None
    return found.date().isoformat()


def number_text(value: float) -> str:
    """A number as a spreadsheet reads it; the shortest text that is this number."""
    return str(int(value)) if value.is_integer() and abs(value) <= _MAX_EXACT else repr(value)


def read_list(text: str, parts: Sequence[str], notation: Notation) -> list[Any]:
    """The entries of a list in a cell; `parts` names what stands in each.

    Entries stand apart by semicolons or line breaks, their parts by `|`; what that cannot say is
    a JSON array. With one part the entries are texts, else objects. Raises CellError.
    """
    if text.startswith("["):
        return _json_list(text)
    entries = [each.strip() for each in _ENTRIES.split(text)]
    return [_entry(each, parts, notation) for each in entries if each]


def write_list(entries: Sequence[Any], parts: Sequence[str]) -> str:
    """The cell that `read_list` reads these entries from: plain text where that says them all."""
    plain = "; ".join(_plain(each, parts) for each in entries)
    try:
        reads_the_same = read_list(plain, parts, OURS) == list(entries)
    except CellError:
        reads_the_same = False
    return plain if reads_the_same else orjson.dumps(list(entries)).decode()


def label(text: str) -> str:
    """A label as we write them: small letters, with a hyphen for what no label has in it."""
    return _NOT_IN_LABELS.sub("-", text.strip().lower()).strip("-")


def _json_list(text: str) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list):
        raise CellError("not_a_list", "A list that begins with a bracket is a JSON array.")
    return found


def _entry(text: str, parts: Sequence[str], notation: Notation) -> Any:
    if len(parts) == 1:
        return text
    told = [each.strip() for each in text.split(_PART)]
    if len(told) > len(parts):
        raise CellError("not_a_list", f"Each entry is: {' | '.join(parts)}.")
    named = {name: each for name, each in zip(parts, told, strict=False) if each}
    return {name: _part(name, each, notation) for name, each in named.items()}


def _part(name: str, text: str, notation: Notation) -> object:
    if name in ("weight", "value"):
        return number(text, notation)
    if name == "on":
        return day(text, notation)
    if name == "done":
        return text.lower() in ("done", "x", "yes", "true", "1")
    return text


def _plain(entry: Any, parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return str(entry)
    told = [_part_text(entry.get(name)) for name in parts]
    while told and not told[-1]:
        told.pop()
    return f" {_PART} ".join(told)


def _part_text(value: object) -> str:
    if isinstance(value, bool):
        return "done" if value else ""
    if isinstance(value, float):
        return number_text(value)
    return "" if value is None else str(value)
