"""Asks a service over HTTP as any other system would: patiently, and safe to be asked again."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final, NoReturn, Self

import httpx

from contracts.positions import MIN_POSITION_HEADER, POSITION_HEADER

MAX_AT_ONCE: Final = 16
MAX_ATTEMPTS: Final = 20
REQUEST_SECONDS: Final = 30.0
# Where a service does not say how long to wait.
USUAL_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 5.0

_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class StaleVersionError(httpx.HTTPStatusError):
    """The resource is no longer at the version that the change was made for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; `etag` names the version of the resource, `position` its place."""

    document: Any
    etag: str | None
    position: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A POST: what to change, which version of it, and what the service must have heard of."""

    path: str
    body: object
    if_match: str | None = None
    min_position: str | None = None

    def content(self) -> bytes:
        """Return the body as it is sent."""
        return json.dumps(self.body).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers; the same command always has the same Idempotency-Key."""
        named = {
            "Idempotency-Key": self._key(),
            "If-Match": self.if_match,
            MIN_POSITION_HEADER: self.min_position,
            "Content-Type": "application/json",
        }
        return {name: value for name, value in named.items() if value is not None}

    def _key(self) -> str:
        said = (self.path.encode(), (self.if_match or "").encode(), self.content())
        return f"sample-{blake2b(b'|'.join(said), digest_size=16).hexdigest()}"


class Service:
    """One service at an address, asked with one token, by a bounded number of requests at once.

    Its methods raise httpx.HTTPError where the service refuses for good, or does not answer
    within MAX_ATTEMPTS.
    """

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=REQUEST_SECONDS,
        )
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(
        self,
        path: str,
        parameters: Mapping[str, str | int] | None = None,
        *,
        min_position: str | None = None,
    ) -> Answer:
        """Read a resource, as it is at a position or later."""
        headers = {} if min_position is None else {MIN_POSITION_HEADER: min_position}
        return await self._ask(
            self._client.build_request("GET", path, params=parameters, headers=headers)
        )

    async def post(self, command: Command) -> Answer:
        """Have something changed; raises StaleVersionError where others changed it meanwhile."""
        return await self._ask(
            self._client.build_request(
                "POST", command.path, content=command.content(), headers=command.headers()
            )
        )

    async def _ask(self, request: httpx.Request) -> Answer:
        """Send it, and again for as long as the service asks for patience."""
        async with self._slots:
            for _ in range(MAX_ATTEMPTS - 1):
                answer = await self._client.send(request)
                if answer.status_code not in _LATER and "Retry-After" not in answer.headers:
                    break
                await asyncio.sleep(wait_seconds(answer))
            else:
                answer = await self._client.send(request)
        if not answer.is_success:
            _refuse(answer)
        return Answer(
            answer.json(), answer.headers.get("ETag"), answer.headers.get(POSITION_HEADER)
        )


def wait_seconds(answer: httpx.Response) -> float:
    """How long the service asks to be left alone, within a bound."""
    asked = answer.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else USUAL_WAIT_SECONDS
    return min(seconds, LONGEST_WAIT_SECONDS)


def _refuse(answer: httpx.Response) -> NoReturn:
    """Raise what the service refused, in its own words."""
    request = answer.request
    stale = answer.status_code == HTTPStatus.PRECONDITION_FAILED
    raise (StaleVersionError if stale else httpx.HTTPStatusError)(
        f"{request.method} {request.url.path} was answered {answer.status_code}: {answer.text}",
        request=request,
        response=answer,
    )
