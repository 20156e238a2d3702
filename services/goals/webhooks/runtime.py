"""What a running service holds of webhooks, for its routes to use."""

from dataclasses import dataclass

from services.chassis.eventstore.reading import EventLog
from services.chassis.postgres import Pool
from services.goals.webhooks.sending import Sender


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The log that webhooks go through, the pool that keeps them, and what sends."""

    log: EventLog
    pool: Pool
    sender: Sender
