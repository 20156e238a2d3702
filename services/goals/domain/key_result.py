"""Key results: which value of theirs is the current one, and what can be changed about them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.goals import KpiReading, Status
from contracts.progress import NO_TALLY, OwnSource, Tally, attained
from services.chassis.eventstore.context import Actor, LoggedEvent
from services.goals.domain.definition import (
    TARGET_FIELDS,
    WORDING_FIELDS,
    Definition,
    require_definition,
    require_number,
    require_weight,
)
from services.goals.domain.errors import KeyResultTypeFixedError, NothingChangesError
from services.goals.domain.events import (
    CheckInCorrected,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultMeasured,
    KeyResultRetargeted,
    KeyResultRevised,
)


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
        wording = {name: getattr(event, name) for name in WORDING_FIELDS}
        return replace(self, definition=replace(self.definition, **wording))

    def retargeted(self, event: KeyResultRetargeted) -> "KeyResult":
        """The key result with something else to reach; milestones that are gone are not done."""
        target = {name: getattr(event, name) for name in TARGET_FIELDS}
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
    require_definition(definition)
    return KeyResultAdded(
        key_result_id=key_result_id,
        **_fields(definition, WORDING_FIELDS),
        **_fields(definition, TARGET_FIELDS),
    )


def added(event: KeyResultAdded, logged: LoggedEvent) -> KeyResult:
    """The key result as it begins."""
    assert logged.recorded_at is not None
    return KeyResult(
        id=event.key_result_id,
        added_at=logged.recorded_at,
        definition=Definition(**_fields(event, WORDING_FIELDS), **_fields(event, TARGET_FIELDS)),
    )


def revise(key_result: KeyResult, wanted: Definition) -> KeyResultRevised:
    """Call and count it as `wanted` says. Raises NumberRefusedError, NothingChangesError."""
    require_weight(wanted.weight)
    wording = _fields(wanted, WORDING_FIELDS)
    if wording == _fields(key_result.definition, WORDING_FIELDS):
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
    require_definition(wanted)
    target = _fields(wanted, TARGET_FIELDS)
    if target == _fields(key_result.definition, TARGET_FIELDS):
        raise NothingChangesError
    return KeyResultRetargeted(key_result_id=key_result.id, **target)


def _fields(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}
