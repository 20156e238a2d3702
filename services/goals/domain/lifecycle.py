"""An objective's way from draft to its end, and back with a reason."""

from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import (
    AlreadyApprovedError,
    CycleNotActiveError,
    NoKeyResultsError,
    NotApprovedError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    ObjectiveAbandoned,
    ObjectiveActivated,
    ObjectiveApproved,
    ObjectivePostponed,
    ObjectiveProposed,
    ObjectiveReopened,
    ObjectiveReturned,
)
from services.goals.domain.objective import Objective, require_step


def propose(objective: Objective) -> ObjectiveProposed:
    """Ask for approval. Raises ObjectiveStateError, NoKeyResultsError."""
    require_step(objective, "propose")
    _require_key_results(objective)
    return ObjectiveProposed()


def approve(objective: Objective, cycle: Cycle) -> list[ObjectiveApproved | ObjectiveActivated]:
    """Let a proposed objective be worked on: at once where its cycle is active, else later.

    Raises ObjectiveStateError, AlreadyApprovedError.
    """
    require_step(objective, "approve")
    if objective.approved_at is not None:
        raise AlreadyApprovedError
    if cycle.state == "active":
        return [ObjectiveApproved(), ObjectiveActivated()]
    return [ObjectiveApproved()]


def return_to_draft(objective: Objective, *, reason: str | None) -> ObjectiveReturned:
    """Have a proposed objective written anew. Raises ObjectiveStateError, ReasonRequiredError."""
    require_step(objective, "return")
    _require_reason(reason, "Returning a proposed objective")
    return ObjectiveReturned()


def activate(objective: Objective, cycle: Cycle) -> ObjectiveActivated:
    """Begin to work on it.

    Raises ObjectiveStateError, NotApprovedError, CycleNotActiveError, NoKeyResultsError.
    """
    require_step(objective, "activate")
    if objective.state == "proposed" and objective.approved_at is None:
        raise NotApprovedError
    if cycle.state != "active":
        raise CycleNotActiveError(cycle.state)
    _require_key_results(objective)
    return ObjectiveActivated()


def postpone(objective: Objective, *, reason: str | None) -> ObjectivePostponed:
    """Let it rest. Raises ObjectiveStateError, ReasonRequiredError."""
    require_step(objective, "postpone")
    _require_reason(reason, "Postponing an objective")
    return ObjectivePostponed()


def abandon(objective: Objective, *, reason: str | None) -> ObjectiveAbandoned:
    """Give it up. Raises ObjectiveStateError, ReasonRequiredError."""
    require_step(objective, "abandon")
    _require_reason(reason, "Abandoning an objective")
    return ObjectiveAbandoned()


def reopen(objective: Objective, cycle: Cycle, *, reason: str | None) -> ObjectiveReopened:
    """Go on with it: at work where it was before, else as a draft.

    Raises ObjectiveStateError, ReasonRequiredError, CycleNotActiveError.
    """
    require_step(objective, "reopen")
    _require_reason(reason, "Reopening an objective")
    if objective.activated_at is None:
        return ObjectiveReopened(state="draft")
    if cycle.state not in ("active", "scoring"):
        raise CycleNotActiveError(cycle.state)
    return ObjectiveReopened(state="active")


def _require_key_results(objective: Objective) -> None:
    if not objective.key_results:
        raise NoKeyResultsError


def _require_reason(reason: str | None, what: str) -> None:
    if not reason:
        raise ReasonRequiredError(what)
