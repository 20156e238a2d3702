"""The shapes of check-ins in responses."""

from uuid import UUID

from pydantic import AwareDatetime

from contracts.goals import Status
from services.goals.api.objective_schemas import AdviceShape, KeyResultShape
from services.goals.api.schemas import ActorShape, Shape


class CheckedInShape(Shape):
    """A key result after a check-in; `version` is the objective's."""

    objective_id: UUID
    version: int
    check_in_id: UUID
    key_result: KeyResultShape
    warnings: list[AdviceShape]


class RevisionShape(Shape):
    """What was said of a key result, once or once more."""

    value: float
    milestones_done: list[UUID]
    confidence: float | None
    status: Status | None
    comment: str
    by: ActorShape
    reason: str | None
    recorded_at: AwareDatetime
    after_closing: bool


class ListedCheckInShape(Shape):
    """A check-in: what stands, and what was said before, oldest first."""

    id: UUID
    key_result_id: UUID
    effective_at: AwareDatetime
    stands: RevisionShape
    corrected: list[RevisionShape]


class CheckInPage(Shape):
    """Check-ins in the order of the times they are about."""

    items: list[ListedCheckInShape]
    next: str | None
