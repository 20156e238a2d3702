"""Why something about a webhook is refused."""

from uuid import UUID


class WebhookError(Exception):
    """Base of what is refused about webhooks."""


class WebhookNotFoundError(WebhookError):
    """There is no webhook of this id."""

    def __init__(self, webhook_id: UUID) -> None:
        super().__init__(f"There is no webhook {webhook_id}.")


class DeliveryNotFoundError(WebhookError):
    """The webhook has no delivery of this event, or it was forgotten."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"The webhook has no delivery of the event {event_id}.")


class DestinationRefusedError(WebhookError):
    """Nothing is sent to this URL. The message never repeats it: it can carry a token."""


class MalformedSecretError(WebhookError):
    """The secret does not have the form that the specification gives it."""


class UnknownEventTypeError(WebhookError):
    """A pattern matches no type of event that this service publishes."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"No published event is of the type {pattern}.")


class TooManyWebhooksError(WebhookError):
    """There are as many webhooks as there may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} webhooks, which is as many as there may be.")


class WebhookDisabledError(WebhookError):
    """The webhook sends nothing."""

    def __init__(self) -> None:
        super().__init__("The webhook is disabled: enable it first.")


class PositionBeyondLogError(WebhookError):
    """The log does not reach as far as the position that was named."""

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"The log ends at position {head}, before {position}.")
