import asyncio
import re
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
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from services.chassis.requests import (
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
from services.chassis.telemetry import current_request_id, current_trace
from tests.unit.chassis.conftest import AppFactory, Issuer, calling

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def echo() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/me/{name}")
    async def me(name: str) -> dict[str, str | None]:
        trace = current_trace()
        assert trace is not None
        return {"request_id": current_request_id(), "traceparent": trace.traceparent}

    @router.put("/version")
    async def version(expected: IfMatch) -> int:
        return expected

    @router.post("/keyed")
    async def keyed(key: IdempotencyKey) -> str | None:
        return key

    @router.get("/then")
    async def then(moment: AsOf) -> datetime | None:
        return moment

    @router.get("/cut")
    async def cut() -> StreamingResponse:
        async def some() -> AsyncIterator[bytes]:
            yield b"half of"
            raise ZeroDivisionError

        return StreamingResponse(some())

    @router.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError

    return router


@pytest.fixture
async def client(make_app: AppFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app(echo())) as client:
        yield client


async def test_a_request_without_an_id_gets_one(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/v1/me/a"), await client.get("/v1/me/a")
    assert re.fullmatch(r"[0-9a-f-]{36}", first.headers["X-Request-Id"])
    assert first.headers["X-Request-Id"] == first.json()["request_id"]
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


async def test_the_callers_id_of_a_request_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/me/a", headers={"X-Request-Id": "their-7:b.2"})
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"] == "their-7:b.2"


@pytest.mark.parametrize(
    "given_id", [b"", b"a b", b'"><script>', b"x" * 129, b"\xff", b"a\tb", b"{}"]
)
async def test_an_id_that_could_do_harm_is_replaced(
    given_id: bytes, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/v1/me/a", headers=[(b"X-Request-Id", given_id)])
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-Id"])


async def test_a_request_goes_on_in_its_callers_trace(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/me/a", headers={"traceparent": TRACE})
    _, trace_id, span_id, flags = answer.json()["traceparent"].split("-")
    assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span_id != "00f067aa0ba902b7"
    assert flags == "01"


@pytest.mark.parametrize("header", ["", "garbage", TRACE.replace("4", "x"), f"{TRACE}-more"])
async def test_a_broken_trace_begins_a_new_one(header: str, client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/me/a", headers={"traceparent": header})
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.json()["traceparent"])


async def test_requests_at_once_keep_their_ids_apart(client: httpx.AsyncClient) -> None:
    ids = [f"id-{number}" for number in range(50)]
    answers = await asyncio.gather(
        *(client.get("/v1/me/a", headers={"X-Request-Id": each}) for each in ids)
    )
    assert [answer.json()["request_id"] for answer in answers] == ids


async def test_requests_are_measured_by_template_not_by_path(client: httpx.AsyncClient) -> None:
    for name in ("a", "b", "c"):
        await client.get(f"/v1/me/{name}")
    await client.get("/nowhere/1")
    await client.request("BREW", "/nowhere/2")
    metrics = (await client.get("/metrics")).text
    count = "cairn_http_request_duration_seconds_count"
    assert f'{count}{{method="GET",route="/v1/me/{{name}}",status="200"}} 3.0' in metrics
    assert f'{count}{{method="GET",route="unmatched",status="404"}} 1.0' in metrics
    assert f'{count}{{method="OTHER",route="unmatched",status="404"}} 1.0' in metrics


async def test_a_request_is_logged_once_with_what_one_looks_for(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as lines:
        await client.get("/v1/me/a?token=secret")
    assert len(lines) == 1
    assert lines[0]["duration_ms"] > 0
    assert {**lines[0], "duration_ms": 0} == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/v1/me/a",
        "route": "/v1/me/{name}",
        "status": 200,
        "duration_ms": 0,
        "caller": None,
    }


async def test_probes_are_logged_only_for_those_who_debug(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/livez")
    assert [line["log_level"] for line in lines] == ["debug"]


async def test_a_crash_is_logged_with_its_story(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await client.get("/v1/crash")
    assert answer.status_code == 500
    assert [line["event"] for line in lines] == ["request_crashed", "request"]
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)


async def test_an_answer_that_breaks_off_is_not_followed_by_another(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as lines, pytest.raises(ZeroDivisionError):
        await client.get("/v1/cut")
    assert lines[-1]["status"] == 200


async def test_a_request_given_up_is_logged_as_such(make_app: AppFactory) -> None:
    router = APIRouter()

    @router.get("/forever")
    async def forever() -> None:
        await asyncio.Event().wait()

    async with calling(make_app(router)) as client:
        with capture_logs() as lines:
            asked = asyncio.create_task(client.get("/forever"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            metrics = (await client.get("/metrics")).text
    assert lines[0]["status"] == 499
    assert "cairn_http_requests_in_flight 0.0" in metrics


async def test_a_stopping_service_asks_its_clients_to_go(make_app: AppFactory) -> None:
    app = make_app(echo())
    async with calling(app) as client:
        assert "Connection" not in (await client.get("/v1/me/a")).headers
        app.state.drain.begin()
        assert (await client.get("/v1/me/a")).headers["Connection"] == "close"


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


async def test_the_log_names_the_caller(make_app: AppFactory, issuer: Issuer) -> None:
    from tests.unit.chassis.test_auth import guarded  # noqa: PLC0415  its routes ask for a token

    async with calling(make_app(guarded())) as client:
        with capture_logs() as lines:
            await client.get("/v1/stones", headers=issuer.bearer(sub="ana"))
    assert lines[-1]["caller"] == "ana"
