"""Today's classes against every schema ever published, in both directions."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import PublishedEvent
from contracts.generate import ROOT, history, main
from contracts.json_schema import EVENTS, published_schema
from tests.unit.contracts.instances import instances

CLASSES = {event.TYPE: event for event in EVENTS}
PUBLISHED = sorted((ROOT / "schemas" / "published").glob("*/*.json"))

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
every_schema_ever = pytest.mark.parametrize(
    "path", PUBLISHED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)

# Enough to meet every field present and absent; no deadline, because machines are shared.
examples = settings(max_examples=50, deadline=None)


@cache
def read(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@cache
def validator(path: Path) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(read(path), validate_formats=True)


@cache
def published_instances(path: Path) -> st.SearchStrategy[Any]:
    return instances(read(path))


@cache
def written_instances(event: type[PublishedEvent]) -> st.SearchStrategy[Any]:
    return instances(published_schema(event))


def test_the_committed_documents_are_what_the_classes_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


@every_event
def test_every_event_type_has_been_published(event: type[PublishedEvent]) -> None:
    assert history(ROOT, event.TYPE)


@every_schema_ever
def test_a_published_schema_is_valid_and_its_examples_fit_it(path: Path) -> None:
    schema = read(path)
    jsonschema_rs.meta.validate(schema)
    assert schema["examples"]
    for example in schema["examples"]:
        validator(path).validate(example)


@every_schema_ever
@examples
@given(data=st.data())
def test_todays_class_reads_what_any_published_schema_allows(
    path: Path, data: st.DataObject
) -> None:
    instance = data.draw(published_instances(path))
    CLASSES[path.parent.name].model_validate_json(json.dumps(instance))


@every_schema_ever
@examples
@given(data=st.data())
def test_any_published_schema_allows_what_todays_class_writes(
    path: Path, data: st.DataObject
) -> None:
    event = CLASSES[path.parent.name]
    written = event.model_validate(data.draw(written_instances(event))).model_dump_json()
    validator(path).validate(json.loads(written))


@every_event
def test_a_reader_ignores_fields_it_does_not_know(event: type[PublishedEvent]) -> None:
    (example,) = published_schema(event)["examples"]
    newer = {**example, "added_later": {"by": "a newer version"}}
    assert event.model_validate(newer) == event.model_validate(example)
