"""How a CSV file of another tool is read: its columns, its values, its numbers and days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.chassis.bodies import STORABLE, Reason
from services.goals.exchange.cells import OURS, DateFormat, Decimal, Notation
from services.goals.exchange.columns import BY_NAME, OWNERS
from services.goals.exchange.findings import Finding

CSV_FORMAT: Final = "cairn.csv.v1"
ANY_VALUE: Final = "*"
MAX_MAPPED: Final = 200
MAX_MAPPED_VALUES: Final = 5_000

Delimiter = Literal[",", ";", "\t", "|"]
PresetName = Literal["betterworks", "peoplebox", "peoplecues"]
Name = Annotated[str, Field(max_length=300), STORABLE]
Names = Annotated[tuple[Name, ...], Field(max_length=MAX_MAPPED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKinds:
    """A file where objectives and key results have rows of their own.

    `column` tells them apart by its values; a key result belongs to the objective above it.
    """

    column: str
    objective: Sequence[str]
    key_result: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMapping:
    """How a file is read. Names of the file's columns and values count in whatever case.

    `columns` says which of ours each column of the file fills; None: the file's are ours.
    `values` translates cells by our column; `*` stands for any value that is not named, and an
    empty translation for none. `defaults` fills what the file leaves empty. Where
    `key_result_if` names some of ours, a row has a key result only if one of them is filled.
    """

    columns: Mapping[str, Sequence[str]] | None = None
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    rows: RowKinds | None = None
    key_result_if: Sequence[str] = ()
    delimiter: Delimiter = ","
    notation: Notation = OURS


OUR_COLUMNS: Final = CsvMapping()


class RowKindsFields(BaseModel):
    """Which column says what a row is, and by which values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Name
    objective: Names
    key_result: Names

    def value(self) -> RowKinds:
        """The mapping's value."""
        return RowKinds(column=self.column, objective=self.objective, key_result=self.key_result)


class CsvEnvelope(BaseModel):
    """A CSV text and how it is read: a preset, or a mapping of your own, or a preset and changes.

    Without `preset` and `columns` the columns are those of an export.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["cairn.csv.v1"]
    csv: str
    preset: Annotated[
        PresetName | None, Field(description="Columns as that tool documents them.")
    ] = None
    columns: Annotated[
        dict[Name, Name | Names] | None,
        Field(max_length=MAX_MAPPED, description="Which of our columns each of the file's fills."),
    ] = None
    values: Annotated[
        dict[Name, Annotated[dict[Name, Name], Field(max_length=MAX_MAPPED_VALUES)]],
        Field(max_length=MAX_MAPPED, description="By our column, what each value means."),
    ] = {}
    defaults: Annotated[
        dict[Name, Name],
        Field(max_length=MAX_MAPPED, description="By our column, what an empty cell means."),
    ] = {}
    rows: RowKindsFields | None = None
    key_result_if: Names | None = None
    delimiter: Delimiter | None = None
    decimal: Decimal | None = None
    dates: DateFormat | None = None
    reason: Annotated[Reason | None, Field(description="Why; kept in the history.")] = None

    def mapping(self, preset: CsvMapping) -> CsvMapping:
        """The preset with what is said otherwise here."""
        return CsvMapping(
            columns=self._columns(preset),
            values={**preset.values, **self._values(preset)},
            defaults={**preset.defaults, **self.defaults},
            rows=self.rows.value() if self.rows else preset.rows,
            key_result_if=preset.key_result_if
            if self.key_result_if is None
            else self.key_result_if,
            delimiter=self.delimiter or preset.delimiter,
            notation=Notation(
                decimal=self.decimal or preset.notation.decimal,
                dates=self.dates or preset.notation.dates,
            ),
        )

    def _columns(self, preset: CsvMapping) -> Mapping[str, Sequence[str]] | None:
        if self.columns is None:
            return preset.columns
        own = {
            theirs: (ours,) if isinstance(ours, str) else ours
            for theirs, ours in self.columns.items()
        }
        return {**(preset.columns or {}), **own}

    def _values(self, preset: CsvMapping) -> Mapping[str, Mapping[str, str]]:
        return {
            ours: {**preset.values.get(ours, {}), **meanings}
            for ours, meanings in self.values.items()
        }

    def unknown_columns(self) -> list[Finding]:
        """Names in the mapping that are none of our columns."""
        mapped = (ours for names in (self._columns(OUR_COLUMNS) or {}).values() for ours in names)
        named = (
            *(("columns", each) for each in mapped),
            *(("values", each) for each in self.values),
            *(("defaults", each) for each in self.defaults),
            *(("key_result_if", each) for each in self.key_result_if or ()),
        )
        return [
            Finding(
                code="unknown_column",
                message=f"There is no column of that name. There are: {', '.join(_OURS)}.",
                pointer=f"/{part}",
                field=part,
            )
            for part, each in dict.fromkeys(named)
            if each not in _OURS
        ]


_OURS: Final = (*BY_NAME, OWNERS)
