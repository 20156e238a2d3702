"""The shapes of requests and responses about webhooks. No answer but two ever has a secret."""

from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from contracts.positions import MAX_POSITION
from services.chassis.bodies import STORABLE
from services.goals.api.bodies import Moment
from services.goals.api.schemas import Shape
from services.goals.webhooks.configuring import (
    DEFAULT_OVERLAP,
    MAX_OVERLAP,
    NewWebhook,
    WebhookChanges,
)
from services.goals.webhooks.destinations import MAX_URL_CHARACTERS
from services.goals.webhooks.event_types import PATTERN
from services.goals.webhooks.records import DeliveryState, DisabledBecause
from services.goals.webhooks.signing import Secret

MAX_PATTERNS: Final = 100

_SECRET: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105  an example

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL_CHARACTERS,
        description="Where events are posted to. It takes https, and leads to a public host,"
        " unless the service is set up for private ones.",
    ),
    STORABLE,
]
EventTypes = Annotated[
    list[Annotated[str, Field(pattern=PATTERN)]],
    Field(
        min_length=1,
        max_length=MAX_PATTERNS,
        description="Types of events, or patterns: `*` stands for any characters. Types that are"
        " published only later are covered by a pattern that they match.",
    ),
]
Description = Annotated[str, Field(max_length=300), STORABLE]
Position = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_POSITION,
        description="Only what follows it in the log is delivered; 0 begins with the first event.",
    ),
]
SecretText = Annotated[
    SecretStr,
    Field(
        max_length=100,
        description="`whsec_` and the base64 of 24 to 64 bytes; without one it is generated.",
    ),
]


class WebhookRequest(BaseModel):
    """Base of request bodies about webhooks: a misspelt field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WebhookBody(WebhookRequest):
    """A webhook to make. Without a position it begins with what happens next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://hooks.example.com/cairn",
                    "event_types": [
                        "cairn.goals.objective.closed.v1",
                        "cairn.goals.key_result.*",
                    ],
                    "description": "The intranet's front page.",
                }
            ]
        }
    )

    url: Url
    event_types: EventTypes
    description: Description = ""
    enabled: Annotated[bool, Field(strict=True)] = True
    secret: SecretText | None = None
    position: Position | None = None

    def value(self) -> NewWebhook:
        """What is to be made. Raises MalformedSecretError."""
        return NewWebhook(
            url=self.url,
            event_types=self.event_types,
            description=self.description,
            enabled=self.enabled,
            secret=given_or_new(self.secret),
            position=self.position,
        )


class WebhookChangeBody(WebhookRequest):
    """What is to be different; what is left out or null stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"event_types": ["cairn.goals.objective.*"], "enabled": True}]
        }
    )

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    enabled: Annotated[
        Annotated[bool, Field(strict=True)] | None,
        Field(description="A disabled webhook keeps its place in the log and goes on from there."),
    ] = None
    position: Annotated[
        Position | None, Field(description="Go through the log again from here, or skip to here.")
    ] = None

    def value(self) -> WebhookChanges:
        """What is to be changed."""
        return WebhookChanges(**dict(self))


class RotateSecretBody(WebhookRequest):
    """Another secret. Until the overlap ends, messages carry the signatures of both."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"overlap_seconds": 3600}, {"secret": _SECRET}]}
    )

    secret: SecretText | None = None
    overlap_seconds: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=int(MAX_OVERLAP.total_seconds()),
            description="How long the secret before is signed with as well.",
        ),
    ] = int(DEFAULT_OVERLAP.total_seconds())

    @property
    def overlap(self) -> timedelta:
        """How long both secrets hold."""
        return timedelta(seconds=self.overlap_seconds)


class ResendFailedBody(WebhookRequest):
    """Which failed deliveries to take up again: all, or those of events recorded since."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-03-31T08:00:00Z"}]})

    since: Moment | None = None


DEFAULT_ROTATION: Final = RotateSecretBody()
ALL_FAILED: Final = ResendFailedBody()


class WebhookShape(Shape):
    """A webhook. Its `secret_hint` is the end of its secret."""

    id: UUID
    url: str
    event_types: list[str]
    description: str
    enabled: bool
    disabled_because: Annotated[
        DisabledBecause | None,
        Field(description="`gone`: the receiver answered 410. `asked`: somebody disabled it."),
    ]
    secret_hint: str
    previous_secret_until: AwareDatetime | None
    position: Annotated[int, Field(description="Up to here the log was looked through for it.")]
    failing_since: Annotated[
        AwareDatetime | None, Field(description="When attempts began to fail, if the last one did.")
    ]
    created_by: str
    created_at: AwareDatetime
    updated_by: str
    updated_at: AwareDatetime
    version: int


class SecretWebhookShape(WebhookShape):
    """A webhook with its new secret, which is shown this once."""

    secret: Annotated[str, Field(examples=[_SECRET])]


class WebhookPage(Shape):
    """Webhooks in the order in which they were made."""

    items: list[WebhookShape]
    next: str | None


class DeliveryShape(Shape):
    """An event on its way to a webhook. Its `id` is the event's, sent as `webhook-id`."""

    id: UUID
    event_type: str
    event_time: AwareDatetime
    position: int
    state: DeliveryState
    attempts: int
    next_attempt_at: AwareDatetime | None
    last_attempt_at: AwareDatetime | None
    last_status: int | None
    last_error: str | None
    last_answer: Annotated[
        str | None, Field(description="The beginning of what the receiver answered.")
    ]
    ended_at: AwareDatetime | None


class DeliveryPage(Shape):
    """Deliveries of a webhook, the newest event first."""

    items: list[DeliveryShape]
    next: str | None


class TestedShape(Shape):
    """What came of a test message, `id` being its `webhook-id`."""

    id: UUID
    state: Literal["delivered", "failed"]
    status: int | None
    error: str | None
    answer: str
    milliseconds: int


class ResentShape(Shape):
    """How many failed deliveries were taken up again, and whether there are more."""

    resent: int
    more: bool


def given_or_new(text: SecretStr | None) -> Secret:
    """The secret that was sent, or a new one. Raises MalformedSecretError."""
    return Secret.generate() if text is None else Secret.parse(text.get_secret_value())
