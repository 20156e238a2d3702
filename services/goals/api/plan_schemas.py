"""The shapes of plans over HTTP: what is sent, and what became of it."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.goals import ObjectiveState
from services.goals.api.plan_examples import CSV_EXAMPLE, ENVELOPE_EXAMPLE, PLAN_EXAMPLE
from services.goals.api.plan_type import CSV, JSON
from services.goals.api.schemas import Shape
from services.goals.exchange.findings import Severity
from services.goals.exchange.mapping import CsvEnvelope
from services.goals.exchange.plan import ExportedPlan, Plan


class FindingShape(Shape):
    """Something wrong with the plan, or worth knowing about it."""

    severity: Severity
    code: str
    message: str
    pointer: Annotated[
        str | None, Field(description="A JSON Pointer into the document; null for CSV.")
    ]
    row: Annotated[
        int | None, Field(description="Of CSV, counted from 1 with the header as the first.")
    ]
    field: Annotated[
        str | None, Field(description="A field of the document, or a column of the CSV text.")
    ]
    missing: Annotated[list[str], Field(description="Rights, any one of which would do.")]


class ImportedCycleShape(Shape):
    """The cycle that the plan was brought into."""

    id: UUID
    name: str
    created: bool


class ImportedObjectiveShape(Shape):
    """An objective of the plan; `created` is false where it was there before."""

    key: str | None
    id: UUID
    title: str
    state: ObjectiveState
    created: bool
    key_results: int
    alignments: int
    version: int


class ImportedPlanShape(Shape):
    """What the plan led to, or would have led to."""

    dry_run: bool
    cycle: ImportedCycleShape
    created: int
    already_there: int
    objectives: list[ImportedObjectiveShape]
    findings: list[FindingShape]
    findings_total: int


_REFERENCE: Final = "#/components/schemas/"
# What an answer refers to is among the document's components, for a request to refer to as well.
_COMPONENTS: Final = frozenset(ExportedPlan.model_json_schema()["$defs"])


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema for a place in the document that FastAPI does not fill."""
    schema = model.model_json_schema(ref_template=_REFERENCE + "{model}")
    inner = {f"{_REFERENCE}{name}": each for name, each in schema.pop("$defs", {}).items()}

    def in_place(node: Any) -> Any:
        if isinstance(node, list):
            return [in_place(each) for each in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref", "")
        if reference.removeprefix(_REFERENCE) not in _COMPONENTS and reference in inner:
            return in_place(inner[reference])
        return {name: in_place(value) for name, value in node.items()}

    found: dict[str, Any] = in_place(schema)
    return found


PLAN_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"anyOf": [_schema(Plan), _schema(CsvEnvelope)]},
            "examples": {
                "plan": {"summary": "A plan", "value": PLAN_EXAMPLE},
                "csv": {"summary": "CSV of another tool", "value": ENVELOPE_EXAMPLE},
            },
        },
        CSV: {
            "schema": {"type": "string", "description": "The columns of an export, in UTF-8."},
            "example": CSV_EXAMPLE,
        },
    },
}
