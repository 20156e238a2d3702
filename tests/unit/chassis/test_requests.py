import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from services.chassis.telemetry import current_request_id, current_trace
from tests.unit.chassis.conftest import AppFactory, Issuer, calling

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def echo() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/me/{name}")
    async def me(name: str) -> dict[str, str | None]:
        trace = current_trace()
        assert trace is not None
        return {"request_id": current_request_id(), "traceparent": trace.traceparent}

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
    assert re.fullmatch(r"[0-9a-f]{32}", first.headers["X-Request-Id"])
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
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


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
        "status": 422,  # there is no such parameter; what it said is not logged
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


async def test_a_client_that_goes_away_in_mid_body_is_no_crash(make_app: AppFactory) -> None:
    router = APIRouter()

    @router.post("/whole")
    async def whole(request: Request) -> int:
        return len(await request.body())

    messages: list[Any] = [
        {"type": "http.request", "body": b"half of", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/whole", "headers": [], "query_string": b""}
    with capture_logs() as lines:
        await make_app(router)(scope, receive, send)
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]
    assert sent == []


async def test_a_stopping_service_asks_its_clients_to_go(make_app: AppFactory) -> None:
    app = make_app(echo())
    async with calling(app) as client:
        assert "Connection" not in (await client.get("/v1/me/a")).headers
        app.state.drain.begin()
        assert (await client.get("/v1/me/a")).headers["Connection"] == "close"


async def test_the_log_names_the_caller(make_app: AppFactory, issuer: Issuer) -> None:
    from tests.unit.chassis.test_auth import guarded  # noqa: PLC0415  its routes ask for a token

    async with calling(make_app(guarded())) as client:
        with capture_logs() as lines:
            await client.get("/v1/stones", headers=issuer.bearer(sub="ana"))
    assert lines[-1]["caller"] == "ana"
