"""Key results: how they are defined, and which value of theirs is the current one."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from contracts.goals import KeyResultType, KpiReading, Status
from contracts.progress import NO_TALLY, OwnSource, Tally, attained, done_share, within_band
from services.chassis.eventstore.context import Actor, LoggedEvent
from services.goals.domain.errors import (
    KeyResultTargetError,
    KeyResultTypeFixedError,
    MilestoneNotFoundError,
    NothingChangesError,
    NotMeasurableByKpiError,
    NumberRefusedError,
)
from services.goals.domain.events import (
    CheckInCorrected,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultMeasured,
    KeyResultRetargeted,
    KeyResultRevised,
    Milestone,
    PhasedTarget,
)

MAX_WEIGHT: Final = 1_000_000
MAX_MILESTONES: Final = 50
MAX_PHASED_TARGETS: Final = 60

# What of a definition says what is to be reached, and what only how it is called and counted.
_TARGET_FIELDS: Final = (
    "type",
    "baseline",
    "target",
    "stretch",
    "lower",
    "upper",
    "milestones",
    "phased_targets",
)
_WORDING_FIELDS: Final = ("title", "unit", "weight", "due_on")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentValue:
    """Where a key result stands: what said so, since when it is true, and its place in the log.

    `check_in_id` is the check-in that said so, None if a KPI did. Of a `maintain`, `position` is
    the place of the newest that was counted, which may have been about an earlier time.
    """

    value: float
    source: OwnSource
    as_of: datetime
    position: int
    check_in_id: UUID | None = None
    milestones_done: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """What somebody said of a key result; `corrected` if it was something else at first."""

    id: UUID
    value: float
    confidence: float | None
    status: Status | None
    comment: str
    effective_at: datetime
    by: Actor
    corrected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The KPI a key result follows, and what it takes of it."""

    kpi: str
    reading: KpiReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The last thing the followed KPI said: which period, and where in the metrics log.

    `in_band` is how that period was counted, None where nothing is maintained.
    """

    period_start: datetime
    period_end: datetime
    metrics_position: int
    definition: int | None = None
    in_band: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResult:
    """One measure of an objective's success, as it stands."""

    id: UUID
    added_at: datetime
    definition: Definition
    current: CurrentValue | None = None
    last_check_in: CheckIn | None = None
    link: Link | None = None
    measurement: Measurement | None = None
    tally: Tally = NO_TALLY

    @property
    def attained(self) -> float | None:
        """What it has attained by its own value, None without one; see `contracts.progress`."""
        if self.current is None:
            return None
        return attained(
            self.definition.type,
            self.current.value,
            baseline=self.definition.baseline,
            target=self.definition.target,
            tally=self.tally,
        )

    def checked_in(self, event: KeyResultCheckedIn, logged: LoggedEvent) -> "KeyResult":
        """The key result after a check-in; one about an earlier time only joins the history."""
        assert logged.recorded_at is not None
        assert logged.position is not None
        # A caller's clock ahead of ours must not outdate what is said right afterwards.
        effective_at = min(logged.context.effective_at, logged.recorded_at)
        last, current = self.last_check_in, self.current
        if last is None or effective_at >= last.effective_at:
            last = CheckIn(
                id=event.check_in_id,
                value=event.value,
                confidence=event.confidence,
                status=event.status,
                comment=event.comment,
                effective_at=effective_at,
                by=logged.context.actor,
            )
        if current is None or effective_at >= current.as_of:
            current = CurrentValue(
                value=event.value,
                source="manual",
                as_of=effective_at,
                position=logged.position,
                check_in_id=event.check_in_id,
                milestones_done=event.milestones_done,
            )
        elif self.definition.type == "maintain":
            current = replace(current, position=logged.position)
        tally = self._tally(event.value, instead_of=None)
        return replace(self, last_check_in=last, current=current, tally=tally)

    def corrected(self, event: CheckInCorrected, logged: LoggedEvent) -> "KeyResult":
        """The key result after a check-in was put right; an earlier one changes only the tally."""
        assert logged.position is not None
        last, current = self.last_check_in, self.current
        if last is not None and last.id == event.check_in_id:
            last = replace(
                last,
                value=event.value,
                confidence=event.confidence,
                status=event.status,
                comment=event.comment,
                corrected=True,
            )
        if current is not None and current.check_in_id == event.check_in_id:
            current = replace(
                current,
                value=event.value,
                position=logged.position,
                milestones_done=event.milestones_done,
            )
        elif current is not None and self.definition.type == "maintain":
            current = replace(current, position=logged.position)
        tally = self._tally(event.value, instead_of=self.definition.in_band(event.was))
        return replace(self, last_check_in=last, current=current, tally=tally)

    def measured(self, event: KeyResultMeasured, logged: LoggedEvent) -> "KeyResult":
        """The key result after a measurement, which is true until its period's end or now."""
        assert logged.position is not None
        last = self.measurement
        again = last is not None and last.period_start == event.period_start
        return replace(
            self,
            current=CurrentValue(
                value=event.value,
                source="kpi",
                as_of=min(event.period_end, logged.context.effective_at),
                position=logged.position,
            ),
            measurement=Measurement(
                period_start=event.period_start,
                period_end=event.period_end,
                metrics_position=event.metrics_position,
                definition=event.definition,
                in_band=self.definition.in_band(event.value),
            ),
            tally=self._tally(
                event.value, instead_of=last.in_band if last is not None and again else None
            ),
        )

    def revised(self, event: KeyResultRevised) -> "KeyResult":
        """The key result by its new name, unit, weight and due date."""
        wording = {name: getattr(event, name) for name in _WORDING_FIELDS}
        return replace(self, definition=replace(self.definition, **wording))

    def retargeted(self, event: KeyResultRetargeted) -> "KeyResult":
        """The key result with something else to reach; milestones that are gone are not done."""
        target = {name: getattr(event, name) for name in _TARGET_FIELDS}
        changed = replace(self, definition=replace(self.definition, **target))
        if event.type != "milestones" or changed.current is None:
            return changed
        known = {each.id for each in event.milestones}
        done = tuple(each for each in changed.current.milestones_done if each in known)
        value = changed.definition.done(done)
        return replace(changed, current=replace(changed.current, value=value, milestones_done=done))

    def _tally(self, value: float, *, instead_of: bool | None) -> Tally:
        in_band = self.definition.in_band(value)
        if in_band is None:
            return self.tally
        return self.tally.plus(in_band=in_band, instead_of=instead_of)


