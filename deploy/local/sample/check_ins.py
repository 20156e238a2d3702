"""What people said of a key result, time after time, on its way through a period."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.goals import Status
from contracts.progress import expected_by_phases, expected_progress
from deploy.local.sample.measures import Change, Moment, Standing
from deploy.local.sample.periods import Period
from deploy.local.sample.plans import KeyResultPlan, Slip

_MORNING: Final = timedelta(hours=9)
_LAST_EVENING: Final = timedelta(hours=7)  # before the end of the period

# Bounds of what is done as a share of what was to be done by then.
_ON_TRACK: Final = 0.85
_AT_RISK: Final = 0.55

_COMMENTS: Final[dict[Status, str]] = {
    "on_track": "We are where we wanted to be by now.",
    "at_risk": "Slower than we thought. One of us has moved here from other work.",
    "off_track": "At this pace we will not get there. We decide on Thursday what to drop.",
}
_OUT_OF_BAND: Final = "Not within what we promised. We know why, and have written it down."
_IN_BAND_AGAIN: Final = "As it should be."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInPlan:
    """What is said of a key result: `confidence` is from 0 to 1; the comment may be empty.

    Where there is a slip, something else is said at first.
    """

    standing: Standing
    confidence: float
    status: Status
    comment: str
    effective_at: datetime
    slip: Slip | None = None

    def body(self, milestone_ids: Mapping[str, str]) -> dict[str, Any]:
        """The check-in as the goals service is first told of it; it knows milestones by ids."""
        at_first = self.standing if self.slip is None else self.slip.value
        said = self._statement(at_first, milestone_ids)
        return {**said, "effective_at": self.effective_at.isoformat()}

    def correction(self, milestone_ids: Mapping[str, str]) -> dict[str, Any] | None:
        """What puts it right, None where there is nothing to."""
        if self.slip is None:
            return None
        said = self._statement(self.standing, milestone_ids)
        return {**said, "reason": self.slip.reason}

    def _statement(self, standing: Standing, milestone_ids: Mapping[str, str]) -> dict[str, Any]:
        return {
            **_said(standing, milestone_ids),
            "confidence": self.confidence,
            "status": self.status,
            "comment": self.comment,
        }


def check_ins(key_result: KeyResultPlan, period: Period, until: datetime) -> list[CheckInPlan]:
    """Every check-in up to a moment, in order of time; none where nobody checks in."""
    said: list[CheckInPlan] = []
    if key_result.reached is None:
        return said
    measure = key_result.measure
    for at in _moments(period, until):
        moment = _moment(key_result, period, at)
        attained = measure.attained(key_result.reached, moment)
        pace = attained / _expected(key_result, period, at)
        status = _status(pace)
        is_news = not said or said[-1].status != status
        said.append(
            CheckInPlan(
                standing=measure.standing(attained, moment),
                confidence=_confidence(pace),
                status=status,
                comment=_comment(key_result, status) if is_news else "",
                effective_at=at,
                slip=key_result.slip if at == _last_evening(period) else None,
            )
        )
    return said


def _said(standing: Standing, milestone_ids: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(standing, bool):
        return {"done": standing}
    if isinstance(standing, tuple):
        return {"milestones_done": [milestone_ids[title] for title in standing]}
    return {"value": standing}


def _moments(period: Period, until: datetime) -> Iterator[datetime]:
    """A morning as often as people check in, and the evening of the last day."""
    last = _last_evening(period)
    at = period.begins_at + period.between_check_ins + _MORNING
    while at <= min(until, last):
        yield at
        at += period.between_check_ins
    if last <= until:
        yield last


def _moment(key_result: KeyResultPlan, period: Period, at: datetime) -> Moment:
    elapsed = 1.0 if at == _last_evening(period) else period.elapsed(at)
    return Moment(f"{key_result.title}|{at.isoformat()}", elapsed)


def _last_evening(period: Period) -> datetime:
    return period.ends_at - _LAST_EVENING


def _expected(key_result: KeyResultPlan, period: Period, at: datetime) -> float:
    """The share that is to be done by then, more than 0: all of it when the key result is due."""
    measure = key_result.measure
    due_on = key_result.due_on(period) or period.ends_on
    if isinstance(measure, Change):
        return expected_by_phases(
            measure.phased_targets(period.starts_on),
            baseline=measure.baseline,
            target=measure.target,
            starts_on=period.starts_on,
            ends_on=due_on,
            at=at,
        )
    return expected_progress(starts_on=period.starts_on, ends_on=due_on, at=at)


def _status(pace: float) -> Status:
    if pace >= _ON_TRACK:
        return "on_track"
    return "at_risk" if pace >= _AT_RISK else "off_track"


def _comment(key_result: KeyResultPlan, status: Status) -> str:
    if key_result.measure.type != "maintain":
        return _COMMENTS[status]
    return _IN_BAND_AGAIN if status == "on_track" else _OUT_OF_BAND


def _confidence(pace: float) -> float:
    """Doubt what is behind, by as much as it is; nobody is ever quite sure."""
    return round(min(max(pace * 0.85, 0.05), 0.95), 2)
