"""What can be asked about reviews: one class per use case, in the domain's values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from contracts.reviews import ActionState
from services.goals.commands import Change
from services.goals.domain.authority import Authority
from services.goals.domain.events import Owner
from services.goals.domain.review import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReview:
    """Open a review by hand: of an objective, of one key result of it, or of a KPI.

    Without an `owner` it is the objective's or the KPI's.
    """

    review_id: UUID
    objective_id: UUID | None
    key_result_id: UUID | None
    kpi: str | None
    concern: str
    owner: Owner | None
    due_on: date | None
    by: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignReview(Change):
    """Have somebody answer for the review until some day: `owner`, `due_on`, or both by name."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindCause(Change):
    """Say what the cause is."""

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAction(Change):
    """Decide that something is to be done."""

    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseAction(Change):
    """Say anew what is to be done, by whom, until when: the fields that change, by name."""

    action_id: UUID
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAction(Change):
    """Say how far an action is."""

    action_id: UUID
    to: ActionState


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReview(Change):
    """End the review."""

    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenReview(Change):
    """Go on with a review that is closed, or is proposed to be."""
