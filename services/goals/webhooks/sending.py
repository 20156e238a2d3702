"""One attempt to deliver: bounded in time and size, and only to where it may lead."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

import httpcore
import httpx
import structlog

from services.goals.settings import GoalsSettings
from services.goals.webhooks.destinations import parse_destination, refuse_addresses
from services.goals.webhooks.errors import DestinationRefusedError
from services.goals.webhooks.records import Attempt, Webhook
from services.goals.webhooks.retries import THROTTLED, retry_after_seconds
from services.goals.webhooks.signing import signed_headers

CONTENT_TYPE: Final = "application/cloudevents+json"
USER_AGENT: Final = "Cairn-Webhooks/1"
# Of a receiver's answer no more than this is read, and it is what is kept.
MAX_ANSWER_BYTES: Final = 1_024
# Shorter than what servers usually wait before they close, so that they seldom do it first.
KEEP_ALIVE_SECONDS: Final = 3.0
MAX_CONNECTIONS: Final = 100
# Connecting and the handshake may each take this part of the time: what gives up on its own
# closes the connection, which is left to the garbage collector where it is cancelled.
CONNECTING_STEPS: Final = 3
RESOLVE_SECONDS: Final = 3.0
MAX_RESOLVING: Final = 8

log = structlog.get_logger()


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to a host's addresses after looking at them, and to nothing else."""

    def __init__(self, scheme: str, names: "Names", *, private_hosts: bool) -> None:
        self._scheme = scheme
        self._names = names
        self._private_hosts = private_hosts
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that takes it.

        Raises DestinationRefusedError, and what httpcore raises for the last address.
        """
        addresses = await self._names.addresses(host, port)
        refuse_addresses(self._scheme, addresses, private_hosts=self._private_hosts)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )


class Names:
    """Looks names up in threads of its own: a slow name server holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_RESOLVING, thread_name_prefix="webhook-names")

    async def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a host, at least one. Raises DestinationRefusedError."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        except (OSError, UnicodeError):
            raise DestinationRefusedError("The host's name leads to no address.") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Take no more names."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Sender:
    """Posts signed messages to webhooks, and knows to which URLs it would."""

    def __init__(
        self,
        connections: Mapping[str, httpcore.AsyncConnectionPool],
        names: Names,
        *,
        private_hosts: bool,
        timeout_seconds: float,
    ) -> None:
        self._connections = connections
        self._names = names
        self._private_hosts = private_hosts
        self._timeout_seconds = timeout_seconds

    async def check(self, url: str) -> None:
        """Raise DestinationRefusedError where nothing would be sent to the URL."""
        destination = parse_destination(url)
        if destination.scheme == "http" and not self._private_hosts:
            raise DestinationRefusedError("The URL has to begin with https://.")
        port = destination.port or socket.getservbyname(destination.scheme)
        addresses = await self._names.addresses(destination.raw_host.decode("ascii"), port)
        refuse_addresses(destination.scheme, addresses, private_hosts=self._private_hosts)

    async def send(self, webhook: Webhook, *, message_id: str, body: bytes) -> Attempt:
        """Post one message, and say what came of it; it never raises for what a receiver does."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                attempt = await self._post(webhook, message_id, body)
        except (TimeoutError, httpcore.TimeoutException):
            bound = f"{self._timeout_seconds:g}"
            attempt = Attempt(error=f"There was no whole answer within {bound} seconds.")
        except DestinationRefusedError as error:
            attempt = Attempt(error=str(error))
        except httpcore.ConnectError as error:
            attempt = Attempt(error=_why_not_connected(error))
        # What breaks inside of TLS, once it stands, comes as it is through httpcore.
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError):
            attempt = Attempt(error="The connection broke before there was a whole answer.")
        except Exception:
            # Raised, it would leave the attempt unwritten: the same message would be sent again
            # and again, and none of those behind it.
            log.exception(
                "webhook_attempt_broke", webhook_id=str(webhook.id), message_id=message_id
            )
            attempt = Attempt(error="The attempt broke off; the service's log says why.")
        return replace(attempt, seconds=time.monotonic() - began)

    async def _post(self, webhook: Webhook, message_id: str, body: bytes) -> Attempt:
        url = parse_destination(webhook.url)
        now = datetime.now(UTC)
        signed = signed_headers(
            webhook.secrets(now), message_id=message_id, timestamp=int(now.timestamp()), body=body
        )
        async with self._connections[url.scheme].stream(
            "POST",
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=_headers(url, signed, body),
            content=body,
            extensions={"timeout": {"connect": self._timeout_seconds / CONNECTING_STEPS}},
        ) as response:
            answer = await _beginning(response)
        headers = httpx.Headers(response.headers)
        throttled = response.status in THROTTLED
        return Attempt(
            status=response.status,
            error=_why_not_delivered(response.status),
            answer=answer.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            retry_after=retry_after_seconds(headers.get("retry-after"), now) if throttled else 0.0,
        )


@asynccontextmanager
async def sending(settings: GoalsSettings) -> AsyncIterator[Sender]:
    """A sender, and the connections that it keeps while the block runs."""
    names = Names()
    private_hosts = settings.webhook_private_hosts
    connections = {
        scheme: httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=CheckedNetwork(scheme, names, private_hosts=private_hosts),
        )
        for scheme in ("https", "http")
    }
    try:
        yield Sender(
            connections,
            names,
            private_hosts=private_hosts,
            timeout_seconds=settings.webhook_timeout_seconds,
        )
    finally:
        for pool in connections.values():
            await pool.aclose()
        names.close()


def _headers(url: httpx.URL, signed: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    headers = {
        "host": url.netloc.decode("ascii"),
        "user-agent": USER_AGENT,
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": CONTENT_TYPE,
        "content-length": str(len(body)),
        **signed,
    }
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


async def _beginning(response: httpcore.Response) -> bytes:
    answer = bytearray()
    async for chunk in response.aiter_stream():
        answer += chunk
        if len(answer) >= MAX_ANSWER_BYTES:
            break
    return bytes(answer[:MAX_ANSWER_BYTES])


def _why_not_delivered(status: int) -> str | None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "The receiver redirected, which is not followed: change the URL instead."
    return f"The receiver answered {status}."


def _why_not_connected(error: httpcore.ConnectError) -> str:
    # httpcore hands what happened on as the argument of its own error, and cuts its cause off.
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The receiver's certificate is not trusted: {cause.verify_message}."
    if isinstance(cause, ssl.SSLError):
        return "The receiver does not speak TLS as it should."
    return "The receiver could not be connected to."
