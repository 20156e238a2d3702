"""The table of webhooks."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow, dict_row

from services.chassis.eventstore.errors import StaleVersionError
from services.chassis.postgres import Connection
from services.goals.webhooks.errors import TooManyWebhooksError, WebhookNotFoundError
from services.goals.webhooks.records import DisabledBecause, Webhook
from services.goals.webhooks.signing import Secret

# As many receivers can be sent to at the same time, so that none waits for another one.
MAX_WEBHOOKS: Final = 50
# A webhook with this many deliveries to make stays where it is in the log: there nothing is lost.
MAX_PENDING_DELIVERIES: Final = 10_000
# Whoever delivers listens here for what a request has left to do.
CHANNEL: Final = "goals_webhooks"
# In whose name a webhook is disabled that its receiver is gone from.
DELIVERER: Final = "cairn-goals-webhooks"

_COLUMNS: Final = sql.SQL(", ").join(sql.Identifier(each.name) for each in fields(Webhook))
# With one parameter: the number of pending deliveries below the bound.
_WITH_ROOM: Final = sql.SQL(
    "enabled AND NOT EXISTS (SELECT FROM goals.webhook_deliveries AS d"
    " WHERE d.webhook_id = webhooks.id AND d.state = 'pending' OFFSET %s)"
)


async def insert_webhook(connection: Connection, new: Mapping[str, Any]) -> Webhook:
    """Write a webhook down. Raises TooManyWebhooksError."""
    # Two at once would both count one too few.
    await connection.execute("LOCK TABLE goals.webhooks IN SHARE ROW EXCLUSIVE MODE")
    rows = await _select(
        connection,
        sql.SQL(
            "INSERT INTO goals.webhooks (id, url, event_types, description, enabled,"
            " disabled_because, secret, position, created_by, updated_by)"
            " SELECT %(id)s, %(url)s, %(event_types)s, %(description)s, %(enabled)s,"
            " %(disabled_because)s, %(secret)s, %(position)s, %(by)s, %(by)s"
            " WHERE (SELECT count(*) FROM goals.webhooks) < %(limit)s RETURNING {columns}"
        ),
        {**new, "limit": MAX_WEBHOOKS},
    )
    if not rows:
        raise TooManyWebhooksError(MAX_WEBHOOKS)
    return rows[0]


async def list_webhooks(connection: Connection, *, after: int, limit: int) -> list[Webhook]:
    """Up to `limit` webhooks after that number, in the order in which they were made."""
    return await _select(
        connection,
        sql.SQL(
            "SELECT {columns} FROM goals.webhooks WHERE number > %(after)s"
            " ORDER BY number LIMIT %(limit)s"
        ),
        {"after": after, "limit": limit},
    )


async def find_webhook(connection: Connection, webhook_id: UUID) -> Webhook:
    """The webhook of this id. Raises WebhookNotFoundError."""
    rows = await _select(
        connection,
        sql.SQL("SELECT {columns} FROM goals.webhooks WHERE id = %(id)s"),
        {"id": webhook_id},
    )
    if not rows:
        raise WebhookNotFoundError(webhook_id)
    return rows[0]


async def lock_webhook(connection: Connection, webhook_id: UUID, *, version: int) -> Webhook:
    """The webhook, which nobody else changes before this transaction ends.

    Raises WebhookNotFoundError, and StaleVersionError when it has another version.
    """
    rows = await _select(
        connection,
        sql.SQL("SELECT {columns} FROM goals.webhooks WHERE id = %(id)s FOR UPDATE"),
        {"id": webhook_id},
    )
    if not rows:
        raise WebhookNotFoundError(webhook_id)
    if rows[0].version != version:
        raise StaleVersionError(version, rows[0].version)
    return rows[0]


async def save_webhook(connection: Connection, webhook: Webhook) -> Webhook:
    """Write a changed configuration as the next version."""
    previous = webhook.previous_secret
    rows = await _select(
        connection,
        sql.SQL(
            "UPDATE goals.webhooks SET url = %(url)s, event_types = %(event_types)s,"
            " description = %(description)s, enabled = %(enabled)s,"
            " disabled_because = %(disabled_because)s, secret = %(secret)s,"
            " previous_secret = %(previous_secret)s,"
            " previous_secret_until = %(previous_secret_until)s, position = %(position)s,"
            " resting_until = %(resting_until)s, updated_by = %(updated_by)s,"
            " updated_at = now(), version = version + 1 WHERE id = %(id)s RETURNING {columns}"
        ),
        {
            **{each.name: getattr(webhook, each.name) for each in fields(Webhook)},
            "secret": webhook.secret.key,
            "previous_secret": previous.key if previous else None,
        },
    )
    return rows[0]


async def delete_webhook(connection: Connection, webhook_id: UUID) -> None:
    """Remove a webhook and all its deliveries."""
    await connection.execute("DELETE FROM goals.webhooks WHERE id = %s", (webhook_id,))


async def disable_gone(connection: Connection, webhook: Webhook) -> None:
    """Disable a webhook whose receiver does not want it, unless it was configured anew."""
    because: DisabledBecause = "gone"
    await connection.execute(
        "UPDATE goals.webhooks SET enabled = false, disabled_because = %s, updated_by = %s,"
        " updated_at = now(), version = version + 1 WHERE id = %s AND version = %s",
        (because, DELIVERER, webhook.id, webhook.version),
    )


async def note_health(
    connection: Connection, webhook_id: UUID, *, failing: bool, rest_seconds: float
) -> None:
    """Keep since when the receiver fails, and for how long it asked to be left alone."""
    await connection.execute(
        "UPDATE goals.webhooks SET"
        " failing_since = CASE WHEN %(failing)s THEN coalesce(failing_since, now()) END,"
        " resting_until = now() + make_interval(secs => %(rest)s) WHERE id = %(id)s",
        {"failing": failing, "rest": rest_seconds, "id": webhook_id},
    )


async def places_behind(connection: Connection) -> list[int]:
    """Each position before the log's end at which webhooks stand that want to go on."""
    statement = sql.SQL(
        "SELECT DISTINCT position FROM goals.webhooks"
        " WHERE position < (SELECT max(notification_id) FROM goals.stored_events) AND {}"
        " ORDER BY position"
    ).format(_WITH_ROOM)
    cursor = await connection.execute(statement, (MAX_PENDING_DELIVERIES - 1,))
    return [position for (position,) in await cursor.fetchall()]


