"""The shapes of requests about reviews."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from contracts.goals import KpiKey
from contracts.reviews import ActionState, WrittenText
from services.chassis.bodies import WORDS, Body
from services.goals.api.bodies import ChangingBody, Day, OwnerBody, StorableTitle
from services.goals.domain.events import Owner
from services.goals.domain.review import MAX_ACTION_OWNERS

StorableWords = Annotated[WrittenText, WORDS]
ActionOwners = Annotated[
    tuple[OwnerBody, ...],
    Field(
        min_length=1,
        max_length=MAX_ACTION_OWNERS,
        description="Who does it; any of them may say how far it is.",
    ),
]


class OpenReviewBody(Body):
    """What to review, and what about it: an objective, a key result of it, or a KPI alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
                    "key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04",
                    "concern": "Conversion has not moved for three weeks.",
                    "due_on": "2026-02-06",
                },
                {"kpi": "sales.conversion", "concern": "It jumps from day to day."},
            ]
        }
    )

    objective_id: UUID | None = None
    key_result_id: UUID | None = None
    kpi: KpiKey | None = None
    concern: Annotated[StorableWords, Field(description="What is to be looked into.")]
    owner: Annotated[
        OwnerBody | None, Field(description="The objective's or the KPI's, if not given.")
    ] = None
    due_on: Day | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.objective_id is None) == (self.kpi is None):
            raise ValueError("name either objective_id or kpi")
        if self.key_result_id is not None and self.objective_id is None:
            raise ValueError("key_result_id is one of the objective that objective_id names")
        return self


class AssignReviewBody(ChangingBody):
    """Who answers for the review from now on, and until when; no `due_on` leaves it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner": {"kind": "person", "id": "u-19d2"},
                    "due_on": "2026-02-06",
                    "reason": "She wrote the order form.",
                }
            ]
        }
    )

    owner: OwnerBody
    due_on: Day | None = None

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        return super().changes() | {"owner": self.owner.value()}


class FindCauseBody(Body):
    """What the cause is; it replaces what was said before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"cause": "On phones the order form asked for the address twice."}]
        }
    )

    cause: StorableWords


class AddActionBody(Body):
    """What is to be done, by whom and until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Ask for the address once",
                    "owners": [{"kind": "team", "id": "team-shop"}],
                    "due_on": "2026-02-03",
                }
            ]
        }
    )

    title: StorableTitle
    owners: ActionOwners
    due_on: Day | None = None


class ReviseActionBody(ChangingBody):
    """What is to be done, by whom and until when, where that changes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Ask for the address once, on all devices",
                    "owners": [{"kind": "team", "id": "team-shop"}],
                }
            ]
        }
    )

    title: StorableTitle = ""
    owners: ActionOwners = ()
    due_on: Day | None = None

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        sent = super().changes()
        if "owners" in sent:
            sent["owners"] = owner_values(self.owners)
        return sent


class MoveActionBody(Body):
    """How far the action is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "done"}]})

    to: ActionState


class CloseReviewBody(Body):
    """How the review ended."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"resolution": "Conversion is back at 6% since the address is asked for once."}
            ]
        }
    )

    resolution: StorableWords


def owner_values(owners: tuple[OwnerBody, ...]) -> tuple[Owner, ...]:
    """The domain's values, each once."""
    return tuple(dict.fromkeys(each.value() for each in owners))
