"""The shapes of responses about reviews."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts import goals
from contracts.reviews import ActionState, Breach, Recovery, ReviewState
from services.goals.api.schemas import Shape

Overdue = Annotated[bool, Field(description="Whether it should be done by now and is not.")]


class ActionShape(Shape):
    """Something that is to be done."""

    id: UUID
    title: str
    owners: list[goals.Owner]
    due_on: date | None
    state: ActionState
    overdue: Overdue


class ReviewShape(Shape):
    """A review as it stands."""

    id: UUID
    objective_id: UUID | None
    key_result_id: UUID | None
    kpi: Annotated[str | None, Field(description="What it is of, or what the key result followed.")]
    state: ReviewState
    owner: Annotated[goals.Owner | None, Field(description="Null: nobody answers for it yet.")]
    due_on: date | None
    overdue: Overdue
    concern: Annotated[str, Field(description="Why it was opened by hand.")]
    breach: Annotated[Breach | None, Field(description="Why it was opened, or is open again.")]
    recovery: Annotated[Recovery | None, Field(description="What closing was proposed for.")]
    cause: str
    actions: list[ActionShape]
    resolution: str
    opened_at: AwareDatetime
    changed_at: AwareDatetime
    version: int


class ReviewItemShape(Shape):
    """A review in a list."""

    id: UUID
    objective_id: UUID | None
    key_result_id: UUID | None
    kpi: str | None
    by_breach: Annotated[bool, Field(description="Whether a KPI's breach opened it.")]
    state: ReviewState
    owner: goals.Owner | None
    due_on: date | None
    overdue: Overdue
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class ReviewPage(Shape):
    """Reviews in the order in which they were opened."""

    items: list[ReviewItemShape]
    next: str | None
