"""What each event makes of a key result's row: pure, and without any roll-up."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from contracts import goals
from contracts.progress import NO_TALLY, Tally, attained, clamp, done_share, within_band
from services.projections.okrs.rows import KeyResult, Measurement, Milestone, PhasedTarget
from services.projections.read_model import CannotApplyError


def added(event: goals.KeyResultAdded) -> KeyResult:
    """The key result as it begins. Raises CannotApplyError."""
    return KeyResult(
        key_result_id=event.key_result_id,
        objective_id=event.objective_id,
        title=event.title,
        unit=event.unit,
        weight=event.weight,
        due_on=event.due_on,
        tally=NO_TALLY if event.type == "maintain" else None,
        **_target(event, done=()),
    )


def revised(before: KeyResult, event: goals.KeyResultRevised) -> KeyResult:
    """The key result by its new name, unit, weight and due date."""
    return replace(
        before, title=event.title, unit=event.unit, weight=event.weight, due_on=event.due_on
    )


def retargeted(before: KeyResult, event: goals.KeyResultRetargeted) -> KeyResult:
    """The key result with something else to reach; milestones that are gone are not done.

    What was counted by the band of its time stays counted. Raises CannotApplyError.
    """
    changes = _target(event, done=[each.id for each in before.milestones if each.done])
    if event.type != before.type:
        changes["tally"] = NO_TALLY if event.type == "maintain" else None
    if event.type == "milestones" and before.value is not None:
        changes["value"] = done_share((each.weight, each.done) for each in changes["milestones"])
    return _reckoned(replace(before, **changes))


def checked_in(before: KeyResult, event: goals.KeyResultCheckedIn, position: int) -> KeyResult:
    """The key result after a check-in; one about an earlier time only joins what was counted."""
    # A caller's clock ahead of ours must not outdate what is said right afterwards.
    true_at = min(event.context.effective_at, event.context.recorded_at)
    changes = _counted(before, event.value, position)
    if before.checked_in_at is None or true_at >= before.checked_in_at:
        changes |= {
            "checked_in_at": true_at,
            "last_check_in_id": event.check_in_id,
            "confidence": event.confidence,
            "status": event.status,
        }
    if before.value_at is None or true_at >= before.value_at:
        changes |= {
            **_said(before, event, position),
            "value_at": true_at,
            "check_in_id": event.check_in_id,
            "source": "manual",
        }
    return _reckoned(replace(before, **changes))


def corrected(before: KeyResult, event: goals.CheckInCorrected, position: int) -> KeyResult:
    """The key result after a check-in was put right, which changes what still stands of it."""
    was_in_band = _within(before, event.was)
    changes = _counted(before, event.value, position, instead_of=was_in_band)
    if event.check_in_id == before.last_check_in_id:
        changes |= {"confidence": event.confidence, "status": event.status}
    if event.check_in_id == before.check_in_id:
        changes |= _said(before, event, position)
    return _reckoned(replace(before, **changes))


def linked(before: KeyResult, event: goals.KeyResultLinked) -> KeyResult:
    """The key result once it follows a KPI."""
    return replace(before, kpi=event.kpi, kpi_reading=event.reading)


def unlinked(before: KeyResult, _: goals.KeyResultUnlinked) -> KeyResult:
    """The key result once it follows none: its value stays, and a new link counts anew."""
    return replace(before, kpi=None, kpi_reading=None, measurement=None)


def measured(before: KeyResult, event: goals.KeyResultMeasured, position: int) -> KeyResult:
    """The key result after a measurement, which is true until its period's end, or now."""
    last = before.measurement
    again = last is not None and last.period_start == event.period_start
    measurement = Measurement(
        period_start=event.period_start,
        period_end=event.period_end,
        metrics_position=event.metrics_position,
        definition=event.definition,
        in_band=_within(before, event.value),
    )
    after = replace(
        before,
        value=event.value,
        value_at=min(event.period_end, event.context.effective_at),
        check_in_id=None,
        source="kpi",
        position=position,
        measurement=measurement,
        tally=_tally(before, event.value, instead_of=last.in_band if last and again else None),
    )
    return _reckoned(after)


def scored(before: KeyResult, score: goals.KeyResultScore) -> KeyResult:
    """The key result with what it scored."""
    return replace(before, score=score.score, computed_score=score.computed)


def unscored(before: KeyResult) -> KeyResult:
    """The key result once its score is void."""
    return replace(before, score=None, computed_score=None)


def _target(
    event: goals.KeyResultAdded | goals.KeyResultRetargeted, *, done: Collection[UUID]
) -> dict[str, Any]:
    """What is to be reached, with these milestones done. Raises CannotApplyError."""
    if event.type in ("increase", "decrease"):
        if event.baseline is None or event.target is None or event.baseline == event.target:
            raise CannotApplyError("the key result has no way from its baseline to its target")
    elif event.type == "milestones" and not any(each.weight for each in event.milestones):
        raise CannotApplyError("the key result has no milestone that counts")
    return {
        "type": event.type,
        "baseline": event.baseline,
        "target": event.target,
        "stretch": event.stretch,
        "lower": event.lower,
        "upper": event.upper,
        "milestones": tuple(
            Milestone(each.id, each.title, each.weight, each.id in done)
            for each in event.milestones
        ),
        "phased_targets": tuple(PhasedTarget(each.on, each.value) for each in event.phased_targets),
    }


def _said(
    before: KeyResult, event: goals.KeyResultCheckedIn | goals.CheckInCorrected, position: int
) -> dict[str, Any]:
    """The value that a check-in gives, and what is done by it."""
    changes: dict[str, Any] = {"value": event.value, "position": position}
    if before.milestones:
        changes["milestones"] = tuple(
            replace(each, done=each.id in event.milestones_done) for each in before.milestones
        )
    return changes


def _counted(
    before: KeyResult, value: float, position: int, *, instead_of: bool | None = None
) -> dict[str, Any]:
    """What a value counts for where something is maintained, whatever time it is about."""
    tally = _tally(before, value, instead_of=instead_of)
    return {} if tally is None else {"tally": tally, "position": position}


def _reckoned(key_result: KeyResult) -> KeyResult:
    """The key result with all that follows from its own value, if it has one."""
    if key_result.value is None:
        return key_result
    reached = attained(
        key_result.type,
        key_result.value,
        baseline=key_result.baseline,
        target=key_result.target,
        tally=key_result.tally or NO_TALLY,
    )
    return replace(
        key_result,
        attainment=reached,
        progress=clamp(reached),
        in_band=_within(key_result, key_result.value),
    )


def _tally(before: KeyResult, value: float, *, instead_of: bool | None = None) -> Tally | None:
    """What was counted, with this value; None where nothing is maintained."""
    in_band = _within(before, value)
    if in_band is None:
        return None
    return (before.tally or NO_TALLY).plus(in_band=in_band, instead_of=instead_of)


def _within(key_result: KeyResult, value: float) -> bool | None:
    """Whether the value lies in the band; None where nothing is maintained."""
    if key_result.type != "maintain":
        return None
    return within_band(value, lower=key_result.lower, upper=key_result.upper)
