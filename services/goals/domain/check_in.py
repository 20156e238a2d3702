"""Check-ins: somebody says how a key result stands, or stood."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.goals import Status
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import (
    EffectiveAtError,
    NumberRefusedError,
    ObjectiveStateError,
    ReasonRequiredError,
)
from services.goals.domain.events import KeyResultCheckedIn
from services.goals.domain.objective import Objective, require_open

# A caller's clock may run a little ahead of ours without lying about the future.
CLOCK_TOLERANCE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """That a key result stood at `value` at `effective_at`, and what there is to say about it.

    `confidence` in reaching the target is a share of 1.
    """

    key_result_id: UUID
    check_in_id: UUID
    value: float
    effective_at: datetime
    confidence: float | None = None
    status: Status | None = None
    comment: str = ""
    reason: str | None = None


def check_in(
    objective: Objective, cycle: Cycle, said: Statement, *, now: datetime
) -> KeyResultCheckedIn:
    """Take down what somebody says of a key result.

    Raises CycleLockedError, ObjectiveStateError, KeyResultNotFoundError, NumberRefusedError,
    EffectiveAtError, ReasonRequiredError.
    """
    require_open(objective, cycle)
    if objective.state != "active":
        raise ObjectiveStateError(objective.state)
    link = objective.key_result(said.key_result_id).link
    if not math.isfinite(said.value):
        raise NumberRefusedError("value", "a finite number")
    if said.confidence is not None and not 0 <= said.confidence <= 1:
        raise NumberRefusedError("confidence", "a number from 0 to 1")
    if not cycle.work_began_at <= said.effective_at <= now + CLOCK_TOLERANCE:
        raise EffectiveAtError(earliest=cycle.work_began_at, latest=now)
    if link is not None and not said.reason:
        raise ReasonRequiredError(link.kpi)
    return KeyResultCheckedIn(
        key_result_id=said.key_result_id,
        check_in_id=said.check_in_id,
        value=said.value,
        confidence=said.confidence,
        status=said.status,
        comment=said.comment,
    )
