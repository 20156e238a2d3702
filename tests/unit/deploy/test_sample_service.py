import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from deploy.local.sample import service
from deploy.local.sample.service import Command, Service, StaleVersionError

COMMAND = Command(path="/v1/things", body={"name": "a"}, if_match='"3"')


class Scripted:
    """A server that gives prepared answers, one after another, and keeps the heads of requests."""

    def __init__(self, answers: tuple[str, ...]) -> None:
        self.heads: list[str] = []
        self.url = ""
        self._answers = iter(answers)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        self.heads.append(head)
        length = [line for line in head.splitlines() if line.startswith("content-length: ")]
        await reader.readexactly(int(length[0].split()[1]) if length else 0)
        writer.write(next(self._answers).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def http(status: str, body: str = "{}", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
    return f"{head}\r\nConnection: close\r\n\r\n{body}"


@asynccontextmanager
async def scripted(*answers: str) -> AsyncIterator[Scripted]:
    script = Scripted(answers)
    server = await asyncio.start_server(script.answer, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield script


async def test_an_answer_has_its_document_version_and_position() -> None:
    created = http("201 Created", '{"id": "x"}', ETag='"1"', Cairn_Position="goals:7")
    async with scripted(created) as script, Service(script.url, "t0ken") as asked:
        answer = await asked.post(COMMAND)
    assert (answer.document, answer.etag, answer.position) == ({"id": "x"}, '"1"', "goals:7")
    assert "authorization: bearer t0ken" in script.heads[0]
    assert 'if-match: "3"' in script.heads[0]


async def test_who_is_asked_to_wait_asks_again_under_the_same_key() -> None:
    busy = http("503 Service Unavailable", Retry_After="0")
    many = http("429 Too Many Requests", Retry_After="0")
    async with scripted(busy, many, http("200 OK")) as script, Service(script.url, "t") as asked:
        await asked.post(COMMAND)
    keys = [
        line for head in script.heads for line in head.splitlines() if "idempotency-key" in line
    ]
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_ATTEMPTS", 3)
    busy = http("503 Service Unavailable", Retry_After="0")
    async with scripted(*[busy] * 3) as script, Service(script.url, "t") as asked:
        with pytest.raises(httpx.HTTPStatusError, match="answered 503"):
            await asked.get("/v1/things")
    assert len(script.heads) == 3


async def test_a_refusal_is_passed_on_in_the_services_words() -> None:
    refusal = http("409 Conflict", '{"detail": "The cycle is closed."}')
    async with scripted(refusal) as script, Service(script.url, "t") as asked:
        with pytest.raises(httpx.HTTPStatusError, match=r"POST /v1/things.*The cycle is closed"):
            await asked.post(COMMAND)


async def test_a_change_of_an_old_version_is_told_apart() -> None:
    stale = http("412 Precondition Failed")
    async with scripted(stale) as script, Service(script.url, "t") as asked:
        with pytest.raises(StaleVersionError):
            await asked.post(COMMAND)


def test_commands_that_differ_have_different_keys() -> None:
    commands = [
        COMMAND,
        Command(path="/v1/others", body={"name": "a"}, if_match='"3"'),
        Command(path="/v1/things", body={"name": "b"}, if_match='"3"'),
        Command(path="/v1/things", body={"name": "a"}, if_match='"4"'),
        Command(path="/v1/things", body={"name": "a"}),
    ]
    keys = {each.headers()["Idempotency-Key"] for each in commands}
    assert len(keys) == len(commands)


@pytest.mark.parametrize(
    ("asked", "seconds"), [("2", 2.0), ("3600", 5.0), (None, 0.5), ("Wed, 21 Oct 2026", 0.5)]
)
def test_the_wait_is_what_was_asked_for_within_a_bound(asked: str | None, seconds: float) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    assert service.wait_seconds(httpx.Response(503, headers=headers)) == seconds
