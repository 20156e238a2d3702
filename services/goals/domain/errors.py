"""Why a command is refused, in the domain's words: each text says what is allowed instead."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.goals import CycleState, KeyResultType, ObjectiveState

Step = Literal[
    "revise",
    "reassign",
    "delegate",
    "add_key_result",
    "revise_key_result",
    "retarget_key_result",
    "remove_key_result",
    "align",
    "unalign",
    "link",
    "unlink",
    "propose",
    "approve",
    "return",
    "activate",
    "check_in",
    "correct_check_in",
    "close",
    "rescore",
    "write_retrospective",
    "postpone",
    "abandon",
    "reopen",
    "carry_over",
]


class GoalsError(Exception):
    """Base of all refusals. `extensions` are facts that a program can act on."""

    def __init__(self, text: str, **extensions: object) -> None:
        super().__init__(text)
        self.extensions: Mapping[str, object] = extensions


class NotAllowedError(GoalsError):
    """The one who acts has no right to. `missing` names what would do, any one of it."""

    def __init__(self, text: str, *, missing: Sequence[str]) -> None:
        super().__init__(text, missing=list(missing))


class NotOwnerError(NotAllowedError):
    """Only owners and administrators change an objective."""


class NotApproverError(NotAllowedError):
    """Only who answers for an objective above approves a proposal, and administrators."""


class AdminRequiredError(NotAllowedError):
    """Only administrators change what belongs to the whole company."""


class CycleStateError(GoalsError):
    """The cycle's state does not allow this step. `allowed` names those that it does."""

    _ALLOWED: ClassVar[Mapping[CycleState, tuple[str, ...]]] = {
        "planned": ("revise", "activate"),
        "active": ("revise", "start_scoring"),
        "scoring": ("revise", "close", "reopen"),
        "closed": ("reopen",),
    }

    def __init__(self, state: CycleState) -> None:
        allowed = self._ALLOWED[state]
        super().__init__(
            f"The cycle is {state}. What can be done now: {_listed(allowed)}.",
            state=state,
            allowed=list(allowed),
        )


class CycleDatesError(GoalsError):
    """The cycle would end before it starts, or last too long."""

    def __init__(self, *, max_days: int) -> None:
        super().__init__(
            f"A cycle ends on or after the day it starts, and lasts {max_days} days at most."
        )


class UnknownCycleError(GoalsError):
    """There is no cycle with the id that the command names."""

    def __init__(self, cycle_id: UUID) -> None:
        super().__init__(f"There is no cycle {cycle_id}. Plan it first, or name another.")


class CycleNotOpenError(GoalsError):
    """The cycle takes no new objectives."""

    def __init__(self, state: CycleState) -> None:
        super().__init__(
            f"The cycle is {state}. Objectives are drafted in a planned or an active cycle."
        )


class CycleNotActiveError(GoalsError):
    """The cycle is not at a stage at which work begins, or is taken up again."""

    def __init__(self, state: CycleState) -> None:
        super().__init__(
            f"The objective's cycle is {state}. Work on an objective begins while its cycle is "
            "active, and is taken up again while it is active or being scored."
        )


class CycleLockedError(GoalsError):
    """What is in a closed cycle changes by corrections only, and these need a reason."""

    def __init__(self) -> None:
        super().__init__(
            "The cycle is closed. What is changed in it now is a correction, marked as made after "
            "closing: send it with a reason."
        )


class ObjectiveStateError(GoalsError):
    """The objective's state does not allow this step. `allowed` names those that it does."""

    def __init__(self, state: ObjectiveState, step: Step, allowed: Sequence[Step]) -> None:
        super().__init__(
            f"The objective is {state}, so one cannot {step.replace('_', ' ')}. "
            f"What can be done now: {_listed(allowed)}.",
            state=state,
            step=step,
            allowed=list(allowed),
        )


