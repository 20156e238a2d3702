"""The shapes of comments and acknowledgements in responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.goals.api.schemas import ActorShape, Shape


class FeedbackShape(Shape):
    """A comment, or an acknowledgement (`text` is null then)."""

    kind: Literal["comment", "acknowledgement"]
    id: Annotated[UUID | None, Field(description="Of the comment.")]
    text: str | None
    check_in_id: UUID | None
    by: ActorShape
    recorded_at: AwareDatetime
    version: int


class FeedbackPage(Shape):
    """What was said to an objective and its check-ins, oldest first."""

    items: list[FeedbackShape]
    next: str | None
