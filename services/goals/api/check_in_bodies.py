"""The shapes of check-ins and of what puts them right."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.goals import Share, Status
from services.chassis.bodies import Body, Reason
from services.goals.api.bodies import Moment, Number, StorableText
from services.goals.domain.check_in import Standing
from services.goals.domain.definition import MAX_MILESTONES


class StandingFields(Body):
    """How a key result stands: `value`, `done` or `milestones_done`, as its type is measured."""

    value: Annotated[
        Number | None, Field(description="In its unit; for increase, decrease and maintain.")
    ] = None
    done: Annotated[bool | None, Field(strict=True, description="For binary.")] = None
    milestones_done: Annotated[
        tuple[UUID, ...] | None,
        Field(max_length=MAX_MILESTONES, description="All that are done by then; for milestones."),
    ] = None
    confidence: Annotated[Share | None, Field(strict=True)] = None
    status: Status | None = None
    comment: StorableText = ""

    def standing(self) -> Standing:
        """The domain's value."""
        return Standing(value=self.value, done=self.done, milestones_done=self.milestones_done)


class CheckInBody(StandingFields):
    """How a key result stands, or stood at `effective_at`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 5600,
                    "confidence": 0.6,
                    "status": "at_risk",
                    "comment": "Slower than we thought. One of us has moved here from other work.",
                    "effective_at": "2026-02-02T09:00:00Z",
                },
                {"done": True},
                {"milestones_done": ["019b5a1c-3f00-7a10-8c51-0d2f4b6a8c06"]},
            ]
        }
    )

    effective_at: Annotated[
        Moment | None, Field(description="When it was true; now, if not given.")
    ] = None


class CorrectionBody(StandingFields):
    """What a check-in should have said, of the same time. What is not sent stays as it was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 5900,
                    "confidence": 0.7,
                    "status": "on_track",
                    "comment": "One of us has moved here from other work.",
                    "reason": "Two digits were swapped.",
                }
            ]
        }
    )

    reason: Annotated[Reason, Field(description="What was wrong; kept in the history.")]

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        sent = self.model_fields_set
        said: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("confidence", "status", "comment")
            if name in sent
        }
        if sent & {"value", "done", "milestones_done"}:
            said["standing"] = self.standing()
        return said
