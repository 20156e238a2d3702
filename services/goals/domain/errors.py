"""Why a command is refused, in the domain's words: each text says what is allowed instead."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

CycleState = Literal["planned", "active", "scoring", "closed"]
ObjectiveState = Literal["draft", "active", "closed"]


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


class AdminRequiredError(NotAllowedError):
    """Only administrators change what belongs to the whole company."""


class CycleStateError(GoalsError):
    """The cycle's state does not allow this step."""

    _NEXT: Mapping[CycleState, str] = {
        "planned": "activate it",
        "active": "start scoring",
        "scoring": "close it, once no objective in it is active",
        "closed": "read it",
    }

    def __init__(self, state: CycleState) -> None:
        super().__init__(f"The cycle is {state}. What can be done now: {self._NEXT[state]}.")


class CycleDatesError(GoalsError):
    """The cycle would end before it starts, or last too long."""

    def __init__(self, *, max_days: int) -> None:
        super().__init__(
            f"A cycle ends on or after the day it starts, and lasts {max_days} days at most."
        )


class ActiveObjectivesLeftError(GoalsError):
    """The cycle cannot be locked while work goes on in it."""

    def __init__(self, active: int) -> None:
        super().__init__(
            f"{active} objective(s) of the cycle are active: close them first.", active=active
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
    """Work on an objective begins only in an active cycle."""

    def __init__(self, state: CycleState) -> None:
        super().__init__(
            f"The objective's cycle is {state}. An objective is activated while it is active."
        )


class CycleLockedError(GoalsError):
    """A closed cycle and what is in it no longer change."""

    def __init__(self) -> None:
        super().__init__("The objective's cycle is closed. What is in it can only be read.")


class ObjectiveStateError(GoalsError):
    """The objective's state does not allow this step."""

    _POSSIBLE: Mapping[ObjectiveState, str] = {
        "draft": "add key results, align it, link key results to KPIs, activate it",
        "active": "check in, add key results, align it, link key results to KPIs, close it",
        "closed": "read it",
    }

    def __init__(self, state: ObjectiveState) -> None:
        super().__init__(
            f"The objective is {state}. What can be done now: {self._POSSIBLE[state]}."
        )


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


class KeyResultTypeUnsupportedError(GoalsError):
    """Key results of this type cannot be defined."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"Key results of type {given} are not supported. Use increase or decrease.",
            supported=["increase", "decrease"],
        )


class KeyResultTargetError(GoalsError):
    """Baseline, target and stretch do not describe a way to go."""


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


class ReasonRequiredError(GoalsError):
    """The key result follows a KPI: overriding it takes a reason."""

    def __init__(self, kpi: str) -> None:
        super().__init__(
            f"The key result follows the KPI {kpi}. A check-in overrides it until the next "
            "measurement, and needs a reason.",
            kpi=kpi,
        )


class UnknownParentError(GoalsError):
    """There is no objective, or no such key result of it, to align to."""

    def __init__(self, what: str, unknown_id: UUID) -> None:
        super().__init__(f"There is no {what} {unknown_id} to align to.")


class ParentClosedError(GoalsError):
    """A closed objective takes no new children."""

    def __init__(self) -> None:
        super().__init__("The parent is closed. Align to an objective that is draft or active.")


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
        super().__init__("The objective is aligned there already. Unalign it first to change how.")


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
    """A key result follows one KPI at a time."""

    def __init__(self, kpi: str) -> None:
        super().__init__(f"The key result follows the KPI {kpi}. Unlink it first.", kpi=kpi)


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