class ReasonRequiredError(GoalsError):
    """Nobody takes such a step without saying why."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs a reason.")


class NotApprovedError(GoalsError):
    """A proposed objective is worked on once it is approved."""

    def __init__(self) -> None:
        super().__init__(
            "The objective is proposed and waits for approval, by the owner of an objective that "
            "it is aligned to or by an administrator."
        )


class AlreadyApprovedError(GoalsError):
    """The proposal was approved before."""

    def __init__(self) -> None:
        super().__init__("The objective is approved already. Activate it once its cycle is active.")


class NothingChangesError(GoalsError):
    """The change would leave everything as it is."""

    def __init__(self) -> None:
        super().__init__("Nothing would change: what was sent is what stands already.")


class TooManyDelegatesError(GoalsError):
    """The bound on an objective's delegates is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An objective has {limit} delegates at most.")


class TooManyLabelsError(GoalsError):
    """The bound on an objective's labels is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An objective has {limit} labels at most.")


class AlreadyCarriedOverError(GoalsError):
    """The objective goes on as another one already."""

    def __init__(self, successor_id: UUID) -> None:
        super().__init__(
            f"The objective was carried over before, as {successor_id}.",
            successor_id=successor_id,
        )


class CarryOverCycleError(GoalsError):
    """An objective is carried over into a later cycle that still takes objectives."""

    def __init__(self) -> None:
        super().__init__(
            "Name a planned or an active cycle that starts after the objective's own has started."
        )


class NothingToCarryOverError(GoalsError):
    """Every key result has reached its target."""

    def __init__(self) -> None:
        super().__init__(
            "Every key result has reached its target. To go on, name at least one of them with "
            "a new target."
        )


class CheckInNotFoundError(GoalsError):
    """The objective has no check-in with that id."""

    def __init__(self, check_in_id: UUID) -> None:
        super().__init__(f"The objective has no check-in {check_in_id}.")


class CheckInValueError(GoalsError):
    """A check-in says how a key result stands in the way that its type is measured."""

    _WAYS: ClassVar[Mapping[KeyResultType, str]] = {
        "increase": "value, a number in its unit",
        "decrease": "value, a number in its unit",
        "maintain": "value, a number in its unit",
        "milestones": "milestones_done, the ids of all milestones that are done by then",
        "binary": "done, true or false",
    }

    def __init__(self, kind: KeyResultType) -> None:
        super().__init__(
            f"A key result of type {kind} is checked in on with {self._WAYS[kind]}.",
            key_result_type=kind,
        )


class MilestoneNotFoundError(GoalsError):
    """The key result has no milestone with that id."""

    def __init__(self, milestone_id: UUID) -> None:
        super().__init__(f"The key result has no milestone {milestone_id}.")


class OverrideRefusedError(GoalsError):
    """A score that is set by hand names a key result once, lies within 0 and 1, says why."""


class NoKeyResultsError(GoalsError):
    """An objective without key results cannot be worked on."""

    def __init__(self) -> None:
        super().__init__("The objective has no key result. Add at least one, then activate it.")


class TooManyKeyResultsError(GoalsError):
    """The bound on an objective's key results is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"An objective has {limit} key results at most (2 to 5 are good practice)."
        )


class KeyResultNotFoundError(GoalsError):
    """The objective has no key result with that id."""

    def __init__(self, key_result_id: UUID) -> None:
        super().__init__(f"The objective has no key result {key_result_id}.")


class KeyResultTypeFixedError(GoalsError):
    """The type is fixed once somebody or a KPI has said how the key result stands."""

    def __init__(self, kind: KeyResultType) -> None:
        super().__init__(
            f"The key result has been checked in on, so it stays of type {kind}. "
            "Add another key result instead.",
            key_result_type=kind,
        )


class LastKeyResultError(GoalsError):
    """An objective that is worked on keeps at least one key result."""

    def __init__(self) -> None:
        super().__init__("It is the active objective's only key result. Add another one first.")


class KeyResultHasChildrenError(GoalsError):
    """Objectives are aligned to the key result."""

    def __init__(self, children: Sequence[UUID]) -> None:
        super().__init__(
            f"{len(children)} objective(s) are aligned to the key result: unalign or realign them "
            "first.",
            aligned=list(children),
        )


class NotMeasurableByKpiError(GoalsError):
    """Only a number can follow a KPI."""

    def __init__(self, kind: KeyResultType) -> None:
        super().__init__(
            f"A key result of type {kind} has no number that a KPI could say. "
            "Link one of type increase, decrease or maintain.",
            key_result_type=kind,
        )


