"""CSV text (RFC 4180) to rows and back, within bounds and without surprises."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from services.goals.exchange.findings import Finding

MAX_ROWS: Final = 10_000
MAX_COLUMNS: Final = 200
MAX_CELL_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the header; `number` is the one a spreadsheet shows beside it."""

    number: int
    cells: Sequence[str]


@dataclass(slots=True)
class Table:
    """What stands in a CSV text; without a header when it cannot be used at all."""

    header: Sequence[str] = ()
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def decode(content: bytes) -> str:
    """The text of a file, its byte order mark left aside. Raises UnicodeDecodeError."""
    return content.decode("utf-8-sig")


def read_table(text: str, delimiter: str) -> Table:
    """The header and rows of a CSV text, and what is wrong with them."""
    table = Table()
    lines = _lines(text.removeprefix("\ufeff"), delimiter, table)
    header = next(((number, cells) for number, cells in lines if any(cells)), None)
    if header is None:
        if not table.findings:
            table.findings.append(_fault("empty_file", "The file has no header and no rows.", 1))
        return table
    number, names = header
    if not _check_header(number, names, table):
        return table
    for number, cells in lines:
        _take(Row(number, cells), len(names), table)
    table.header = [each.strip() for each in names]
    return table


def write_rows(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV text, each ended by CR LF."""
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _lines(text: str, delimiter: str, table: Table) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        if number > MAX_ROWS + 1:
            message = f"A file has {MAX_ROWS} rows at most: send it in parts."
            table.findings.append(_fault("too_many_rows", message, number))
            return
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            table.findings.append(_fault("malformed_csv", _complaint(error), number))
            return
        yield number, cells


def _complaint(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"A cell has {MAX_CELL_CHARACTERS} characters at most."
    return "A quoted cell is not ended as RFC 4180 says; nothing after it can be read."


def _check_header(number: int, names: Sequence[str], table: Table) -> bool:
    if len(names) > MAX_COLUMNS:
        table.findings.append(
            _fault("too_many_columns", f"A file has {MAX_COLUMNS} columns at most.", number)
        )
        return False
    seen: set[str] = set()
    for each in (name.strip().casefold() for name in names):
        if each and each in seen:
            table.findings.append(
                _fault("repeated_column", "Two columns have the same name.", number, each)
            )
        seen.add(each)
    return not table.findings


def _take(row: Row, columns: int, table: Table) -> None:
    if not any(row.cells):
        return
    if len(row.cells) != columns:
        message = f"The row has {len(row.cells)} cells, and the header has {columns}."
        table.findings.append(_fault("cell_count", message, row.number))
        return
    for column, cell in enumerate(row.cells):
        if len(cell) > MAX_CELL_CHARACTERS or "\0" in cell:
            message = f"A cell has {MAX_CELL_CHARACTERS} characters at most, and no NUL."
            name = f"column {column + 1}"
            table.findings.append(_fault("cell_not_storable", message, row.number, name))
            return
    table.rows.append(row)


def _fault(code: str, message: str, row: int, column: str | None = None) -> Finding:
    return Finding(code=code, message=message, row=row, field=column)
