"""What comes of one attempt, whatever the receiver does."""

import asyncio
import ssl
from datetime import UTC, datetime
from uuid import UUID

import httpcore
import pytest
from structlog.testing import capture_logs

from services.goals.webhooks.records import Attempt, Webhook
from services.goals.webhooks.sending import Names, Sender
from services.goals.webhooks.signing import Secret

NOW = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
WEBHOOK = Webhook(
    id=UUID(int=1),
    number=1,
    url="http://127.0.0.1:9/hook",
    event_types=["cairn.goals.*"],
    description="",
    enabled=True,
    disabled_because=None,
    secret=Secret(bytes(32)),
    previous_secret=None,
    previous_secret_until=None,
    position=0,
    failing_since=None,
    resting_until=None,
    created_by="root",
    created_at=NOW,
    updated_by="root",
    updated_at=NOW,
    version=1,
)
THROTTLED = b"HTTP/1.1 429 Whatever\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n"


async def sent(answer: bytes) -> Attempt:
    """What one message comes to where the receiver answers these bytes."""
    names = Names()
    network = httpcore.AsyncMockBackend([answer])
    async with httpcore.AsyncConnectionPool(network_backend=network) as connections:
        sender = Sender({"http": connections}, names, private_hosts=True, timeout_seconds=5)
        try:
            return await sender.send(WEBHOOK, message_id="m", body=b"{}")
        finally:
            names.close()


async def test_what_a_receiver_asks_is_in_the_attempt() -> None:
    attempt = await sent(THROTTLED)
    assert (attempt.status, attempt.error) == (429, "The receiver answered 429.")
    assert attempt.retry_after == 7


async def test_what_is_no_tls_any_more_is_a_broken_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read(*_: object, **__: object) -> bytes:
        raise ssl.SSLError("bad record mac")

    monkeypatch.setattr(httpcore.AsyncMockStream, "read", read)
    attempt = await sent(THROTTLED)
    assert attempt.error == "The connection broke before there was a whole answer."


async def test_what_an_answer_breaks_is_a_failed_attempt_and_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> float:
        raise OverflowError

    monkeypatch.setattr("services.goals.webhooks.sending.retry_after_seconds", refuse)
    with capture_logs() as lines:
        attempt = await sent(THROTTLED)
    assert attempt.error == "The attempt broke off; the service's log says why."
    assert attempt.status is None
    [line] = lines
    assert line["event"] == "webhook_attempt_broke"
    assert line["webhook_id"] == str(WEBHOOK.id)
    assert line["exc_info"]


async def test_whoever_is_cancelled_while_sending_stays_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cancel(*_: object) -> float:
        raise asyncio.CancelledError

    monkeypatch.setattr("services.goals.webhooks.sending.retry_after_seconds", cancel)
    with pytest.raises(asyncio.CancelledError):
        await sent(THROTTLED)
