"""What is kept of webhooks and of what they deliver."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.goals.webhooks.signing import Secret

DisabledBecause = Literal["asked", "gone"]
DeliveryState = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver, and what it wants to hear of.

    `number` orders lists. Events up to `position` have been looked through for it. `version`
    counts changes of the configuration, not of what the deliveries write here.
    """

    id: UUID
    number: int
    url: str = field(repr=False)
    event_types: list[str]
    description: str
    enabled: bool
    disabled_because: DisabledBecause | None
    secret: Secret
    previous_secret: Secret | None
    previous_secret_until: datetime | None
    position: int
    failing_since: datetime | None
    resting_until: datetime | None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    version: int

    def secrets(self, now: datetime) -> list[Secret]:
        """Those that hold at that moment, the newest first."""
        if self.previous_secret is None or self.previous_secret_until is None:
            return [self.secret]
        return [self.secret, self.previous_secret][: 2 if now < self.previous_secret_until else 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to a webhook, and what became of its last attempt."""

    webhook_id: UUID
    event_id: UUID
    event_type: str
    event_time: datetime
    position: int
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt came to. `status` is None where nothing was answered.

    `error` says in our words why it did not succeed, and is None if it did. `answer` is the
    beginning of the receiver's. `retry_after` is what it asked to wait, in seconds.
    """

    status: int | None = None
    error: str | None = None
    answer: str = ""
    retry_after: float = 0.0
    seconds: float = 0.0
