"""JSON Schemas of the published shapes, in the dialect 2020-12.

A schema describes an event's data as its writer sends it: what a consumer may rely on.
"""

import inspect
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from contracts import goals, metrics, reviews
from contracts.events import PublishedEvent
from contracts.examples import EXAMPLES

Schema = dict[str, Any]

EVENTS: Final[tuple[type[PublishedEvent], ...]] = (
    *goals.PUBLISHED,
    *reviews.PUBLISHED,
    *metrics.PUBLISHED,
    *metrics.ANNOUNCED,
)


class _WithoutFieldTitles(GenerateJsonSchema):
    """Leaves out the title of each field: it repeats the field's name in other letters."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 (pydantic's name)
        return False


def schema_of(model: type[BaseModel]) -> Schema:
    """The schema of what `model` writes, without dialect and id: fit to stand inside another."""
    return model.model_json_schema(mode="serialization", schema_generator=_WithoutFieldTitles)


def first_line(model: type[BaseModel]) -> str:
    """The sentence that begins the model's docstring."""
    return inspect.cleandoc(model.__doc__ or "").partition("\n")[0]


def published_schema(event: type[PublishedEvent]) -> Schema:
    """The committed document of one event type, with an example."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:cairn:schema:{event.TYPE}",
        **schema_of(event),
        "examples": [EXAMPLES[event].model_dump(mode="json")],
    }
