from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.parameters import (
    AsOf,
    AsOfInFutureError,
    IdempotencyKey,
    IfMatch,
    InvalidHeaderError,
    MissingIfMatchError,
    UnmatchableVersionError,
    etag,
    parse_as_of,
    parse_idempotency_key,
    parse_if_match,
)
from tests.unit.chassis.conftest import AppFactory, calling

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def echo() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.put("/version")
    async def version(expected: IfMatch) -> int:
        return expected

    @router.post("/keyed")
    async def keyed(key: IdempotencyKey) -> str | None:
        return key

    @router.get("/then")
    async def then(moment: AsOf) -> datetime | None:
        return moment

    return router


@pytest.fixture
async def client(make_app: AppFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app(echo())) as client:
        yield client


def test_an_etag_is_read_back_as_its_version() -> None:
    for version in (0, 1, 7, 10**17):
        assert parse_if_match(etag(version)) == version


def test_a_change_must_say_which_version_it_is_for() -> None:
    with pytest.raises(MissingIfMatchError):
        parse_if_match(None)


@pytest.mark.parametrize("header", ['W/"7"', '"seven"', '""', '"07"', '"-7"', f'"{"9" * 40}"'])
def test_a_tag_that_is_none_of_ours_matches_nothing(header: str) -> None:
    with pytest.raises(UnmatchableVersionError):
        parse_if_match(header)


@pytest.mark.parametrize("header", ["", "7", "*", '"7', '"7", "8"', '"7" ', 'w/"7"', '"\x00"'])
def test_what_is_not_one_tag_is_refused(header: str) -> None:
    with pytest.raises(InvalidHeaderError):
        parse_if_match(header)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_if_match_is_a_version_or_a_typed_error(header: str) -> None:
    with suppress(InvalidHeaderError, UnmatchableVersionError):
        assert etag(parse_if_match(header)) == header


@pytest.mark.parametrize("key", ["k", "x" * 200, "!~#/;,", "8e03978e-40d5-43e8-bc93-6894a57f9324"])
def test_an_idempotency_key_is_visible_ascii(key: str) -> None:
    assert parse_idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "caf\xe9", "a\n", "a\x7f"])
def test_any_other_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidHeaderError):
        parse_idempotency_key(key)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-31T00:00:00Z", datetime(2026, 3, 31, tzinfo=UTC)),
        ("2026-03-31t02:00:00.25+02:00", datetime(2026, 3, 31, 0, 0, 0, 250_000, UTC)),
        ("2026-03-31T12:00:00z", NOW),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_as_of_is_a_moment_in_utc(text: str, moment: datetime) -> None:
    assert parse_as_of(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-03-31",
        "2026-03-31T00:00:00",
        "2026-03-31 00:00:00Z",
        "2026-03-31T00:00:00 02:00",
        "2026-02-30T00:00:00Z",
        "2026-03-31T25:00:00Z",
        "2026-03-31T00:00:00+99:00",
        "0001-01-01T00:00:00+23:00",
        "1774915200",
        "٢٠٢٦-03-31T00:00:00Z",
        "2026-W14-2T00:00:00Z",
    ],
)
def test_an_as_of_that_is_no_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(RequestValidationError):
        parse_as_of(text, NOW)


def test_an_as_of_to_come_is_refused() -> None:
    with pytest.raises(AsOfInFutureError):
        parse_as_of((NOW + timedelta(microseconds=1)).isoformat(), NOW)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "slug"),
    [
        ("PUT", "/v1/version", [], 428, "precondition-required"),
        ("PUT", "/v1/version", [("If-Match", "*")], 400, "invalid-header"),
        ("PUT", "/v1/version", [("If-Match", 'W/"1"')], 412, "precondition-failed"),
        ("PUT", "/v1/version", [("If-Match", '"1"'), ("If-Match", '"2"')], 400, "invalid-header"),
        ("POST", "/v1/keyed", [("Idempotency-Key", "a b")], 400, "invalid-header"),
        ("GET", "/v1/then?as_of=9999-01-01T00:00:00Z", [], 422, "as-of-in-future"),
        ("GET", "/v1/then?as_of=tomorrow", [], 422, "invalid-request"),
    ],
)
async def test_a_bad_header_or_moment_is_a_problem(
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    status: int,
    slug: str,
    client: httpx.AsyncClient,
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:cairn:problem:{slug}")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("PUT", "/v1/version", {"If-Match": '"12"'}, 12),
        ("POST", "/v1/keyed", {"Idempotency-Key": "k"}, "k"),
        ("POST", "/v1/keyed", {}, None),
        ("GET", "/v1/then", {}, None),
        ("GET", "/v1/then?as_of=2020-01-01T00:00:00%2B01:00", {}, "2019-12-31T23:00:00Z"),
    ],
)
async def test_a_good_header_or_moment_reaches_the_handler(
    method: str, path: str, headers: dict[str, str], body: Any, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()) == (200, body)
