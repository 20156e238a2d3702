import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from services.chassis import limits
from services.chassis.limits import BodyTooLargeError, BoundedBody, Slots
from tests.unit.chassis.conftest import AppFactory, calling

LIMIT = 1_000


def intake() -> APIRouter:
    router = APIRouter()

    @router.post("/whole")
    async def whole(request: Request) -> int:
        return len(await request.body())

    @router.post("/streamed")
    async def streamed(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @router.post("/parsed")
    async def parsed(numbers: list[int]) -> int:
        return len(numbers)

    @router.post("/unread")
    async def unread() -> int:
        return 0

    return router


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"1" * size


def assert_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:cairn:problem:body-too-large"
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("path", ["/whole", "/streamed"])
async def test_a_body_at_the_bound_is_taken(path: str, make_app: AppFactory) -> None:
    async with calling(make_app(intake(), max_body_bytes=LIMIT)) as client:
        declared = await client.post(path, content=b"1" * LIMIT)
        chunked = await client.post(path, content=chunks(10, LIMIT // 10))
    assert declared.json() == chunked.json() == LIMIT


@pytest.mark.parametrize("path", ["/whole", "/streamed", "/parsed", "/unread", "/nowhere"])
async def test_a_body_that_says_it_is_too_large_is_refused_at_once(
    path: str, make_app: AppFactory
) -> None:
    async with calling(make_app(intake(), max_body_bytes=LIMIT)) as client:
        answer = await client.post(path, content=b"1" * (LIMIT + 1))
    assert_refused(answer)


@pytest.mark.parametrize("path", ["/whole", "/streamed", "/parsed"])
async def test_a_body_that_turns_out_too_large_is_refused_on_the_way(
    path: str, make_app: AppFactory
) -> None:
    async with calling(make_app(intake(), max_body_bytes=LIMIT)) as client:
        answer = await client.post(
            path, content=chunks(11, LIMIT // 10), headers={"Content-Type": "application/json"}
        )
    assert_refused(answer)


@pytest.mark.parametrize("length", ["-5", "lots", "1e3", ""])
async def test_a_length_that_is_no_number_is_counted_instead(
    length: str, make_app: AppFactory
) -> None:
    async with calling(make_app(intake(), max_body_bytes=LIMIT)) as client:
        answer = await client.post(
            "/whole", content=b"1" * (LIMIT + 1), headers={"Content-Length": length}
        )
    assert_refused(answer)


async def test_a_refused_body_is_read_on_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINGER_BYTES", 5_000)
    received = 0

    async def endless() -> dict[str, Any]:
        nonlocal received
        received += 100
        return {"type": "http.request", "body": b"1" * 100, "more_body": True}

    body = BoundedBody(endless, 50)
    with pytest.raises(BodyTooLargeError):
        await body.receive()
    await body.linger()
    assert received == 5_100


async def test_a_refused_body_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINGER_SECONDS", 0.01)

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(5):
        await BoundedBody(silent, 50).linger()


async def test_a_client_that_went_away_is_not_waited_for() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    body = BoundedBody(gone, 50)
    assert (await body.receive())["type"] == "http.disconnect"
    await body.linger()


def test_slots_run_out_and_come_back() -> None:
    slots = Slots(2)
    assert slots.take()
    assert slots.take()
    assert not slots.take()
    slots.give_back()
    assert slots.take()


def waiting_room() -> tuple[APIRouter, asyncio.Event]:
    router, door = APIRouter(), asyncio.Event()

    @router.post("/wait")
    async def wait() -> str:
        await door.wait()
        return "served"

    return router, door


async def until_taken(client: httpx.AsyncClient, count: int) -> None:
    async with asyncio.timeout(5):
        while f"cairn_http_requests_in_flight {count}.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0)


async def test_a_request_too_many_is_refused_early_and_probes_still_answer(
    make_app: AppFactory,
) -> None:
    router, door = waiting_room()
    async with calling(make_app(router, max_in_flight_requests=2)) as client:
        held = [asyncio.create_task(client.post("/wait")) for _ in range(2)]
        await until_taken(client, 2)
        refused = await client.post("/wait", content=chunks(3, 10))
        probe = await client.get("/livez")
        door.set()
        served = await asyncio.gather(*held)
        again = await client.post("/wait")
        metrics = (await client.get("/metrics")).text
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["type"] == "urn:cairn:problem:overloaded"
    assert probe.status_code == 200
    assert [answer.json() for answer in served] == ["served", "served"]
    assert again.status_code == 200
    assert "cairn_http_requests_refused_total 1.0" in metrics


async def test_a_failing_request_gives_its_slot_back(make_app: AppFactory) -> None:
    router = APIRouter()

    @router.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError

    async with calling(make_app(router, max_in_flight_requests=1)) as client:
        statuses = {(await client.get("/crash")).status_code for _ in range(5)}
    assert statuses == {500}
