"""What an administrator may do with webhooks. Each takes a transaction, and keeps the rules."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from services.chassis.postgres import Connection
from services.goals.webhooks.errors import PositionBeyondLogError, WebhookDisabledError
from services.goals.webhooks.event_types import refuse_unknown_types
from services.goals.webhooks.persistence import (
    delete_webhook,
    find_webhook,
    insert_webhook,
    lock_webhook,
    save_webhook,
    wake_deliverer,
)
from services.goals.webhooks.records import Webhook
from services.goals.webhooks.signing import Secret

MAX_OVERLAP: Final = timedelta(days=7)
DEFAULT_OVERLAP: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook to make; without a position it hears of what happens from now on."""

    url: str
    event_types: list[str]
    description: str
    enabled: bool
    secret: Secret
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChanges:
    """What is to be different; None leaves it as it is."""

    url: str | None = None
    event_types: list[str] | None = None
    description: str | None = None
    enabled: bool | None = None
    position: int | None = None


async def create_webhook(connection: Connection, new: NewWebhook, *, head: int, by: str) -> Webhook:
    """Make a webhook; `head` is the log's last position.

    Raises UnknownEventTypeError, PositionBeyondLogError and TooManyWebhooksError.
    """
    refuse_unknown_types(new.event_types)
    _refuse_beyond(new.position, head)
    made = await insert_webhook(
        connection,
        {
            "id": uuid4(),
            "url": new.url,
            "event_types": new.event_types,
            "description": new.description,
            "enabled": new.enabled,
            "disabled_because": None if new.enabled else "asked",
            "secret": new.secret.key,
            "position": head if new.position is None else new.position,
            "by": by,
        },
    )
    await wake_deliverer(connection)
    return made


async def change_webhook(
    connection: Connection,
    webhook_id: UUID,
    changes: WebhookChanges,
    *,
    version: int,
    head: int,
    by: str,
) -> Webhook:
    """Configure a webhook anew.

    Raises WebhookNotFoundError, StaleVersionError, UnknownEventTypeError, PositionBeyondLogError.
    """
    refuse_unknown_types(changes.event_types or ())
    _refuse_beyond(changes.position, head)
    webhook = _changed(await lock_webhook(connection, webhook_id, version=version), changes)
    saved = await save_webhook(connection, replace(webhook, updated_by=by))
    await wake_deliverer(connection)
    return saved


async def rotate_secret(
    connection: Connection,
    webhook_id: UUID,
    secret: Secret,
    *,
    overlap: timedelta,
    version: int,
    by: str,
) -> Webhook:
    """Sign with another secret, and for a while with the one before as well.

    Raises WebhookNotFoundError and StaleVersionError.
    """
    webhook = await lock_webhook(connection, webhook_id, version=version)
    rotated = replace(
        webhook,
        secret=secret,
        previous_secret=webhook.secret if overlap else None,
        previous_secret_until=datetime.now(UTC) + overlap if overlap else None,
        updated_by=by,
    )
    return await save_webhook(connection, rotated)


async def remove_webhook(connection: Connection, webhook_id: UUID, *, version: int) -> None:
    """Forget a webhook and its deliveries. Raises WebhookNotFoundError and StaleVersionError."""
    await lock_webhook(connection, webhook_id, version=version)
    await delete_webhook(connection, webhook_id)


async def refuse_disabled(connection: Connection, webhook_id: UUID) -> None:
    """Raise WebhookDisabledError, or WebhookNotFoundError, for one that sends nothing."""
    if not (await find_webhook(connection, webhook_id)).enabled:
        raise WebhookDisabledError


def _changed(webhook: Webhook, changes: WebhookChanges) -> Webhook:
    given = {
        name: value
        for name in ("url", "event_types", "description", "position")
        if (value := getattr(changes, name)) is not None
    }
    changed = replace(webhook, **given)
    if changes.enabled is True:
        return replace(changed, enabled=True, disabled_because=None, resting_until=None)
    if changes.enabled is False:
        return replace(changed, enabled=False, disabled_because="asked")
    return changed


def _refuse_beyond(position: int | None, head: int) -> None:
    if position is not None and position > head:
        raise PositionBeyondLogError(position, head)