def define(definition: Definition, *, key_result_id: UUID) -> KeyResultAdded:
    """A new key result. Raises NumberRefusedError, KeyResultTargetError."""
    _require_definition(definition)
    return KeyResultAdded(
        key_result_id=key_result_id,
        **_fields(definition, _WORDING_FIELDS),
        **_fields(definition, _TARGET_FIELDS),
    )


def added(event: KeyResultAdded, logged: LoggedEvent) -> KeyResult:
    """The key result as it begins."""
    assert logged.recorded_at is not None
    return KeyResult(
        id=event.key_result_id,
        added_at=logged.recorded_at,
        definition=Definition(**_fields(event, _WORDING_FIELDS), **_fields(event, _TARGET_FIELDS)),
    )


def revise(key_result: KeyResult, wanted: Definition) -> KeyResultRevised:
    """Call and count it as `wanted` says. Raises NumberRefusedError, NothingChangesError."""
    require_weight(wanted.weight)
    wording = _fields(wanted, _WORDING_FIELDS)
    if wording == _fields(key_result.definition, _WORDING_FIELDS):
        raise NothingChangesError
    return KeyResultRevised(key_result_id=key_result.id, **wording)


def retarget(key_result: KeyResult, wanted: Definition) -> KeyResultRetargeted:
    """Have it reach what `wanted` says.

    Raises KeyResultTypeFixedError, NotMeasurableByKpiError, NumberRefusedError,
    KeyResultTargetError, NothingChangesError.
    """
    if wanted.type != key_result.definition.type and key_result.current is not None:
        raise KeyResultTypeFixedError(key_result.definition.type)
    if key_result.link is not None:
        require_number(wanted.type)
    _require_definition(wanted)
    target = _fields(wanted, _TARGET_FIELDS)
    if target == _fields(key_result.definition, _TARGET_FIELDS):
        raise NothingChangesError
    return KeyResultRetargeted(key_result_id=key_result.id, **target)


def require_number(kind: KeyResultType) -> None:
    """Raise NotMeasurableByKpiError unless a key result of this type stands at a number."""
    if kind in ("milestones", "binary"):
        raise NotMeasurableByKpiError(kind)


def require_weight(weight: float) -> None:
    """Raise NumberRefusedError unless the weight is one that can be counted with."""
    if not 0 <= weight <= MAX_WEIGHT:  # false for NaN as well
        raise NumberRefusedError("weight", f"a number from 0 (not counted) to {MAX_WEIGHT}")


def _fields(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}


def _require_definition(definition: Definition) -> None:
    _require_numbers(definition)
    _require_fields(definition)
    if definition.moves:
        _require_way(definition)
        _require_phases(definition)
    elif definition.type == "maintain":
        _require_band(definition)
    elif definition.type == "milestones":
        _require_checklist(definition)


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
    for field in _TARGET_FIELDS[1:]:
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
