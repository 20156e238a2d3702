"""Webhooks over HTTP: who is told of which events, where, and signed with what."""

from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.eventstore.errors import (
    CommandInFlightError,
    IdempotencyKeyReusedError,
)
from services.chassis.eventstore.unit import Answer
from services.chassis.parameters import IfMatch, etag
from services.chassis.postgres import Connection, connection
from services.chassis.responses import OrjsonResponse, to_json
from services.chassis.routes import DirectRoute
from services.goals.api.answers import CREATED, OK
from services.goals.api.pages import (
    DEFAULT_PAGE_ITEMS,
    Cursor,
    Limit,
    MalformedCursorError,
    decode_cursor,
    encode_cursor,
    page_response,
)
from services.goals.api.problems import documented
from services.goals.api.webhook_asked import Administering, RunningWebhooks, ToDoOnce
from services.goals.api.webhook_schemas import (
    DEFAULT_ROTATION,
    RotateSecretBody,
    SecretWebhookShape,
    TestedShape,
    WebhookBody,
    WebhookChangeBody,
    WebhookPage,
    WebhookShape,
    given_or_new,
)
from services.goals.webhooks import configuring
from services.goals.webhooks.errors import (
    DestinationRefusedError,
    MalformedSecretError,
    PositionBeyondLogError,
    TooManyWebhooksError,
    UnknownEventTypeError,
    WebhookNotFoundError,
)
from services.goals.webhooks.persistence import find_webhook, list_webhooks
from services.goals.webhooks.records import Attempt, Webhook
from services.goals.webhooks.trial import trial_message

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=DirectRoute)

NO_CONTENT: Final = 204

_ONCE: Final = (IdempotencyKeyReusedError, CommandInFlightError)


@router.post(
    "",
    status_code=CREATED,
    response_model=SecretWebhookShape,
    responses=documented(
        DestinationRefusedError,
        MalformedSecretError,
        PositionBeyondLogError,
        TooManyWebhooksError,
        UnknownEventTypeError,
        *_ONCE,
    ),
)
async def post_webhook(body: WebhookBody, asked: ToDoOnce) -> Response:
    """Make a webhook. The answer, and it alone, has the secret that its messages are signed with.

    Events are posted one after the other as CloudEvents in structured JSON, with the headers of
    the Standard Webhooks specification. Each is delivered at least once and roughly in order:
    what failed is tried again later, while others go on. The header `webhook-id` is the event's
    id and stays the same, so that what comes twice can be told.
    """
    webhooks = asked.webhooks
    new = body.value()

    async def prepare() -> int:
        await webhooks.sender.check(new.url)
        return await webhooks.log.head()

    async def change(lent: Connection, head: int) -> Answer:
        made = await configuring.create_webhook(lent, new, head=head, by=asked.caller.id)
        return _secret_answer(made, CREATED, location=f"/v1/webhooks/{made.id}")

    return await asked.run_prepared(prepare, change)