class KeyResultTargetError(GoalsError):
    """What is to be reached does not describe a way to go, a band, or a checklist."""


class NumberRefusedError(GoalsError):
    """A number is not finite, or not within its bounds."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field} is {allowed}.", field=field)


class NothingToScoreError(GoalsError):
    """All key results have the weight 0, so that they have no mean."""

    def __init__(self) -> None:
        super().__init__(
            "No key result has a weight above 0, so there is no score. Add one that counts."
        )


class RollUpTooLargeError(GoalsError):
    """More objectives contribute to the key results than are rolled up in one command."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"More than {limit} objectives contribute to key results without a value of their "
            "own. Check in on those key results, then close the objective."
        )


class EffectiveAtError(GoalsError):
    """The check-in would be true at a time at which it cannot be."""

    def __init__(self, *, earliest: datetime, latest: datetime) -> None:
        super().__init__(
            f"effective_at lies between {earliest.isoformat()}, when work in the cycle began, "
            f"and now, {latest.isoformat()}.",
            earliest=earliest,
            latest=latest,
        )


class OverrideReasonRequiredError(ReasonRequiredError):
    """The key result follows a KPI: overriding it takes a reason."""

    def __init__(self, kpi: str) -> None:
        super().__init__(
            f"The key result follows the KPI {kpi}. A check-in that overrides it until the next "
            "measurement"
        )
        self.extensions = {"kpi": kpi}


class UnknownParentError(GoalsError):
    """There is no objective, or no such key result of it, to align to."""

    def __init__(self, what: str, unknown_id: UUID) -> None:
        super().__init__(f"There is no {what} {unknown_id} to align to.")


class ParentClosedError(GoalsError):
    """What has ended takes no new children."""

    def __init__(self) -> None:
        super().__init__(
            "The parent is closed or abandoned, or its cycle is closed. "
            "Align to an objective that is worked on or will be."
        )


class AlignmentCircleError(GoalsError):
    """The alignment would make an objective its own ancestor."""

    def __init__(self) -> None:
        super().__init__(
            "The parent is the objective itself or aligned, directly or through others, to it. "
            "An objective is aligned only to what does not stand below it."
        )


class AlignmentDepthError(GoalsError):
    """More objectives stand above the parent than are checked for circles."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"More than {limit} objectives stand above the parent. Align to one higher up."
        )


class AlreadyAlignedError(GoalsError):
    """The same alignment exists."""

    def __init__(self) -> None:
        super().__init__("The objective is aligned there in the same way already.")


class NotAlignedError(GoalsError):
    """There is no such alignment to end."""

    def __init__(self) -> None:
        super().__init__("The objective is not aligned there. Its alignments are in its own data.")


class TooManyAlignmentsError(GoalsError):
    """The bound on an objective's parents is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An objective has {limit} alignments at most. Unalign one first.")


class CyclesApartError(GoalsError):
    """Child and parent belong to times that do not meet."""

    def __init__(self) -> None:
        super().__init__(
            "The cycles of the two objectives have no day in common. "
            "Align to an objective of a cycle that overlaps."
        )


class AlreadyLinkedError(GoalsError):
    """The key result follows that KPI in that way already."""

    def __init__(self, kpi: str) -> None:
        super().__init__(f"The key result follows the KPI {kpi} in this way already.", kpi=kpi)


class NotLinkedError(GoalsError):
    """There is no link to end."""

    def __init__(self) -> None:
        super().__init__("The key result follows no KPI. Link it first.")


class KpiUnknownError(GoalsError):
    """No KPI of that key has been heard of."""

    def __init__(self, kpi: str) -> None:
        super().__init__(
            f"No KPI {kpi} is known here (yet). Define it, or name the metrics position of its "
            "definition in Cairn-Min-Position to have it waited for.",
            kpi=kpi,
        )


class KpiRetiredError(GoalsError):
    """The KPI will not be measured again."""

    def __init__(self, kpi: str) -> None:
        super().__init__(f"The KPI {kpi} is retired. Link to one that is measured.", kpi=kpi)


def _listed(steps: Sequence[str]) -> str:
    return ", ".join(each.replace("_", " ") for each in steps)
