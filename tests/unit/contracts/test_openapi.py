"""The committed HTTP documents: they are those of the services, and say all that a caller needs."""

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from deploy import openapi
from deploy.openapi import FOLDER, main, services

SERVICES = tuple(services())
DOCUMENTS = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in SERVICES}
PROBES = {"/livez", "/readyz", "/metrics"}

Node = dict[str, Any]


def operations() -> Iterator[tuple[str, str, Node]]:
    """Every operation but the probes, with its service and its name: `goals`, `get /v1/cycles`."""
    for service, document in DOCUMENTS.items():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if path not in PROBES:
                    yield service, f"{method} {path}", operation


OPERATIONS = list(operations())

every_service = pytest.mark.parametrize("service", SERVICES)
every_operation = pytest.mark.parametrize(
    ("service", "name", "operation"),
    OPERATIONS,
    ids=[f"{service}-{name}" for service, name, _ in OPERATIONS],
)


def resolve(service: str, node: Node) -> Node:
    """The node itself, or what it refers to."""
    found: Any = node
    while "$ref" in found:
        steps = found["$ref"].removeprefix("#/").split("/")
        found = DOCUMENTS[service]
        for step in steps:
            found = found[step.replace("~1", "/").replace("~0", "~")]
    return found  # type: ignore[no-any-return]


def nodes(node: Any) -> Iterator[Node]:
    """Every object in a document."""
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)
    if isinstance(node, dict):
        yield node
        yield from nodes(list(node.values()))


def examples_of(service: str, media: Node) -> list[Any]:
    """What a body looks like, as its media type or its schema shows it."""
    schema = resolve(service, media["schema"])
    shown = [example["value"] for example in media.get("examples", {}).values()]
    shown += [media["example"]] if "example" in media else []
    return [*shown, *schema.get("examples", [])]


def parameter(service: str, operation: Node, name: str) -> Node | None:
    found = (resolve(service, each) for each in operation.get("parameters", []))
    return next((each for each in found if each["name"] == name), None)


def test_the_committed_documents_are_those_of_the_services(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_nothing_else_is_committed() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(SERVICES)


def test_what_was_written_passes_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], folder=tmp_path) == 0
    assert main(["--check"], folder=tmp_path) == 0
    (tmp_path / "goals.json").write_text("{}\n")
    assert main(["--check"], folder=tmp_path) == 1
    assert "goals.json (on disk)" in capsys.readouterr().err


def test_the_command_ends_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["openapi", "--check"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(openapi.__file__, run_name="__main__")
    assert end.value.code == 0


@every_service
def test_a_document_is_valid_openapi_3_1(service: str) -> None:
    assert DOCUMENTS[service]["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENTS[service]).validate()


@every_service
def test_every_reference_leads_somewhere(service: str) -> None:
    for node in nodes(DOCUMENTS[service]):
        assert resolve(service, node) is not None


@every_service
def test_every_schema_is_json_schema(service: str) -> None:
    for schema in DOCUMENTS[service]["components"]["schemas"].values():
        jsonschema_rs.meta.validate(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        )


@every_service
def test_operations_have_names_of_their_own(service: str) -> None:
    names = [operation["operationId"] for owner, _, operation in OPERATIONS if owner == service]
    assert len(set(names)) == len(names)


@every_operation
def test_an_operation_says_what_it_does_and_who_may(
    service: str, name: str, operation: Node
) -> None:
    assert operation["summary"]
    assert operation["description"]
    ((scheme, scopes),) = [pair for each in operation["security"] for pair in each.items()]
    assert DOCUMENTS[service]["components"]["securitySchemes"][scheme]["scheme"] == "bearer"
    assert scopes, f"{name} names no scope"


@every_operation
def test_every_refusal_is_a_problem(service: str, name: str, operation: Node) -> None:
    refusals = {status: each for status, each in operation["responses"].items() if status >= "4"}
    assert refusals.keys() >= {"401", "403", "422", "500", "503"}, name
    for status, response in refusals.items():
        content = resolve(service, response)["content"]
        assert content.keys() == {"application/problem+json"}, f"{name} answers {status}"


@every_operation
def test_a_success_has_a_shape(service: str, name: str, operation: Node) -> None:
    successes = {each: its for each, its in operation["responses"].items() if each < "4"}
    assert successes
    for status, response in successes.items():
        if status == "204":
            assert "content" not in response
            continue
        for media in resolve(service, response)["content"].values():
            assert resolve(service, media["schema"]), f"{name} answers anything"


@every_operation
def test_a_change_can_be_repeated_safely(service: str, name: str, operation: Node) -> None:
    has_key = parameter(service, operation, "Idempotency-Key") is not None
    assert has_key == name.startswith("post ")


@every_operation
def test_a_body_is_shown_by_examples_that_fit_it(service: str, name: str, operation: Node) -> None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        examples = examples_of(service, media)
        assert examples, f"{name} shows no example of its body"
        schema = {**media["schema"], "components": DOCUMENTS[service]["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for example in examples:
            validator.validate(example)
