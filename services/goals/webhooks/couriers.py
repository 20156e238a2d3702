"""From deliveries to receivers: one courier for each webhook that something is due to."""

import asyncio
from http import HTTPStatus
from typing import Final
from uuid import UUID

import structlog

from services.chassis.background import cancel_until_ended
from services.chassis.postgres import connection
from services.chassis.responses import to_json
from services.goals.structured import structured
from services.goals.webhooks.deliveries import due_webhooks, next_due, record_attempt
from services.goals.webhooks.errors import WebhookNotFoundError
from services.goals.webhooks.persistence import disable_gone, find_webhook, note_health
from services.goals.webhooks.records import Attempt, Delivery, Webhook
from services.goals.webhooks.retries import RetrySchedule
from services.goals.webhooks.runtime import Webhooks

GONE: Final = HTTPStatus.GONE

log = structlog.get_logger()


class Couriers:
    """Sends what is due, to each webhook one message at a time.

    As many webhooks as there may be are sent to at once, so that a receiver that takes its time
    holds up nobody but itself; of each only the message that is on its way is in memory.
    """

    def __init__(self, webhooks: Webhooks, schedule: RetrySchedule) -> None:
        self._log = webhooks.log
        self._pool = webhooks.pool
        self._sender = webhooks.sender
        self._schedule = schedule
        self._out: dict[UUID, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look again for what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; whoever runs it wakes it now and then."""
        try:
            while True:
                self._woken.clear()
                async with connection(self._pool) as lent:
                    due = await due_webhooks(lent)
                for webhook_id in due:
                    if webhook_id not in self._out:
                        self._out[webhook_id] = asyncio.create_task(self._go(webhook_id))
                await self._woken.wait()
        finally:
            await cancel_until_ended({*self._out.values()})
            self._out.clear()

    async def _go(self, webhook_id: UUID) -> None:
        """Send to one webhook what is due; what goes wrong with it is no other one's business."""
        try:
            while await self._send_next(webhook_id):
                pass
        except Exception:
            log.exception("webhook_courier_failed", webhook_id=str(webhook_id))
        else:
            # Something may have become due just after the last look, while this one was still out.
            self._woken.set()
        finally:
            self._out.pop(webhook_id, None)

    async def _send_next(self, webhook_id: UUID) -> bool:
        async with connection(self._pool) as lent:
            try:
                webhook = await find_webhook(lent, webhook_id)
            except WebhookNotFoundError:
                return False
            delivery = await next_due(lent, webhook_id)
        if delivery is None or not webhook.enabled:
            return False
        attempt = await self._attempt(webhook, delivery)
        await self._record(webhook, delivery, attempt)
        return attempt.retry_after == 0 and attempt.status != GONE

    async def _attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        event = await self._log.at(delivery.position)
        assert event is not None, "the log never loses an event"
        return await self._sender.send(
            webhook, message_id=str(delivery.event_id), body=to_json(structured(event))
        )

    async def _record(self, webhook: Webhook, delivery: Delivery, attempt: Attempt) -> None:
        failing = attempt.error is not None
        wait = self._schedule.wait_after(delivery.attempts + 1, at_least=attempt.retry_after)
        async with connection(self._pool) as lent, lent.transaction():
            await record_attempt(lent, delivery, attempt, wait_seconds=wait)
            if failing != (webhook.failing_since is not None) or attempt.retry_after:
                await note_health(
                    lent, webhook.id, failing=failing, rest_seconds=attempt.retry_after
                )
            if attempt.status == GONE:
                await disable_gone(lent, webhook)
        if failing:
            log.info(
                "webhook_attempt_failed",
                webhook_id=str(webhook.id),
                event_id=str(delivery.event_id),
                attempt=delivery.attempts + 1,
                status=attempt.status,
                last=wait is None,
            )
