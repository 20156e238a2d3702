"""What the service says of its own routes: where they are, and what may be sent to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.goals.conftest import Json

_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A documented route; `path` has no `/v1` in front, and `versioned` ones need If-Match."""

    method: str
    path: str
    tag: str
    versioned: bool
    examples: list[Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    @property
    def body(self) -> Any:
        """A body to send; None where the route takes none."""
        return self.examples[0] if self.examples else None

    def at(self, ids: Mapping[str, str]) -> str:
        """Its path with these ids in it."""
        return self.path.format_map(ids)

    def at_any(self, value: str) -> str:
        """Its path with this as every id in it."""
        return self.at(dict.fromkeys(self.parameters, value))


def operations(document: Json) -> list[Operation]:
    """Every operation that is documented, but for the probes."""
    schemas = document["components"]["schemas"]
    return [
        Operation(
            method=method.upper(),
            path=path.removeprefix("/v1"),
            tag=described["tags"][0],
            versioned=any(each["name"] == "If-Match" for each in described.get("parameters", ())),
            examples=_examples(described, schemas),
        )
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method, described in methods.items()
    ]


def _examples(described: Json, schemas: Json) -> list[Any]:
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    found: list[Any] = schema.get("examples", [])
    return found