async def lock_place(connection: Connection, position: int) -> dict[UUID, list[str]]:
    """What the webhooks at this position want to hear of; they stay here for this transaction."""
    statement = sql.SQL(
        "SELECT id, event_types FROM goals.webhooks WHERE position = %s AND {}"
        " ORDER BY id FOR UPDATE"
    ).format(_WITH_ROOM)
    cursor = await connection.execute(statement, (position, MAX_PENDING_DELIVERIES - 1))
    return dict(await cursor.fetchall())


async def move_place(connection: Connection, webhook_ids: list[UUID], position: int) -> None:
    """Note how far the log was looked through for these webhooks."""
    await connection.execute(
        "UPDATE goals.webhooks SET position = %s WHERE id = ANY(%s)", (position, webhook_ids)
    )


async def wake_deliverer(connection: Connection) -> None:
    """Tell whoever delivers, when this transaction is committed, that there is something to do."""
    await connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def _select(
    connection: Connection, statement: sql.SQL, parameters: Mapping[str, Any]
) -> list[Webhook]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.format(columns=_COLUMNS), parameters)
        return [_webhook(row) for row in await cursor.fetchall()]


def _webhook(row: DictRow) -> Webhook:
    previous = row["previous_secret"]
    secrets = {
        "secret": Secret(row["secret"]),
        "previous_secret": None if previous is None else Secret(previous),
    }
    return Webhook(**{**row, **secrets})