@router.get("", response_model=WebhookPage, responses=documented(MalformedCursorError))
async def get_webhooks(
    webhooks: RunningWebhooks,
    _: Administering,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List webhooks in the order in which they were made."""
    after = decode_cursor(cursor)
    async with connection(webhooks.pool) as lent:
        found = await list_webhooks(lent, after=after, limit=limit + 1)
    return page_response(
        found, limit, render=_document, cursor=lambda each: encode_cursor(each.number)
    )


@router.get(
    "/{webhook_id}", response_model=WebhookShape, responses=documented(WebhookNotFoundError)
)
async def get_webhook(webhook_id: UUID, webhooks: RunningWebhooks, _: Administering) -> Response:
    """Show a webhook, without its secret."""
    async with connection(webhooks.pool) as lent:
        found = await find_webhook(lent, webhook_id)
    return _response(found)


@router.patch(
    "/{webhook_id}",
    response_model=WebhookShape,
    responses=documented(
        WebhookNotFoundError,
        DestinationRefusedError,
        PositionBeyondLogError,
        UnknownEventTypeError,
    ),
)
async def patch_webhook(
    webhook_id: UUID,
    body: WebhookChangeBody,
    webhooks: RunningWebhooks,
    caller: Administering,
    version: IfMatch,
) -> Response:
    """Change where a webhook leads, what it is told, whether it is told, or from where in the log.

    Disabled, it keeps its place in the log; enabled again, it is told what happened meanwhile.
    """
    if body.url is not None:
        await webhooks.sender.check(body.url)
    head = await webhooks.log.head()
    async with connection(webhooks.pool) as lent, lent.transaction():
        changed = await configuring.change_webhook(
            lent, webhook_id, body.value(), version=version, head=head, by=caller.id
        )
    return _response(changed)


@router.delete(
    "/{webhook_id}",
    status_code=NO_CONTENT,
    response_class=Response,
    responses=documented(WebhookNotFoundError),
)
async def delete_webhook(
    webhook_id: UUID, webhooks: RunningWebhooks, _: Administering, version: IfMatch
) -> Response:
    """Remove a webhook with all its deliveries, those that wait included."""
    async with connection(webhooks.pool) as lent, lent.transaction():
        await configuring.remove_webhook(lent, webhook_id, version=version)
    return Response(status_code=NO_CONTENT)


@router.post(
    "/{webhook_id}/rotate-secret",
    response_model=SecretWebhookShape,
    responses=documented(WebhookNotFoundError, MalformedSecretError, *_ONCE),
)
async def rotate_secret(
    webhook_id: UUID,
    asked: ToDoOnce,
    version: IfMatch,
    body: RotateSecretBody = DEFAULT_ROTATION,
) -> Response:
    """Sign with another secret; for a while messages carry the signature by the old one as well.

    Only the newest two secrets are ever signed with. The answer, and it alone, has the new one.
    """
    secret = given_or_new(body.secret)

    async def change(lent: Connection) -> Answer:
        rotated = await configuring.rotate_secret(
            lent, webhook_id, secret, overlap=body.overlap, version=version, by=asked.caller.id
        )
        return _secret_answer(rotated, OK)

    return await asked.run(change)


@router.post(
    "/{webhook_id}/test",
    response_model=TestedShape,
    responses=documented(WebhookNotFoundError, *_ONCE),
)
async def test_webhook(webhook_id: UUID, asked: ToDoOnce) -> Response:
    """Send a test message now, also from a disabled webhook, and answer what came of it.

    The message is signed as any other; its type is `cairn.goals.webhook.test`. It is tried once,
    counts as no delivery and changes nothing.
    """
    message_id = uuid4()

    async def prepare() -> Attempt:
        async with connection(asked.webhooks.pool) as lent:
            webhook = await find_webhook(lent, webhook_id)
        return await asked.webhooks.sender.send(
            webhook, message_id=str(message_id), body=trial_message(message_id, webhook_id)
        )

    async def change(_: Connection, attempt: Attempt) -> Answer:
        return Answer(OK, to_json(_tested(message_id, attempt)))

    return await asked.run_prepared(prepare, change)


def _document(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "event_types": webhook.event_types,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "disabled_because": webhook.disabled_because,
        "secret_hint": webhook.secret.hint(),
        "previous_secret_until": webhook.previous_secret_until,
        "position": webhook.position,
        "failing_since": webhook.failing_since,
        "created_by": webhook.created_by,
        "created_at": webhook.created_at,
        "updated_by": webhook.updated_by,
        "updated_at": webhook.updated_at,
        "version": webhook.version,
    }


def _response(webhook: Webhook) -> Response:
    return OrjsonResponse(_document(webhook), headers={"ETag": etag(webhook.version)})


def _secret_answer(webhook: Webhook, status: int, *, location: str | None = None) -> Answer:
    document = {**_document(webhook), "secret": webhook.secret.reveal()}
    return Answer(status, to_json(document), etag=webhook.version, location=location)


def _tested(message_id: UUID, attempt: Attempt) -> dict[str, Any]:
    return {
        "id": message_id,
        "state": "delivered" if attempt.error is None else "failed",
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer,
        "milliseconds": round(attempt.seconds * 1_000),
    }
