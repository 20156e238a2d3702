"""CSV rows to a plan's document, by a mapping; it is kept where in the file each part stood."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from services.goals.exchange import cells
from services.goals.exchange.cells import CellError
from services.goals.exchange.columns import BY_NAME, OWNERS, Column, Part
from services.goals.exchange.findings import Finding, Place, Severity, located
from services.goals.exchange.mapping import ANY_VALUE, CsvMapping, Delimiter
from services.goals.exchange.plan import FORMAT
from services.goals.exchange.reading import ReadPlan, read_plan
from services.goals.exchange.table import Row, Table, read_table

Document = dict[str, Any]

# Other tools part the entries of these by commas as well.
_SIMPLE_LISTS: Final = ("labels", "aligned_to")
_SEPARATORS: Final = str.maketrans(",", ";")


@dataclass(slots=True)
class MappedPlan:
    """The document; where each part of it stood; what could not be read, and in which rows."""

    document: Document
    places: dict[str, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken_rows: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a row says for one of our columns, and what its column is called in the file."""

    text: str
    column: str


_Cells = Mapping[str, _Cell]


def read_csv(text: str, mapping: CsvMapping, *, reason: str | None = None) -> ReadPlan:
    """Read a CSV text as a plan. Its findings name rows and columns."""
    mapped = map_csv(text, mapping)
    if not mapped.document["objectives"] and mapped.findings:
        return ReadPlan(findings=mapped.findings)
    read = read_plan(mapped.document)
    # What a row says is judged only where all of it could be read.
    judged = [
        each
        for each in (located(each, mapped.places) for each in read.findings)
        if each.severity == "warning" or each.row not in mapped.broken_rows
    ]
    return replace(read, reason=reason, findings=[*mapped.findings, *judged], places=mapped.places)


def map_csv(text: str, mapping: CsvMapping) -> MappedPlan:
    """A CSV text as a plan's document."""
    mapped = MappedPlan({"format": FORMAT, "objectives": []})
    misled = _other_delimiter(text, mapping)
    if misled is not None:
        mapped.findings.append(misled)
        return mapped
    table = read_table(text, mapping.delimiter)
    mapped.findings.extend(table.findings)
    if table.header:
        _Reading(mapping, table, mapped).read()
    return mapped


def _other_delimiter(text: str, mapping: CsvMapping) -> Finding | None:
    """What to say of a header that is one column only because its columns stand apart otherwise.

    Spreadsheets of countries that write 1,5 for one and a half put semicolons between columns.
    """
    written = text.removeprefix("\ufeff").lstrip("\r\n").partition("\n")[0].strip()
    named = written.strip('"').casefold() in map(str.casefold, mapping.columns or ())
    if mapping.delimiter in written or named:
        return None
    likely: str = max(get_args(Delimiter), key=written.count)
    if likely not in written:
        return None
    name = json.dumps(likely)
    message = (
        f"The separator of the columns looks like {name}. Send the text as JSON that names it: "
        f'{{"format": "cairn.csv.v1", "csv": "…", "delimiter": {name}}}; at the command line, '
        f'"cairn import" takes {{"delimiter": {name}}} in a file with --mapping. Numbers like 1,5 '
        'need "decimal": "," as well.'
    )
    return Finding(code="other_delimiter", message=message, row=1)


