import json
from collections.abc import Iterator
from typing import Annotated, Any

import jsonschema_rs
import pytest
import schemathesis
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.chassis.auth import Caller, require
from services.chassis.parameters import AsOf, IdempotencyKey, IfMatch
from services.chassis.problems import MEDIA_TYPE, Problem, problem_responses
from tests.unit.chassis.conftest import AppFactory, Issuer, calling


class StoneTakenError(Exception):
    pass


TAKEN = Problem("stone-taken", 409, "The stone is taken.")


class Stone(BaseModel):
    weight: int


def stones() -> APIRouter:
    router = APIRouter(prefix="/v1/stones", tags=["stones"])

    @router.post("", status_code=201, responses=problem_responses(TAKEN))
    async def add(
        stone: Stone, key: IdempotencyKey, caller: Annotated[Caller, Depends(require("a:write"))]
    ) -> Stone:
        if stone.weight == 13:
            raise StoneTakenError("Somebody was faster.")
        return stone

    @router.put("/{number}")
    async def change(
        number: int,
        stone: Stone,
        version: IfMatch,
        caller: Annotated[Caller, Depends(require("a:write", "a:admin"))],
    ) -> Stone:
        return stone

    @router.get("")
    async def show(
        moment: AsOf, caller: Annotated[Caller, Depends(require("a:read"))]
    ) -> list[Stone]:
        return []

    return router


@pytest.fixture
def app(make_app: AppFactory) -> FastAPI:
    return make_app(stones(), problems={StoneTakenError: TAKEN})


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_the_document_is_openapi_3_1_without_a_trace_of_the_frameworks_own_errors(
    app: FastAPI,
) -> None:
    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in json.dumps(document)
    assert app.openapi() is document


def test_every_error_of_every_operation_is_a_problem(app: FastAPI) -> None:
    for operation in operations(app.openapi()):
        for status, response in operation["responses"].items():
            if status[0] in "45" and operation.get("tags") != ["health"]:
                assert set(response["content"]) == {MEDIA_TYPE}


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/v1/stones", "post", {"201", "400", "401", "403", "409", "413", "422", "500", "503"}),
        (
            "/v1/stones/{number}",
            "put",
            {"200", "400", "401", "403", "412", "413", "422", "428", "500", "503"},
        ),
        ("/v1/stones", "get", {"200", "401", "403", "422", "500", "503"}),
        ("/livez", "get", {"200"}),
        ("/readyz", "get", {"200", "503"}),
        ("/metrics", "get", {"200"}),
    ],
)
def test_every_status_that_can_come_back_is_documented(
    path: str, method: str, statuses: set[str], app: FastAPI
) -> None:
    assert set(app.openapi()["paths"][path][method]["responses"]) == statuses


def test_a_bearer_token_and_its_scopes_are_asked_for(app: FastAPI) -> None:
    document = app.openapi()
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    change = document["paths"]["/v1/stones/{number}"]["put"]
    assert change["security"] == [{"bearer": ["a:write", "a:admin"]}]


def test_headers_are_documented_although_the_framework_does_not_see_them(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    (if_match,) = [
        each for each in paths["/v1/stones/{number}"]["put"]["parameters"] if each["in"] == "header"
    ]
    assert (if_match["name"], if_match["required"]) == ("If-Match", True)
    (key,) = paths["/v1/stones"]["post"]["parameters"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)


async def test_a_problem_fits_its_documented_schema(app: FastAPI, issuer: Issuer) -> None:
    async with calling(app) as client:
        answers = [
            await client.post(
                "/v1/stones", json={"weight": 13}, headers=issuer.bearer(scope="a:write")
            ),
            await client.post("/v1/stones", json={}, headers=issuer.bearer(scope="a:write")),
            await client.get("/v1/stones"),
        ]
        document = (await client.get("/openapi.json")).json()
    assert [answer.status_code for answer in answers] == [409, 422, 401]
    schema = document["components"]["schemas"]["Problem"]
    for answer in answers:
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(answer.json())


def test_whatever_is_sent_the_service_keeps_to_its_document(app: FastAPI, issuer: Issuer) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    headers = issuer.bearer(scope="a:read a:write a:admin")
    for found in schema.get_all_operations():
        keep_to_document(found.ok().as_strategy(), headers)


def keep_to_document(cases: st.SearchStrategy[schemathesis.Case], headers: dict[str, str]) -> None:
    @given(cases)
    @settings(max_examples=12, deadline=None, derandomize=True)
    def keep(case: schemathesis.Case) -> None:
        # A moment to come, or a tag of nobody's, has the right form and is refused all the same.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    keep()
