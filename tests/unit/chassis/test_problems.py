from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from services.chassis.problems import (
    MEDIA_TYPE,
    NOT_FOUND,
    Problem,
    find_problem,
    problem_responses,
    unmapped_errors,
)
from tests.unit.chassis.conftest import AppFactory, calling

SECRET = "hunter2-secret"


class PileError(Exception):
    pass


class PileTooHighError(PileError):
    extensions = {"limit": 7, "status": "cannot be replaced"}  # noqa: RUF012


class PileToppledError(PileTooHighError):
    pass


class ForgottenError(Exception):
    pass


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise ForgottenError(SECRET)


TOO_HIGH = Problem("pile-too-high", 409, "The pile is too high.")
TABLE = {
    SpeechlessError: TOO_HIGH,
    PileError: Problem("pile", 400, "Something is wrong with the pile."),
    PileTooHighError: TOO_HIGH,
}


class Colour(StrEnum):
    GREY = "grey"


class Round(BaseModel):
    shape: Literal["round"]


class Flat(BaseModel):
    shape: Literal["flat"]


class Stone(BaseModel):
    weight: float
    id: UUID
    colour: Colour
    form: Annotated[Round | Flat, Field(discriminator="shape")]


def quarry() -> APIRouter:
    router = APIRouter(prefix="/v1")
    errors = {
        "plain": PileError("It leans."),
        "high": PileTooHighError("It has 8 stones."),
        "toppled": PileToppledError("It fell."),
        "forgotten": ForgottenError(SECRET),
        "http": HTTPException(418, "A teapot, not a stone."),
        "odd": HTTPException(409, {"not": "a text"}),
        "speechless": SpeechlessError(),
        "numberless": HTTPException(299),
        "headless": HTTPException(409, headers={"X": "\N{SNOWMAN}"}),
    }

    @router.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise errors[name]

    @router.post("/stones")
    async def add(stone: Stone, number: Annotated[int, Query(alias="a/b~c")] = 1) -> int:
        return number

    @router.get("/stones")
    async def show() -> int:
        return 1

    return router


async def ask(make_app: AppFactory, path: str) -> tuple[int, dict[str, object]]:
    async with calling(make_app(quarry(), problems=TABLE)) as client:
        answer = await client.get(path, headers={"X-Request-Id": "r-1"})
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    return answer.status_code, answer.json()


async def test_an_error_of_the_table_is_its_problem_in_the_errors_own_words(
    make_app: AppFactory,
) -> None:
    status, document = await ask(make_app, "/v1/raise/plain")
    assert status == 400
    assert document == {
        "type": "urn:cairn:problem:pile",
        "title": "Something is wrong with the pile.",
        "status": 400,
        "detail": "It leans.",
        "instance": "/v1/raise/plain",
        "request_id": "r-1",
    }


async def test_an_error_brings_further_members_but_replaces_none(make_app: AppFactory) -> None:
    status, document = await ask(make_app, "/v1/raise/high")
    assert status == document["status"] == 409
    assert document["limit"] == 7


async def test_a_subclass_is_the_problem_of_its_nearest_ancestor(make_app: AppFactory) -> None:
    _, document = await ask(make_app, "/v1/raise/toppled")
    assert document["type"] == "urn:cairn:problem:pile-too-high"


async def test_an_error_nobody_expected_tells_the_caller_nothing(make_app: AppFactory) -> None:
    status, document = await ask(make_app, "/v1/raise/forgotten")
    assert status == 500
    assert document["type"] == "urn:cairn:problem:internal-error"
    assert SECRET not in str(document)
    assert "Forgotten" not in str(document)


@pytest.mark.parametrize("name", ["speechless", "numberless", "headless"])
async def test_an_error_that_cannot_be_told_is_one_that_nobody_expected(
    make_app: AppFactory, name: str
) -> None:
    status, document = await ask(make_app, f"/v1/raise/{name}")
    assert status == 500
    assert document["type"] == "urn:cairn:problem:internal-error"


async def test_the_frameworks_own_errors_are_problems_too(make_app: AppFactory) -> None:
    status, document = await ask(make_app, "/v1/raise/http")
    assert (status, document["detail"]) == (418, "A teapot, not a stone.")
    assert document["type"] == "urn:cairn:problem:i-m-a-teapot"


async def test_an_unknown_path_is_404(make_app: AppFactory) -> None:
    status, document = await ask(make_app, "/v1/no%20such%22thing")
    assert status == 404
    assert document["instance"] == "/v1/no%20such%22thing"


@pytest.mark.parametrize("path", ["/v1/stones/", "/docs", "/redoc"])
async def test_nothing_is_served_beside_what_is_documented(path: str, make_app: AppFactory) -> None:
    assert (await ask(make_app, path))[0] == 404


async def test_a_wrong_method_is_405_and_names_all_right_ones(make_app: AppFactory) -> None:
    async with calling(make_app(quarry())) as client:
        answer = await client.delete("/v1/stones")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert answer.json()["type"] == "urn:cairn:problem:method-not-allowed"


async def test_an_invalid_request_names_every_fault_and_repeats_no_input(
    make_app: AppFactory,
) -> None:
    body = {"weight": SECRET, "id": SECRET, "colour": SECRET, "form": {"shape": SECRET}}
    async with calling(make_app(quarry())) as client:
        answer = await client.post("/v1/stones", params={"a/b~c": SECRET}, json=body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]} == {
        ("/query/a~1b~0c", "int_parsing"),
        ("/body/weight", "float_parsing"),
        ("/body/id", "uuid_parsing"),
        ("/body/colour", "enum"),
        ("/body/form", "union_tag_invalid"),
    }
    assert SECRET not in answer.text
    assert "hunter" not in answer.text
    assert "`h`" not in answer.text


@pytest.mark.parametrize("body", [b"{", b'{"weight": hunter}', b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(body: bytes, make_app: AppFactory) -> None:
    async with calling(make_app(quarry())) as client:
        answer = await client.post(
            "/v1/stones", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert "hunter" not in answer.text


async def test_an_endless_list_of_faults_is_cut(make_app: AppFactory) -> None:
    router = APIRouter()

    @router.post("/many")
    async def many(numbers: list[int]) -> int:
        return len(numbers)

    async with calling(make_app(router)) as client:
        answer = await client.post("/many", json=["x"] * 5_000)
    assert len(answer.json()["errors"]) == 100
    assert answer.json()["detail"] == "5000 part(s) of the request are not valid."


def test_the_most_specific_class_decides() -> None:
    assert find_problem(TABLE, PileToppledError) is TOO_HIGH
    assert find_problem(TABLE, ForgottenError) is None


def test_a_family_of_errors_is_walked_for_the_forgotten() -> None:
    assert unmapped_errors(PileError, TABLE) == []
    assert unmapped_errors(PileError, {PileTooHighError: TOO_HIGH}) == [PileError]


def test_problems_of_one_status_share_one_documented_answer() -> None:
    other = Problem("pile-locked", 409, "The pile is locked.")
    responses = problem_responses(TOO_HIGH, other, NOT_FOUND)
    assert set(responses) == {409, 404}
    assert responses[409]["description"] == "The pile is too high. The pile is locked."
    assert set(responses[409]["content"]) == {MEDIA_TYPE}
