"""Which refusal about webhooks is which problem over HTTP."""

from typing import Final

from services.chassis.problems import NOT_FOUND, Problem, ProblemTable
from services.goals.webhooks import errors

WEBHOOK_PROBLEMS: Final[ProblemTable] = {
    errors.WebhookNotFoundError: NOT_FOUND,
    errors.DeliveryNotFoundError: NOT_FOUND,
    errors.DestinationRefusedError: Problem(
        "webhook-destination", 422, "Nothing is sent to that URL."
    ),
    errors.MalformedSecretError: Problem(
        "webhook-secret", 422, "The secret does not have the right form."
    ),
    errors.UnknownEventTypeError: Problem("unknown-event-type", 422, "No event is of that type."),
    errors.PositionBeyondLogError: Problem(
        "position-beyond-log", 422, "The log does not reach that far."
    ),
    errors.TooManyWebhooksError: Problem(
        "too-many-webhooks", 409, "There are as many webhooks as there may be."
    ),
    errors.WebhookDisabledError: Problem("webhook-disabled", 409, "The webhook is disabled."),
}
