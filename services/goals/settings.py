"""What the goals service is told by its environment."""

from typing import Annotated, Final, Literal

from pydantic import Field

from services.chassis.settings import Seconds, ServiceSettings

# The waits after the first, second, … failed attempt: two and a half days in all.
WEBHOOK_RETRY_SECONDS: Final = (5.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 86_400.0)

RetrySeconds = Annotated[float, Field(gt=0, le=7 * 86_400)]


class GoalsSettings(ServiceSettings):
    """The settings of every service, with the defaults of this one."""

    service: Literal["goals"] = "goals"
    # The statements name the schema, because the event store's connections have no search path.
    db_schema: Literal["goals"] = "goals"
    port: int = 8601

    # Whether webhooks may lead to this machine and to private networks, and there over plain
    # HTTP. It lets whoever administers goals call whatever listens there.
    webhook_private_hosts: bool = False
    webhook_timeout_seconds: Seconds = 10.0
    webhook_retry_seconds: Annotated[tuple[RetrySeconds, ...], Field(max_length=20)] = (
        WEBHOOK_RETRY_SECONDS
    )