class _Reading:
    """One file on its way to a document."""

    def __init__(self, mapping: CsvMapping, table: Table, mapped: MappedPlan) -> None:
        self._mapping = mapping
        self._table = table
        self._mapped = mapped
        self._objectives: list[Document] = mapped.document["objectives"]
        self._ours = mapping.columns is None
        self._by_name: dict[tuple[object, ...], int] = {}
        self._values = {
            ours: {each.casefold(): meaning for each, meaning in meanings.items()}
            for ours, meanings in mapping.values.items()
        }
        self._targets = list(self._feeds())

    def read(self) -> None:
        """Take row after row."""
        kind_column = self._kind_column()
        for row in self._table.rows:
            told = self._cells(row)
            match self._kind(row, kind_column):
                case "objective":
                    self._take_objective(row, told)
                case "key_result":
                    self._take_key_result(row, told, len(self._objectives) - 1)
                case "both":
                    self._take_both(row, told)

    def _feeds(self) -> Iterator[Sequence[str]]:
        """Which of our columns each column of the file fills; unknown ones are told of."""
        columns = self._mapping.columns
        known = {name: (name,) for name in (*BY_NAME, OWNERS)} if columns is None else columns
        folded = {name.casefold(): ours for name, ours in known.items()}
        for name in self._table.header:
            ours = folded.get(name.casefold())
            if ours is None and name:
                self._find(
                    "unknown_column",
                    "Nothing is known of this column; it is left out.",
                    Place(1, name),
                    severity="warning",
                )
            yield ours or ()

    def _kind_column(self) -> int | None:
        if self._mapping.rows is None:
            return None
        wanted = self._mapping.rows.column.casefold()
        found = [at for at, name in enumerate(self._table.header) if name.casefold() == wanted]
        return found[0] if found else -1

    def _kind(self, row: Row, column: int | None) -> str | None:
        kinds = self._mapping.rows
        if kinds is None or column is None:
            return "both"
        said = row.cells[column].strip().casefold() if column >= 0 else ""
        for kind, values in (("objective", kinds.objective), ("key_result", kinds.key_result)):
            if said in (each.casefold() for each in values):
                return kind
        allowed = ", ".join((*kinds.objective, *kinds.key_result))
        self._find(
            "row_kind", f"The column says one of: {allowed}.", Place(row.number, kinds.column)
        )
        return None

    def _cells(self, row: Row) -> _Cells:
        """What the row says by our columns, translated, with defaults where it says nothing."""
        told: dict[str, _Cell] = {}
        for name, text, targets in zip(self._table.header, row.cells, self._targets, strict=True):
            for ours in targets:
                meant = self._translated(
                    ours, cells.unguarded(text if self._ours else text.strip())
                )
                if meant:
                    told[ours] = _Cell(meant, name)
        return told

    def _translated(self, ours: str, text: str) -> str:
        meanings = self._values.get(ours)
        if meanings is None or not text:
            return text
        if ours == OWNERS:
            each_one = (each.strip() for each in text.translate(_SEPARATORS).split(";"))
            return ";".join(meanings.get(each.casefold(), each) for each in each_one)
        return meanings.get(text.strip().casefold(), meanings.get(ANY_VALUE, text))

    def _take_both(self, row: Row, told: _Cells) -> None:
        objective = self._part("objective", told, row)
        at = self._standing(objective)
        if at is None:
            at = self._add_objective(row, objective, told)
        else:
            self._hold_against(row, objective, told, at)
        if self._has_key_result(told):
            self._take_key_result(row, told, at)

    def _take_objective(self, row: Row, told: _Cells) -> None:
        self._add_objective(row, self._part("objective", told, row), told)

    def _has_key_result(self, told: _Cells) -> bool:
        wanted = self._mapping.key_result_if
        if wanted:
            return any(each in told for each in wanted)
        return any(each in told for each, column in BY_NAME.items() if column.part == "key_result")

    def _standing(self, objective: Document) -> int | None:
        """The objective of an earlier row that this one goes on with, by its place."""
        return self._by_name.get(_name(objective))

    def _add_objective(self, row: Row, objective: Document, told: _Cells) -> int:
        at = len(self._objectives)
        self._by_name.setdefault(_name(objective), at)
        objective["key_results"] = []
        self._objectives.append(objective)
        self._remember(f"/objectives/{at}", "objective", row, told)
        self._take_cycle(row, told)
        return at

    def _hold_against(self, row: Row, objective: Document, told: _Cells, at: int) -> None:
        """Say which cells of this row tell something else than the objective's first row."""
        first = self._objectives[at]
        for column in BY_NAME.values():
            name = column.path[0]
            said = column.part == "objective" and column.name in told and name in objective
            if said and first.get(name) != objective[name]:
                self._find(
                    "rows_disagree",
                    "An earlier row says something else of the same objective.",
                    Place(row.number, told[column.name].column),
                )

    def _take_key_result(self, row: Row, told: _Cells, at: int) -> None:
        if at < 0:
            message = "No objective stands above this key result."
            self._find("no_objective_above", message, Place(row.number))
            return
        key_result = self._part("key_result", told, row)
        if key_result.setdefault("type", _type_of(key_result)) not in ("increase", "decrease"):
            # A default is for what goes from a baseline to a target.
            for each in {"baseline", "target"} - told.keys():
                key_result.pop(each, None)
        siblings = self._objectives[at]["key_results"]
        pointer = f"/objectives/{at}/key_results/{len(siblings)}"
        siblings.append(key_result)
        self._remember(pointer, "key_result", row, told)

    def _take_cycle(self, row: Row, told: _Cells) -> None:
        cycle = self._part("cycle", told, row)
        document = self._mapped.document
        if not cycle:
            return
        if document.setdefault("cycle", cycle) is cycle:
            self._remember("/cycle", "cycle", row, told)
        elif document["cycle"] != cycle:
            message = "An earlier row names another cycle: a plan has one."
            self._find("rows_disagree", message, Place(row.number, "cycle"))

    def _part(self, part: Part, told: _Cells, row: Row) -> Document:
        """What the row says of the cycle, the objective or the key result."""
        found: Document = {}
        for column in BY_NAME.values():
            if column.part == part:
                self._fill(found, column, told, row)
        if part == "objective" and OWNERS in told:
            _fill_owners(found, told[OWNERS].text)
        return found

    def _fill(self, found: Document, column: Column, told: _Cells, row: Row) -> None:
        cell = told.get(column.name)
        default = self._mapping.defaults.get(column.name)
        if cell is None and default is None:
            return
        text = cell.text if cell else default or ""
        try:
            value = self._read(column, text)
        except CellError as error:
            place = Place(row.number, cell.column if cell else column.name)
            self._find(error.code, str(error), place)
            self._mapped.broken_rows.add(row.number)
            return
        inner = found
        for step in column.path[:-1]:
            inner = inner.setdefault(step, {})
        inner[column.path[-1]] = value

    def _read(self, column: Column, text: str) -> object:
        notation = self._mapping.notation
        match column.kind:
            case "number":
                return cells.number(text, notation)
            case "share":
                return cells.share(text, notation)
            case "day":
                return cells.day(text, notation)
            case "list":
                return self._read_list(column, text)
            case _:
                return text

    def _read_list(self, column: Column, text: str) -> list[Any]:
        if not self._ours and column.name in _SIMPLE_LISTS and not text.startswith("["):
            text = text.translate(_SEPARATORS)
        found = cells.read_list(text, column.entries, self._mapping.notation)
        if not self._ours and column.name == "labels":
            return [each for each in map(cells.label, map(str, found)) if each]
        return found

    def _remember(self, pointer: str, part: Part, row: Row, told: _Cells) -> None:
        self._mapped.places[pointer] = Place(row.number)
        if part == "objective" and OWNERS in told:
            self._mapped.places[f"{pointer}/owner"] = Place(row.number, told[OWNERS].column)
        for column in BY_NAME.values():
            if column.part == part and column.name in told:
                place = Place(row.number, told[column.name].column)
                for depth in range(1, len(column.path) + 1):
                    self._mapped.places["/".join([pointer, *column.path[:depth]])] = place

    def _find(self, code: str, message: str, place: Place, *, severity: Severity = "error") -> None:
        finding = Finding(
            code=code, message=message, severity=severity, row=place.row, field=place.column
        )
        self._mapped.findings.append(finding)


def _name(objective: Document) -> tuple[object, ...]:
    """What tells an objective of the file from the others: its key, or else its owner and title."""
    if "key" in objective:
        return ("key", objective["key"])
    owner = objective.get("owner", {})
    return ("title", owner.get("kind"), owner.get("id"), objective.get("title"))


def _fill_owners(objective: Document, told: str) -> None:
    """The first owns; the others may change it as well."""
    owners = [each.strip() for each in told.translate(_SEPARATORS).split(";") if each.strip()]
    kind = objective.get("owner", {}).get("kind")
    first, *others = owners or [""]
    objective["owner"] = {"kind": kind, "id": first}
    if others:
        objective["delegates"] = [{"kind": kind, "id": each} for each in others]


def _type_of(key_result: Document) -> str:
    """The type of a key result that does not name one, by what it is to reach."""
    if "milestones" in key_result:
        return "milestones"
    if "lower" in key_result or "upper" in key_result:
        return "maintain"
    if "target" not in key_result:
        return "binary"
    return "decrease" if key_result["target"] < key_result.get("baseline", 0.0) else "increase"
