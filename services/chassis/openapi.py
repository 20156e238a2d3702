"""The OpenAPI document of a service, completed with what the chassis answers for every route."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from services.chassis.auth import RequireScopes
from services.chassis.parameters import RawParameter
from services.chassis.problems import (
    AS_OF_IN_FUTURE,
    BAD_REQUEST,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    INVALID_HEADER,
    INVALID_REQUEST,
    MISSING_SCOPE,
    OVERLOADED,
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    PROBLEM_SCHEMA,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Problem,
    problem_responses,
)

Document = dict[str, Any]

_FASTAPI_VALIDATION_SCHEMAS = ("HTTPValidationError", "ValidationError")
_OF_ANY_OPERATION = (INVALID_REQUEST, INTERNAL_ERROR, OVERLOADED, UNAVAILABLE)
_OF_PARAMETER = {
    "If-Match": (INVALID_HEADER, PRECONDITION_REQUIRED, PRECONDITION_FAILED),
    "Idempotency-Key": (INVALID_HEADER,),
    "as_of": (INVALID_REQUEST, AS_OF_IN_FUTURE),
}


class DocumentedApp(FastAPI):
    """A FastAPI whose document names every status that can come back, each as a problem."""

    def openapi(self) -> Document:
        """The OpenAPI 3.1 document."""
        if not self.openapi_schema:
            complete(super().openapi(), self.routes)
        assert self.openapi_schema is not None
        return self.openapi_schema


def complete(document: Document, routes: Sequence[BaseRoute]) -> None:
    """Add the chassis' answers, and each route's scopes, to a document FastAPI made."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_VALIDATION_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    dependencies = _dependencies_by_operation(routes)
    for operation in _operations(document):
        _complete_operation(operation, dependencies[operation["operationId"]])


def _operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        yield from path.values()


def _complete_operation(operation: Document, dependencies: Sequence[object]) -> None:
    parameters = [each.document() for each in dependencies if isinstance(each, RawParameter)]
    if parameters:
        operation.setdefault("parameters", []).extend(parameters)
    responses = operation["responses"]
    if _is_fastapi_default(responses.get("422")):
        del responses["422"]
        _add(responses, INVALID_REQUEST)
    if "health" in operation.get("tags", ()):
        return
    _add(responses, *_OF_ANY_OPERATION)
    for parameter in operation.get("parameters", ()):
        _add(responses, *_OF_PARAMETER.get(parameter["name"], ()))
    if "requestBody" in operation:
        _add(responses, BAD_REQUEST, BODY_TOO_LARGE)
    scopes = [
        scope for each in dependencies if isinstance(each, RequireScopes) for scope in each.scopes
    ]
    if "security" in operation:
        _add(responses, UNAUTHENTICATED, MISSING_SCOPE)
        # OpenAPI 3.1 lets a bearer scheme list the roles it needs; ours are called scopes.
        operation["security"] = [dict.fromkeys(entry, scopes) for entry in operation["security"]]


def _is_fastapi_default(response: Document | None) -> bool:
    content = (response or {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref", "").endswith("/HTTPValidationError"))


def _add(responses: Document, *problems: Problem) -> None:
    """Document these problems, without touching what a route says itself of the same status."""
    for status, response in problem_responses(*problems).items():
        responses.setdefault(str(status), response)


def _dependencies_by_operation(routes: Sequence[BaseRoute]) -> dict[str, list[object]]:
    return {
        context.operation_id or context.unique_id: list(_dependencies(context.dependant))
        for context in iter_route_contexts(routes)
        if isinstance(context.original_route, APIRoute)
    }


def _dependencies(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from _dependencies(each)
