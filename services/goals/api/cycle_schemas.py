"""The shapes of cycles in responses."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime

from contracts.goals import Cadence, CheckInRhythm, CycleState, ObjectiveState
from services.goals.api.schemas import Shape


class CycleShape(Shape):
    """A cycle as it stands."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    planned_at: AwareDatetime
    changed_at: AwareDatetime
    version: int


class OpenObjectiveShape(Shape):
    """An objective that has not ended."""

    id: UUID
    title: str
    state: ObjectiveState


class LeftOpenShape(Shape):
    """How many objectives are left open, and the first hundred of them."""

    count: int
    first: list[OpenObjectiveShape]


class ClosedCycleShape(CycleShape):
    """A cycle that was closed, and what that leaves open."""

    left_open: LeftOpenShape


class CycleItemShape(Shape):
    """A cycle in a list."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    state: CycleState
    updated_at: AwareDatetime
    version: int


class CyclePage(Shape):
    """Cycles in the order in which they were planned."""

    items: list[CycleItemShape]
    next: str | None
