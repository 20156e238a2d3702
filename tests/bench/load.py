"""A small HTTP/1.1 client, so that on two cores the load costs less than what it loads."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar, cast
from urllib.parse import urlsplit

T = TypeVar("T")

REQUEST_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb'\r\netag: *"(\d+)"', re.IGNORECASE)
_POSITION = re.compile(rb"\r\ncairn-position: *([a-z]+:\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, the head as it came, and the body."""

    status: int
    head: bytes
    body: bytes

    @property
    def version(self) -> int:
        """The aggregate's version in the ETag."""
        found = _ETAG.search(self.head)
        assert found is not None, self
        return int(found[1])

    @property
    def position(self) -> str:
        """The place in the log that the answer names."""
        found = _POSITION.search(self.head)
        assert found is not None, self
        return found[1].decode()


class Caller(asyncio.Protocol):
    """One kept-alive connection that sends one request at a time."""

    def __init__(self, token: str) -> None:
        self._authorization = f"authorization: Bearer {token}\r\n" if token else ""
        self._buffer = bytearray()
        self._reply: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, url: str, token: str) -> Self:
        """Open a connection to the service at `url`."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_connection(lambda: cls(token), parts.hostname, parts.port)
        return caller

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: str = "",
        expect: int | None = 200,
    ) -> Reply:
        """Send a request; its answer, which must have the expected status, if one is."""
        assert self._transport is not None
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n{self._authorization}{headers}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + body)
        reply = await self._reply
        assert expect in {None, reply.status}, (method, path, reply)
        return reply

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end])
        length = _LENGTH.search(head)
        complete = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < complete or self._reply is None:
            return
        body = bytes(self._buffer[end + 4 : complete])
        del self._buffer[:complete]
        self._reply.set_result(Reply(int(head[9:12]), head, body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(exc or ConnectionResetError("the service hung up"))


@dataclass(frozen=True, slots=True)
class Load:
    """What a bounded load showed: how many were done in which time, and how long each took."""

    done: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Done per second."""
        return self.done / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the requests stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1_000


async def drive(steps: Sequence[Callable[[], Awaitable[object]]], seconds: float) -> Load:
    """Let each client repeat its step, one after the other, for so long."""
    latencies: list[float] = []
    begun = time.perf_counter()
    end = begun + seconds

    async def work(step: Callable[[], Awaitable[object]]) -> None:
        now = time.perf_counter()
        while now < end:
            async with asyncio.timeout(REQUEST_SECONDS):
                await step()
            after = time.perf_counter()
            latencies.append(after - now)
            now = after

    async with asyncio.TaskGroup() as clients:
        for step in steps:
            clients.create_task(work(step))
    return Load(len(latencies), time.perf_counter() - begun, latencies)


async def exhaust(steps: Sequence[Callable[[T], Awaitable[object]]], items: Sequence[T]) -> Load:
    """Let the clients share the items, each taking the next one until there is none."""
    latencies: list[float] = []
    left = iter(items)
    begun = time.perf_counter()

    async def work(step: Callable[[T], Awaitable[object]]) -> None:
        for item in left:
            now = time.perf_counter()
            async with asyncio.timeout(REQUEST_SECONDS):
                await step(item)
            latencies.append(time.perf_counter() - now)

    async with asyncio.TaskGroup() as clients:
        for step in steps:
            clients.create_task(work(step))
    return Load(len(latencies), time.perf_counter() - begun, latencies)
