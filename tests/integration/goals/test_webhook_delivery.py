"""Events reach their receivers: signed, retried, given up, taken up again, and never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from services.goals.settings import GoalsSettings
from services.goals.webhooks.persistence import find_webhook
from tests.integration.goals.conftest import Issuer, Json, Service, Starting, problem
from tests.integration.goals.processes import killed_process, process
from tests.integration.goals.receiver import Receiver, Reply, receiving
from tests.integration.goals.webhook_calls import (
    ACTIVATED,
    PLANNED,
    deliveries,
    patch,
    plan,
    shown,
    until_deliveries,
    until_state,
    webhook,
)

SOON = (0.05, 0.05, 0.05)
MUCH_LATER = (3_600.0,)

QUICK: Json = {"webhook_private_hosts": True, "webhook_retry_seconds": SOON}
FAILING = Reply(500, body=b"out of order")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting(**QUICK) as started:
        yield started


async def test_an_event_is_posted_as_the_log_shows_it_and_signed(
    service: Service, receiver: Receiver
) -> None:
    await plan(service)
    made = await webhook(service, receiver.url, ACTIVATED, "cairn.goals.cycle.plan*")
    [cycle] = await plan(service)
    await service.admin.done(f"/cycles/{cycle}/activate", version=1)
    received = await receiver.until(2)

    logged = (await service.auditor.get("/events", after=1)).json()["items"]
    assert [each.event for each in received] == logged
    assert [each.id for each in received] == [each["id"] for each in logged]
    for each in received:
        each.verify(made["secret"])
        assert each.path == "/hook?key=1"
        assert each.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert each.headers["content-type"] == "application/cloudevents+json"
    await until_state(service, made, "delivered", 2)


async def test_only_wanted_types_are_posted_in_the_order_of_the_log(
    service: Service, receiver: Receiver
) -> None:
    made = await webhook(service, receiver.url, PLANNED)
    cycles = await plan(service, 20)
    await service.admin.done(f"/cycles/{cycles[0]}/activate", version=1)
    last = await plan(service)
    received = await receiver.until(21)
    assert [each.event["subject"] for each in received] == cycles + last
    assert (await until_state(service, made, "delivered", 21))[0]["position"] == 22


async def test_a_failed_attempt_is_repeated_under_the_same_id(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(FAILING, Reply(404), Reply(204))
    made = await webhook(service, receiver.url)
    await plan(service)
    received = await receiver.until(3)
    assert len({each.id for each in received}) == 1
    assert len({each.body for each in received}) == 1
    [delivery] = await until_state(service, made, "delivered")
    assert delivery["id"] == received[0].id
    assert delivery["attempts"] == 3
    assert delivery["last_status"] == 204
    assert delivery["last_error"] is None
    assert delivery["next_attempt_at"] is None
    assert (await shown(service.admin, made))["failing_since"] is None


async def test_what_stays_without_success_is_given_up_kept_and_sent_again_when_asked(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(FAILING)
    made = await webhook(service, receiver.url)
    await plan(service)
    [failed] = await until_state(service, made, "failed")
    assert failed["attempts"] == len(receiver.received) == len(SOON) + 1
    assert failed["last_status"] == 500
    assert failed["last_error"] == "The receiver answered 500."
    assert failed["last_answer"] == "out of order"
    assert failed["ended_at"] is not None
    assert (await shown(service.admin, made))["failing_since"] is not None

    receiver.answers(Reply(200, body=b"thanks"))
    path = f"/webhooks/{made['id']}/deliveries/{failed['id']}"
    resent = await service.admin.done(f"{path}/resend")
    assert (resent["state"], resent["attempts"]) == ("pending", 0)
    [delivered] = await until_state(service, made, "delivered")
    assert delivered["last_answer"] == "thanks"
    assert len({*receiver.ids}) == 1
    assert (await service.admin.get(path)).json() == delivered


async def test_failed_deliveries_are_taken_up_together_since_a_time(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(FAILING)
    made = await webhook(service, receiver.url)
    await plan(service)
    await until_state(service, made, "failed")
    since = (await deliveries(service, made))[0]["event_time"]
    later = datetime.fromisoformat(since) + timedelta(microseconds=1)
    await plan(service, 3)
    await until_state(service, made, "failed", 4)

    receiver.answers(Reply())
    path = f"/webhooks/{made['id']}/resend-failed"
    answer = await service.admin.done(path, {"since": later.isoformat()})
    assert answer == {"resent": 3, "more": False}
    await until_deliveries(
        service,
        made,
        lambda items: [each["state"] for each in items] == ["delivered"] * 3 + ["failed"],
    )
    assert await service.admin.done(path) == {"resent": 1, "more": False}
    assert await service.admin.done(path) == {"resent": 0, "more": False}
    await until_state(service, made, "delivered", 4)


async def test_no_more_than_the_bound_is_taken_up_at_once(
    service: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.goals.webhooks.deliveries.MAX_RESENT_AT_ONCE", 2)
    receiver.answers(FAILING)
    made = await webhook(service, receiver.url)
    await plan(service, 3)
    await until_state(service, made, "failed", 3)
    path = f"/webhooks/{made['id']}/resend-failed"
    assert await service.admin.done(path) == {"resent": 2, "more": True}


async def test_a_receiver_that_does_not_answer_in_time_is_asked_again(
    starting: Starting, receiver: Receiver
) -> None:
    receiver.answers(Reply(hang_seconds=60), Reply())
    async with starting(**QUICK, webhook_timeout_seconds=0.2) as service:
        made = await webhook(service, receiver.url)
        await plan(service)
        [delivery] = await until_deliveries(
            service, made, lambda items: bool(items) and items[0]["attempts"] > 0
        )
        if delivery["state"] == "pending":
            assert delivery["last_error"] == "There was no whole answer within 0.2 seconds."
        await until_state(service, made, "delivered")


async def test_a_receiver_that_is_not_there_is_asked_again(service: Service) -> None:
    async with receiving() as gone:
        url = gone.url
    made = await webhook(service, url)
    await plan(service)
    [failed] = await until_state(service, made, "failed")
    assert failed["last_error"] == "The receiver could not be connected to."
    assert failed["last_status"] is None


async def test_a_dead_receiver_holds_up_no_other(starting: Starting, receiver: Receiver) -> None:
    async with receiving() as dead, starting(**QUICK) as service:
        dead.answers(Reply(hang_seconds=60))
        stuck = await webhook(service, dead.url)
        made = await webhook(service, receiver.url)
        await plan(service, 5)
        await until_state(service, made, "delivered", 5)
        assert len(dead.received) == 1
        await until_state(service, stuck, "pending", 5)


async def test_a_receiver_that_is_gone_is_left_alone(service: Service, receiver: Receiver) -> None:
    receiver.answers(Reply(410))
    made = await webhook(service, receiver.url)
    await plan(service, 3)
    await receiver.until(1)
    await until_deliveries(service, made, lambda items: bool(items) and items[-1]["attempts"] == 1)
    standing = await shown(service.admin, made)
    assert standing["enabled"] is False
    assert standing["disabled_because"] == "gone"
    assert standing["version"] == 2

    # What waited and what came meanwhile is delivered once it is back.
    receiver.answers(Reply())
    await plan(service, 2)
    assert len(receiver.received) == 1
    enabled = await patch(service, made, 2, {"enabled": True})
    assert enabled.json()["disabled_because"] is None
    await until_state(service, made, "delivered", 5)


async def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(Reply(429, {"Retry-After": "600"}))
    made = await webhook(service, receiver.url)
    before = datetime.now(UTC)
    await plan(service, 3)
    items = await until_deliveries(
        service, made, lambda items: [each["attempts"] for each in items] == [0, 0, 1]
    )
    wait = datetime.fromisoformat(items[-1]["next_attempt_at"]) - before
    assert timedelta(seconds=599) < wait < timedelta(seconds=660)
    assert len(receiver.received) == 1


async def test_a_receiver_that_fails_already_may_ask_to_be_left_alone_again(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(Reply(429, {"Retry-After": "600"}))
    made = await webhook(service, receiver.url)
    await plan(service, 3)
    await until_deliveries(
        service, made, lambda items: [each["attempts"] for each in items] == [0, 0, 1]
    )
    # This ends the rest; what was not tried yet is sent, and answered like the first one.
    await patch(service, made, 1, {"enabled": True})
    await until_deliveries(service, made, lambda items: items[1]["attempts"] == 1)
    async with service.goals.pool.connection() as connection:
        resting = (await find_webhook(connection, UUID(made["id"]))).resting_until
    assert resting is not None
    assert resting > datetime.now(UTC) + timedelta(seconds=500)
    assert len(receiver.received) == 2


async def test_a_wait_that_makes_no_sense_holds_up_nothing(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(
        Reply(429, {"Retry-After": "Mon, 01 Jan 99999999999999 00:00:00 GMT"}), Reply()
    )
    made = await webhook(service, receiver.url)
    await plan(service, 2)
    items = await until_state(service, made, "delivered", 2)
    assert [each["attempts"] for each in items] == [1, 2]


async def test_redirects_are_not_followed(service: Service, receiver: Receiver) -> None:
    async with receiving() as other:
        receiver.answers(Reply(307, {"Location": other.url}))
        made = await webhook(service, receiver.url)
        await plan(service)
        [failed] = await until_state(service, made, "failed")
        assert failed["last_status"] == 307
        assert "not followed" in failed["last_error"]
        assert other.received == []


async def test_of_a_giant_answer_only_the_beginning_is_read(
    service: Service, receiver: Receiver
) -> None:
    receiver.answers(Reply(endless=True, body="Größe\0\x7f".encode()))
    made = await webhook(service, receiver.url)
    await plan(service, 2)
    items = await until_state(service, made, "delivered", 2)
    for each in items:
        assert each["last_answer"].startswith("Größe\ufffd")
        assert len(each["last_answer"]) <= 1_024


async def test_a_broken_answer_is_a_failure(service: Service, receiver: Receiver) -> None:
    receiver.answers(Reply(99, {"Weird": "x\x01"}))
    made = await webhook(service, receiver.url)
    await plan(service)
    [failed] = await until_state(service, made, "failed")
    assert failed["last_error"] == "The connection broke before there was a whole answer."


async def test_during_the_overlap_both_secrets_sign(service: Service, receiver: Receiver) -> None:
    made = await webhook(service, receiver.url)
    path = f"/webhooks/{made['id']}/rotate-secret"
    rotated = await service.admin.done(path, {"overlap_seconds": 60}, version=1)
    assert rotated["secret"] != made["secret"]
    await plan(service)
    [received] = await receiver.until(1)
    received.verify(made["secret"])
    received.verify(rotated["secret"])
    assert len(received.headers["webhook-signature"].split(" ")) == 2


async def test_after_the_overlap_the_new_secret_alone_signs(
    service: Service, receiver: Receiver
) -> None:
    made = await webhook(service, receiver.url)
    path = f"/webhooks/{made['id']}/rotate-secret"
    rotated = await service.admin.done(path, {"overlap_seconds": 0}, version=1)
    assert rotated["previous_secret_until"] is None
    await plan(service)
    [received] = await receiver.until(1)
    received.verify(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        received.verify(made["secret"])


async def test_a_disabled_webhook_is_told_later_what_happened_meanwhile(
    service: Service, receiver: Receiver
) -> None:
    made = await webhook(service, receiver.url, enabled=False)
    other = await webhook(service, receiver.url.replace("hook", "other"))
    cycles = await plan(service, 3)
    await until_state(service, other, "delivered", 3)
    assert await deliveries(service, made) == []
    refused = await service.admin.post(f"/webhooks/{made['id']}/resend-failed")
    assert problem(refused) == (409, "webhook-disabled")
    await patch(service, made, 1, {"enabled": True})
    await until_state(service, made, "delivered", 3)
    own = [each for each in receiver.received if each.path == "/hook?key=1"]
    assert [each.event["subject"] for each in own] == cycles


async def test_a_webhook_deleted_while_it_has_deliveries_is_forgotten(
    starting: Starting, receiver: Receiver
) -> None:
    async with (
        receiving() as slow,
        starting(webhook_private_hosts=True, webhook_retry_seconds=MUCH_LATER) as service,
    ):
        slow.answers(Reply(500, hang_seconds=0.3))
        made = await webhook(service, slow.url)
        await plan(service, 3)
        await slow.until(1)
        deleted = await service.admin.delete(f"/webhooks/{made['id']}", version=1)
        assert deleted.status_code == 204
        gone = await service.admin.get(f"/webhooks/{made['id']}/deliveries")
        assert problem(gone) == (404, "not-found")
        # What was on its way comes to nothing, and the others go on.
        other = await webhook(service, receiver.url)
        await plan(service)
        await until_state(service, other, "delivered")
        assert len(slow.received) == 1


async def test_the_log_is_gone_through_again_from_a_position(
    service: Service, receiver: Receiver
) -> None:
    await plan(service, 4)
    made = await webhook(service, receiver.url, position=2)
    assert [each.event["position"] for each in await receiver.until(2)] == [3, 4]
    await until_state(service, made, "delivered", 2)
    replayed = await patch(service, made, 1, {"position": 0})
    assert replayed.status_code == 200
    received = await receiver.until(6)
    assert [each.event["position"] for each in received] == [3, 4, 1, 2, 3, 4]
    assert received[0].id == received[4].id
    await until_state(service, made, "delivered", 4)


async def test_a_webhook_with_a_full_queue_waits_in_the_log(
    service: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.goals.webhooks.enqueueing.MAX_EVENTS_AT_ONCE", 2)
    monkeypatch.setattr("services.goals.webhooks.persistence.MAX_PENDING_DELIVERIES", 3)
    receiver.answers(Reply(503, {"Retry-After": "3600"}))
    await plan(service, 9)
    made = await webhook(service, receiver.url, position=0)
    other = await webhook(service, receiver.url, ACTIVATED, position=0)
    await until_deliveries(service, made, lambda items: len(items) == 4)

    async def until_other_is_through() -> Json:
        while (found := await shown(service.admin, other))["position"] < 9:
            await asyncio.sleep(0.02)
        return found

    async with asyncio.timeout(30):
        await until_other_is_through()
    assert (await shown(service.admin, made))["position"] == 4
    assert len(await deliveries(service, made)) == 4

    receiver.answers(Reply())
    await patch(service, made, 1, {"enabled": True})
    # The one that was tried has an hour to wait; all others go.
    await until_deliveries(
        service,
        made,
        lambda items: [each["state"] for each in items] == ["delivered"] * 8 + ["pending"],
    )


async def test_a_test_message_is_sent_at_once_and_answered_with_what_came_of_it(
    service: Service, receiver: Receiver
) -> None:
    made = await webhook(service, receiver.url, enabled=False)
    receiver.answers(Reply(201, body=b"hello"))
    answer = await service.admin.done(f"/webhooks/{made['id']}/test", key="t")
    [received] = receiver.received
    received.verify(made["secret"])
    assert received.event["type"] == "cairn.goals.webhook.test"
    assert answer.pop("milliseconds") >= 0
    assert answer == {
        "id": received.id,
        "state": "delivered",
        "status": 201,
        "error": None,
        "answer": "hello",
    }
    again = await service.admin.post(f"/webhooks/{made['id']}/test", key="t")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == received.id
    assert len(receiver.received) == 1
    assert await deliveries(service, made) == []

    receiver.answers(Reply(410))
    failed = await service.admin.done(f"/webhooks/{made['id']}/test")
    assert (failed["state"], failed["status"]) == ("failed", 410)
    assert (await shown(service.admin, made))["version"] == 1


async def test_what_is_old_is_forgotten_and_what_is_not_stays(
    starting: Starting, receiver: Receiver
) -> None:
    receiver.answers(Reply(), Reply(), FAILING)
    async with starting(webhook_private_hosts=True, webhook_retry_seconds=(0.01,)) as service:
        made = await webhook(service, receiver.url)
        await plan(service, 3)
        await until_deliveries(
            service,
            made,
            lambda items: [each["state"] for each in items] == ["failed"] + ["delivered"] * 2,
        )
        async with service.goals.pool.connection() as connection:
            await connection.execute(
                "UPDATE goals.webhook_deliveries SET ended_at = now() - interval '8 days'"
                " WHERE position <> 2"
            )
    async with starting(webhook_private_hosts=True) as service:
        await until_deliveries(
            service,
            made,
            lambda items: [each["position"] for each in items] == [3, 2],
        )


async def test_two_services_deliver_each_event_once(starting: Starting, receiver: Receiver) -> None:
    async with starting(**QUICK) as one, starting(**QUICK) as other:
        made = await webhook(one, receiver.url)
        for service in (one, other) * 5:
            await plan(service, 2)
        await until_state(other, made, "delivered", 20)
        assert len(receiver.received) == len({*receiver.ids}) == 20


async def test_a_refused_address_is_refused_again_when_it_is_connected_to(
    starting: Starting, receiver: Receiver
) -> None:
    async with starting(**QUICK) as service:
        made = await webhook(service, receiver.url)
        localhost = await webhook(service, receiver.url.replace("127.0.0.1", "localhost"))
    async with starting(webhook_retry_seconds=SOON) as service:
        await plan(service)
        for each in (made, localhost):
            [failed] = await until_state(service, each, "failed")
            assert failed["last_error"] == "The host is one of a private network."
    assert receiver.received == []


async def test_a_name_that_changes_its_meaning_leads_nowhere(
    starting: Starting, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["93.184.215.14"], ["127.0.0.1"]]

    def look_up(_host: str, port: int, **_: Any) -> list[Any]:
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    async with starting(webhook_retry_seconds=SOON) as service:
        monkeypatch.setattr("services.goals.webhooks.sending.socket.getaddrinfo", look_up)
        made = await webhook(service, f"https://rebound.example:{receiver.port}/")
        await plan(service)
        [failed] = await until_state(service, made, "failed")
    assert failed["last_error"] == "The host is one of a private network."
    assert receiver.received == []


async def test_a_killed_process_leaves_out_nothing(
    settings: GoalsSettings, issuer: Issuer, receiver: Receiver
) -> None:
    """Killed while an attempt is on its way and others wait, the next process goes on."""
    chosen = settings.model_copy(update=QUICK)
    receiver.answers(Reply(hang_seconds=60))
    async with killed_process(chosen, issuer) as service:
        made = await webhook(service, receiver.url)
        cycles = await plan(service, 10)
        await receiver.until(1)
    receiver.answers(Reply())
    async with process(chosen, issuer) as service:
        await until_state(service, made, "delivered", 10)
    first = list(dict.fromkeys(each.event["subject"] for each in receiver.received))
    assert first == cycles
