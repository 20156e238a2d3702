"""An objective's key results: added, revised, given another target, removed."""

from collections.abc import Sequence
from uuid import UUID

from services.goals.domain import key_result
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    KeyResultHasChildrenError,
    LastKeyResultError,
    ReasonRequiredError,
    TooManyKeyResultsError,
)
from services.goals.domain.events import (
    KeyResultAdded,
    KeyResultRemoved,
    KeyResultRetargeted,
    KeyResultRevised,
)
from services.goals.domain.objective import MAX_KEY_RESULTS, Objective, require_step


def add(objective: Objective, definition: Definition, *, key_result_id: UUID) -> KeyResultAdded:
    """One more key result.

    Raises ObjectiveStateError, TooManyKeyResultsError, and what `key_result.define` raises.
    """
    require_step(objective, "add_key_result")
    if len(objective.key_results) >= MAX_KEY_RESULTS:
        raise TooManyKeyResultsError(MAX_KEY_RESULTS)
    return key_result.define(definition, key_result_id=key_result_id)


def revise(objective: Objective, key_result_id: UUID, wanted: Definition) -> KeyResultRevised:
    """Call and count it otherwise.

    Raises ObjectiveStateError, KeyResultNotFoundError, and what `key_result.revise` raises.
    """
    require_step(objective, "revise_key_result")
    return key_result.revise(objective.key_result(key_result_id), wanted)


def retarget(
    objective: Objective, key_result_id: UUID, wanted: Definition, *, reason: str | None
) -> KeyResultRetargeted:
    """Have it reach something else; once work has begun, with a reason.

    Raises ObjectiveStateError, KeyResultNotFoundError, ReasonRequiredError, and what
    `key_result.retarget` raises.
    """
    require_step(objective, "retarget_key_result")
    _require_reason(objective, reason, "Revising a target")
    return key_result.retarget(objective.key_result(key_result_id), wanted)


def remove(
    objective: Objective, key_result_id: UUID, *, aligned: Sequence[UUID], reason: str | None
) -> KeyResultRemoved:
    """Take it out; `aligned` are the objectives below it. Once work has begun, with a reason.

    Raises ObjectiveStateError, KeyResultNotFoundError, ReasonRequiredError, LastKeyResultError,
    KeyResultHasChildrenError.
    """
    require_step(objective, "remove_key_result")
    found = objective.key_result(key_result_id)
    _require_reason(objective, reason, "Removing a key result")
    if objective.state == "active" and len(objective.key_results) == 1:
        raise LastKeyResultError
    if aligned:
        raise KeyResultHasChildrenError(aligned)
    return KeyResultRemoved(key_result_id=found.id)


def _require_reason(objective: Objective, reason: str | None, what: str) -> None:
    if objective.state != "draft" and not reason:
        raise ReasonRequiredError(what)
