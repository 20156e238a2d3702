"""The message that only shows that a webhook works."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from contracts.cloudevents import CONTENT_TYPE, SPEC_VERSION
from services.chassis.responses import to_json
from services.goals.structured import SOURCE

TYPE: Final = "cairn.goals.webhook.test"


def trial_message(message_id: UUID, webhook_id: UUID) -> bytes:
    """A CloudEvent like any other, except that it is of no event in the log."""
    return to_json(
        {
            "specversion": SPEC_VERSION,
            "id": message_id,
            "type": TYPE,
            "source": SOURCE,
            "subject": webhook_id,
            "time": datetime.now(UTC),
            "datacontenttype": CONTENT_TYPE,
            "data": {"webhook_id": webhook_id},
        }
    )
