"""Check-ins: somebody says how a key result stands, or stood, and may put it right later."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.goals import Status
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    CheckInValueError,
    EffectiveAtError,
    NothingChangesError,
    NumberRefusedError,
    OverrideReasonRequiredError,
    ReasonRequiredError,
)
from services.goals.domain.events import CheckInCorrected, KeyResultCheckedIn
from services.goals.domain.objective import Objective, require_step

# A caller's clock may run a little ahead of ours without lying about the future.
CLOCK_TOLERANCE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a key result stands, said in the one way that its type is measured."""

    value: float | None = None
    done: bool | None = None
    milestones_done: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """That a key result stood so, and what there is to say about it.

    `confidence` in reaching the target is a share of 1. A correction without a `standing` leaves
    what was said of it, even if the key result is measured otherwise by now.
    """

    key_result_id: UUID
    check_in_id: UUID
    standing: Standing | None
    confidence: float | None = None
    status: Status | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingCheckIn:
    """A check-in as it stands after all corrections until now."""

    key_result_id: UUID
    effective_at: datetime
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    milestones_done: tuple[UUID, ...]


def check_in(
    objective: Objective,
    cycle: Cycle,
    said: Statement,
    *,
    effective_at: datetime,
    now: datetime,
    reason: str | None,
) -> KeyResultCheckedIn:
    """Take down what somebody says of a key result.

    Raises ObjectiveStateError, KeyResultNotFoundError, CheckInValueError, MilestoneNotFoundError,
    NumberRefusedError, EffectiveAtError, OverrideReasonRequiredError.
    """
    require_step(objective, "check_in")
    found = objective.key_result(said.key_result_id)
    value, milestones_done = _measured(found.definition, said.standing or Standing())
    _require_confidence(said.confidence)
    if not cycle.work_began_at <= effective_at <= now + CLOCK_TOLERANCE:
        raise EffectiveAtError(earliest=cycle.work_began_at, latest=now)
    if found.link is not None and not reason:
        raise OverrideReasonRequiredError(found.link.kpi)
    return KeyResultCheckedIn(
        key_result_id=said.key_result_id,
        check_in_id=said.check_in_id,
        value=value,
        confidence=said.confidence,
        status=said.status,
        comment=said.comment,
        milestones_done=milestones_done,
    )


def correct(
    objective: Objective, said: Statement, *, original: StandingCheckIn, reason: str | None
) -> CheckInCorrected:
    """Put a check-in right; what it said before stays in the history.

    Raises ObjectiveStateError, KeyResultNotFoundError, ReasonRequiredError, CheckInValueError,
    MilestoneNotFoundError, NumberRefusedError, NothingChangesError.
    """
    require_step(objective, "correct_check_in")
    found = objective.key_result(original.key_result_id)
    if not reason:
        raise ReasonRequiredError("Correcting a check-in")
    value, milestones_done = original.value, original.milestones_done
    if said.standing is not None:
        value, milestones_done = _measured(found.definition, said.standing)
    _require_confidence(said.confidence)
    corrected = StandingCheckIn(
        key_result_id=original.key_result_id,
        effective_at=original.effective_at,
        value=value,
        confidence=said.confidence,
        status=said.status,
        comment=said.comment,
        milestones_done=milestones_done,
    )
    if corrected == original:
        raise NothingChangesError
    return CheckInCorrected(
        key_result_id=original.key_result_id,
        check_in_id=said.check_in_id,
        value=value,
        was=original.value,
        confidence=said.confidence,
        status=said.status,
        comment=said.comment,
        milestones_done=milestones_done,
    )


def _measured(definition: Definition, standing: Standing) -> tuple[float, tuple[UUID, ...]]:
    """What was said as a value, and which milestones are done by it."""
    match definition.type, standing:
        case "milestones", Standing(value=None, done=None, milestones_done=tuple(done)):
            # In the checklist's order, so that the same ones told in another are no correction.
            listed = tuple(each.id for each in definition.milestones if each.id in done)
            return definition.done(done), listed
        case "binary", Standing(value=None, done=bool(done), milestones_done=None):
            return float(done), ()
        case (
            "increase" | "decrease" | "maintain",
            Standing(value=float(value), done=None, milestones_done=None),
        ):
            if not math.isfinite(value):
                raise NumberRefusedError("value", "a finite number")
            return value, ()
    raise CheckInValueError(definition.type)


def _require_confidence(confidence: float | None) -> None:
    if confidence is not None and not 0 <= confidence <= 1:
        raise NumberRefusedError("confidence", "a number from 0 to 1")
