"""What a key result is to reach: the five types, which fields each has, and what these may be."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final
from uuid import UUID

from contracts.goals import KeyResultType
from contracts.progress import done_share, within_band
from services.goals.domain.errors import (
    KeyResultTargetError,
    MilestoneNotFoundError,
    NotMeasurableByKpiError,
    NumberRefusedError,
)
from services.goals.domain.events import Milestone, PhasedTarget

MAX_WEIGHT: Final = 1_000_000
MAX_MILESTONES: Final = 50
MAX_PHASED_TARGETS: Final = 60

# What of a definition says what is to be reached, and what only how it is called and counted.
TARGET_FIELDS: Final = (
    "type",
    "baseline",
    "target",
    "stretch",
    "lower",
    "upper",
    "milestones",
    "phased_targets",
)
WORDING_FIELDS: Final = ("title", "unit", "weight", "due_on")

# Which fields a type has; the others are refused, so that nothing is said that means nothing.
_FIELDS_OF: Final[Mapping[KeyResultType, frozenset[str]]] = {
    "increase": frozenset({"baseline", "target", "stretch", "phased_targets"}),
    "decrease": frozenset({"baseline", "target", "stretch", "phased_targets"}),
    "maintain": frozenset({"lower", "upper"}),
    "milestones": frozenset({"milestones"}),
    "binary": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a key result is to reach, and how it is called and counted.

    `baseline`, `target`, `stretch`, `lower`, `upper` and phased targets are in `unit`; which of
    them there are depends on the type.
    """

    title: str
    type: KeyResultType
    baseline: float | None = None
    target: float | None = None
    stretch: float | None = None
    lower: float | None = None
    upper: float | None = None
    milestones: tuple[Milestone, ...] = ()
    phased_targets: tuple[PhasedTarget, ...] = ()
    unit: str = ""
    weight: float = 1.0
    due_on: date | None = None

    @property
    def moves(self) -> bool:
        """Whether it goes from a baseline to a target."""
        return self.type in ("increase", "decrease")

    def in_band(self, value: float) -> bool | None:
        """Whether the value lies in the band that is maintained; None for the other types."""
        if self.type != "maintain":
            return None
        return within_band(value, lower=self.lower, upper=self.upper)

    def done(self, milestone_ids: Iterable[UUID]) -> float:
        """The weighted share of its milestones that these are. Raises MilestoneNotFoundError."""
        done = set(milestone_ids)
        unknown = done - {each.id for each in self.milestones}
        if unknown:
            raise MilestoneNotFoundError(min(unknown))
        return done_share((each.weight, each.id in done) for each in self.milestones)


def require_definition(definition: Definition) -> None:
    """Raise NumberRefusedError or KeyResultTargetError unless it can be counted with."""
    _require_numbers(definition)
    _require_fields(definition)
    if definition.moves:
        _require_way(definition)
        _require_phases(definition)
    elif definition.type == "maintain":
        _require_band(definition)
    elif definition.type == "milestones":
        _require_checklist(definition)


def require_number(kind: KeyResultType) -> None:
    """Raise NotMeasurableByKpiError unless a key result of this type stands at a number."""
    if kind in ("milestones", "binary"):
        raise NotMeasurableByKpiError(kind)


def require_weight(weight: float) -> None:
    """Raise NumberRefusedError unless the weight is one that can be counted with."""
    if not 0 <= weight <= MAX_WEIGHT:  # false for NaN as well
        raise NumberRefusedError("weight", f"a number from 0 (not counted) to {MAX_WEIGHT}")


def _require_numbers(definition: Definition) -> None:
    for field in ("baseline", "target", "stretch", "lower", "upper"):
        number = getattr(definition, field)
        if number is not None and not math.isfinite(number):
            raise NumberRefusedError(field, "a finite number")
    for phase in definition.phased_targets:
        if not math.isfinite(phase.value):
            raise NumberRefusedError("phased_targets", "a list of finite numbers by day")
    for milestone in definition.milestones:
        require_weight(milestone.weight)
    require_weight(definition.weight)


def _require_fields(definition: Definition) -> None:
    allowed = _FIELDS_OF[definition.type]
    for field in TARGET_FIELDS[1:]:
        if field not in allowed and getattr(definition, field) not in (None, ()):
            raise KeyResultTargetError(
                f"A key result of type {definition.type} has no {field}.", field=field
            )


def _require_way(definition: Definition) -> None:
    baseline, target, stretch = definition.baseline, definition.target, definition.stretch
    if baseline is None or target is None:
        raise KeyResultTargetError(
            f"A key result of type {definition.type} goes from a baseline to a target: name both."
        )
    if baseline == target:
        raise KeyResultTargetError("Baseline and target are equal: choose a target to move to.")
    increases = target > baseline
    if increases != (definition.type == "increase"):
        raise KeyResultTargetError(
            "The target of an increase lies above its baseline, that of a decrease below."
        )
    if stretch is not None and (stretch < target if increases else stretch > target):
        raise KeyResultTargetError("A stretch lies beyond the target, seen from the baseline.")


def _require_phases(definition: Definition) -> None:
    days = [each.on for each in definition.phased_targets]
    if len(days) > MAX_PHASED_TARGETS:
        raise KeyResultTargetError(f"A key result has {MAX_PHASED_TARGETS} phased targets at most.")
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise KeyResultTargetError("Phased targets are in the order of their days, one a day.")
    if days and definition.due_on is not None and days[-1] >= definition.due_on:
        raise KeyResultTargetError("Phased targets lie before the due date, which has the target.")


def _require_band(definition: Definition) -> None:
    lower, upper = definition.lower, definition.upper
    if lower is None and upper is None:
        raise KeyResultTargetError("To maintain something takes lower, upper, or both.")
    if lower is not None and upper is not None and lower > upper:
        raise KeyResultTargetError("The lower end of a band lies below its upper end.")


def _require_checklist(definition: Definition) -> None:
    milestones = definition.milestones
    if not 1 <= len(milestones) <= MAX_MILESTONES:
        raise KeyResultTargetError(f"A checklist has 1 to {MAX_MILESTONES} milestones.")
    if len({each.id for each in milestones}) < len(milestones):
        raise KeyResultTargetError("Each milestone of a checklist is in it once.")
    if not any(each.weight > 0 for each in milestones):
        raise KeyResultTargetError("At least one milestone has a weight above 0.")
