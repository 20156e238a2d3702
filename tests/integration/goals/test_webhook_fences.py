"""What a deliverer writes late does not undo what was written meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from services.chassis.postgres import Pool
from services.goals.webhooks.deliveries import find_delivery, record_attempt
from services.goals.webhooks.persistence import disable_gone, find_webhook
from services.goals.webhooks.records import Attempt
from tests.integration.goals.conftest import Service, Starting
from tests.integration.goals.receiver import Reply, receiving
from tests.integration.goals.webhook_calls import (
    deliveries,
    patch,
    plan,
    shown,
    until_deliveries,
    webhook,
)

# Nobody listens there, and no event is delivered to it.
URL = "http://127.0.0.1:9/hook"


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting(webhook_private_hosts=True, webhook_retry_seconds=(3_600.0,)) as started:
        yield started


@pytest.fixture
def pool(service: Service) -> Pool:
    return service.goals.pool


async def test_an_attempt_that_a_successor_repeated_is_not_written_over_its_own(
    service: Service, pool: Pool
) -> None:
    async with receiving() as receiver:
        receiver.answers(Reply(500))
        made = await webhook(service, receiver.url)
        await plan(service)
        [written] = await until_deliveries(
            service, made, lambda items: [each["attempts"] for each in items] == [1]
        )
    async with pool.connection() as connection:
        delivery = await find_delivery(connection, UUID(made["id"]), UUID(written["id"]))
        paused = replace(delivery, attempts=0)
        await record_attempt(connection, paused, Attempt(status=200), wait_seconds=None)
        assert await deliveries(service, made) == [written]
        await record_attempt(connection, delivery, Attempt(status=200), wait_seconds=None)
    [ended] = await deliveries(service, made)
    assert (ended["state"], ended["attempts"]) == ("delivered", 2)


async def test_a_webhook_configured_anew_is_not_disabled_for_what_its_old_receiver_said(
    service: Service, pool: Pool
) -> None:
    made = await webhook(service, URL)
    async with pool.connection() as connection:
        before = await find_webhook(connection, UUID(made["id"]))
        changed = (await patch(service, made, 1, {"url": f"{URL}/2"})).json()
        await disable_gone(connection, before)
        assert await shown(service.admin, made) == changed
        await disable_gone(connection, await find_webhook(connection, UUID(made["id"])))
    assert (await shown(service.admin, made))["disabled_because"] == "gone"
