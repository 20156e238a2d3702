"""No refusal about webhooks becomes a 500."""

from services.chassis.problems import unmapped_errors
from services.goals.api.problems import PROBLEMS
from services.goals.webhooks.errors import WebhookError


def test_every_refusal_about_webhooks_is_in_the_table() -> None:
    assert unmapped_errors(WebhookError, PROBLEMS) == [WebhookError]
