"""A plan as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.goals.exchange.cells import guarded, number_text, write_list
from services.goals.exchange.columns import COLUMNS, Column
from services.goals.exchange.plan import ExportedPlan, Plan
from services.goals.exchange.table import write_rows

HEADER: Final = tuple(each.name for each in COLUMNS)

_NOTHING: Final[Mapping[str, Any]] = {}


def plan_as_csv(plan: Plan | ExportedPlan) -> str:
    """One row for each key result; a plan without objectives is the header alone."""
    return write_rows([HEADER, *_rows(plan.model_dump(mode="json"))])


def _rows(document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    cycle = document["cycle"] or _NOTHING
    for objective in document["objectives"]:
        for key_result in objective["key_results"] or [_NOTHING]:
            parts = {"cycle": cycle, "objective": objective, "key_result": key_result}
            yield [_cell(each, parts[each.part]) for each in COLUMNS]


def _cell(column: Column, document: Mapping[str, Any]) -> str:
    value: Any = document
    for step in column.path:
        value = (value or _NOTHING).get(step)
    if value is None:
        return ""
    match column.kind:
        case "number" | "share":
            return number_text(float(value))
        case "list":
            entries = [each if isinstance(each, str) else _without_nothing(each) for each in value]
            return guarded(write_list(entries, column.entries))
        case "day":
            return str(value)
        case _:
            return guarded(str(value))


def _without_nothing(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in entry.items() if value is not None and value is not False
    }
