"""The bounds on what a process takes in: bytes of a body, requests at once, bytes of a head."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A refused body is read on a little before the connection closes: closing on unread bytes makes
# the kernel reset the connection, and the client would never see why it was refused.
LINGER_SECONDS = 1.0
LINGER_BYTES = 64 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024

_HEAD_TOO_LARGE = (
    b'{"type":"urn:cairn:problem:head-too-large","title":"The request head is too large.",'
    b'"status":431,"detail":"Send fewer or shorter headers."}'
)


class BodyTooLargeError(HTTPException):
    """The body is larger than the service takes.

    It is an HTTPException because FastAPI makes a 400 of all else that reading a body raises.
    """

    def __init__(self, max_bytes: int) -> None:
        detail = f"A request body may have at most {max_bytes} bytes."
        super().__init__(413, detail, headers={"Connection": "close"})


def declared_length(scope: Scope) -> int | None:
    """The Content-Length of the request in bytes, or None where it has none that is a number."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


class BoundedBody:
    """The `receive` of one request, which refuses to hand on more than `max_bytes`."""

    __slots__ = ("_finished", "_max_bytes", "_receive", "_received")

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._received = 0
        self._finished = False

    async def receive(self) -> Message:
        """The next message of the request; raises BodyTooLargeError past the bound."""
        message = await self._next()
        if self._received > self._max_bytes:
            raise BodyTooLargeError(self._max_bytes)
        return message

    async def linger(self) -> None:
        """Read on and throw away for a bounded while, so that the client can read its refusal."""
        enough = self._received + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._finished and self._received < enough:
                    await self._next()
        except TimeoutError:
            return

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._finished = not message.get("more_body", False)
        else:
            self._finished = True
        return message


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one process lets in."""

    max_body_bytes: int
    slots: "Slots"


class Slots:
    """How many requests a process serves at once. A plain counter: all of it is one event loop."""

    __slots__ = ("capacity", "taken")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.taken = 0

    def take(self) -> bool:
        """Take a slot if one is free."""
        if self.taken >= self.capacity:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """Free the slot that `take` gave."""
        self.taken -= 1


class BoundedHeadProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a bound on the head of a request, which httptools does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what came; refuse a head that still goes on past `MAX_HEAD_BYTES`."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse_head()

    def on_headers_complete(self) -> None:
        """The head ends here."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next thing to come is a head again."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def _refuse_head(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
            b"content-type: application/problem+json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(_HEAD_TOO_LARGE), _HEAD_TOO_LARGE)
        )
        self.transport.close()
