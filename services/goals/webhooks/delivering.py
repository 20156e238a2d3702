"""The leader's work: follow the log, send what is due, forget what is old."""

import asyncio
from typing import Final

from services.chassis.background import together
from services.chassis.eventstore.recorder import log_channel
from services.chassis.listening import heard, listening
from services.goals.settings import GoalsSettings
from services.goals.webhooks.couriers import Couriers
from services.goals.webhooks.enqueueing import Enqueuer
from services.goals.webhooks.persistence import CHANNEL
from services.goals.webhooks.retention import forget_old_deliveries
from services.goals.webhooks.retries import RetrySchedule
from services.goals.webhooks.runtime import Webhooks

# How late a retry can be, and an event whose word got lost.
LOOK_AGAIN_SECONDS: Final = 1.0
# What comes within this time is written down in one transaction.
GATHER_SECONDS: Final = 0.05


class WebhookDelivery:
    """Delivers the log to webhooks, at least once. Run it as a leader's work."""

    def __init__(self, settings: GoalsSettings, webhooks: Webhooks) -> None:
        self._settings = settings
        self._pool = webhooks.pool
        self._enqueuer = Enqueuer(webhooks)
        self._couriers = Couriers(webhooks, RetrySchedule(settings.webhook_retry_seconds))

    async def run(self) -> None:
        """Deliver until cancelled. Raises on any failure; running again finds its place anew."""
        await together(self._follow_log(), self._couriers.run(), forget_old_deliveries(self._pool))

    async def _follow_log(self) -> None:
        channels = log_channel(self._settings.db_schema), CHANNEL
        async with listening(self._settings, *channels) as connection:
            while True:
                behind = await self._enqueuer.advance()
                self._couriers.wake()
                if not behind:
                    await heard(connection, within_seconds=LOOK_AGAIN_SECONDS)
                    await asyncio.sleep(GATHER_SECONDS)
