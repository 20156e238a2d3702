"""What became of the events that webhooks were to be told, and sending them again."""

from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.positions import MAX_POSITION
from services.chassis.eventstore.errors import (
    CommandInFlightError,
    IdempotencyKeyReusedError,
)
from services.chassis.eventstore.unit import Answer
from services.chassis.postgres import Connection, connection
from services.chassis.responses import OrjsonResponse, to_json
from services.chassis.routes import DirectRoute
from services.goals.api.answers import OK
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
    ALL_FAILED,
    DeliveryPage,
    DeliveryShape,
    ResendFailedBody,
    ResentShape,
)
from services.goals.webhooks.configuring import refuse_disabled
from services.goals.webhooks.deliveries import (
    DeliveryFilter,
    find_delivery,
    has_failed,
    list_deliveries,
    resend,
    resend_failed,
)
from services.goals.webhooks.errors import (
    DeliveryNotFoundError,
    WebhookDisabledError,
    WebhookNotFoundError,
)
from services.goals.webhooks.event_types import PATTERN
from services.goals.webhooks.persistence import find_webhook, wake_deliverer
from services.goals.webhooks.records import Delivery, DeliveryState

router = APIRouter(prefix="/v1/webhooks/{webhook_id}", tags=["webhooks"], route_class=DirectRoute)

_RESENT: Final = (
    WebhookNotFoundError,
    WebhookDisabledError,
    IdempotencyKeyReusedError,
    CommandInFlightError,
)


@router.get(
    "/deliveries",
    response_model=DeliveryPage,
    responses=documented(WebhookNotFoundError, MalformedCursorError),
)
async def get_deliveries(
    webhook_id: UUID,
    webhooks: RunningWebhooks,
    _: Administering,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    event_type: Annotated[
        str | None, Query(pattern=PATTERN, description="Only of events of exactly this type.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE_ITEMS,
) -> Response:
    """List a webhook's deliveries, the newest event first.

    `failed` are those that were given up. They are kept for 90 days, `delivered` ones for 7.
    """
    before = decode_cursor(cursor) or MAX_POSITION
    wanted = DeliveryFilter(state=state, event_type=event_type)
    async with connection(webhooks.pool) as lent:
        await find_webhook(lent, webhook_id)
        found = await list_deliveries(lent, webhook_id, wanted, before=before, limit=limit + 1)
    return page_response(
        found, limit, render=_document, cursor=lambda each: encode_cursor(each.position)
    )


@router.get(
    "/deliveries/{event_id}",
    response_model=DeliveryShape,
    responses=documented(WebhookNotFoundError, DeliveryNotFoundError),
)
async def get_delivery(
    webhook_id: UUID, event_id: UUID, webhooks: RunningWebhooks, _: Administering
) -> Response:
    """Show what became of one event; its id is what the receiver got as `webhook-id`."""
    async with connection(webhooks.pool) as lent:
        await find_webhook(lent, webhook_id)
        found = await find_delivery(lent, webhook_id, event_id)
    return OrjsonResponse(_document(found))


@router.post(
    "/deliveries/{event_id}/resend",
    response_model=DeliveryShape,
    responses=documented(*_RESENT, DeliveryNotFoundError),
)
async def resend_delivery(webhook_id: UUID, event_id: UUID, asked: ToDoOnce) -> Response:
    """Begin a delivery anew, whatever became of it: now, and with all its attempts before it."""

    async def change(lent: Connection) -> Answer:
        await refuse_disabled(lent, webhook_id)
        delivery = await resend(lent, webhook_id, event_id)
        await wake_deliverer(lent)
        return Answer(OK, to_json(_document(delivery)))

    return await asked.run(change)


@router.post("/resend-failed", response_model=ResentShape, responses=documented(*_RESENT))
async def resend_all_failed(
    webhook_id: UUID, asked: ToDoOnce, body: ResendFailedBody = ALL_FAILED
) -> Response:
    """Begin failed deliveries anew, the oldest first, at most 1,000 at once."""

    async def change(lent: Connection) -> Answer:
        await refuse_disabled(lent, webhook_id)
        resent = await resend_failed(lent, webhook_id, body.since)
        more = await has_failed(lent, webhook_id, body.since)
        await wake_deliverer(lent)
        return Answer(OK, to_json({"resent": resent, "more": more}))

    return await asked.run(change)


def _document(delivery: Delivery) -> dict[str, Any]:
    fields = asdict(delivery)
    del fields["webhook_id"]
    return {"id": fields.pop("event_id"), **fields}
