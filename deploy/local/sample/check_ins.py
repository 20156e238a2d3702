"""What people said of a key result, week by week, on its way through a quarter."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.goals import Status
from deploy.local.sample.noise import noise
from deploy.local.sample.plans import KeyResultPlan
from deploy.local.sample.quarters import Quarter

RHYTHM: Final = timedelta(weeks=1)

_MORNING: Final = timedelta(hours=9)
_LAST_EVENING: Final = timedelta(hours=7)  # before the quarter's end

# How far from the straight way a value may lie half way through, as a share of the whole way.
_DETOUR: Final = 0.08
# Bounds of what is done as a share of what was to be done by then.
_ON_TRACK: Final = 0.85
_AT_RISK: Final = 0.55

_COMMENTS: Final[dict[Status, str]] = {
    "on_track": "We are where we wanted to be by now.",
    "at_risk": "Slower than we thought. One of us has moved here from other work.",
    "off_track": "At this pace we will not get there. We decide on Thursday what to drop.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInPlan:
    """What is said of a key result: `confidence` is from 0 to 1; the comment may be empty."""

    value: float
    confidence: float
    status: Status
    comment: str
    effective_at: datetime

    def body(self) -> dict[str, object]:
        """The check-in as the goals service is told of it."""
        return {**asdict(self), "effective_at": self.effective_at.isoformat()}


def check_ins(key_result: KeyResultPlan, quarter: Quarter, until: datetime) -> list[CheckInPlan]:
    """Every check-in up to a moment, in order of time; none where nobody checks in."""
    said: list[CheckInPlan] = []
    if key_result.reached is None:
        return said
    for at in _moments(quarter, until):
        attained = _attained(key_result, key_result.reached, quarter, at)
        pace = attained / _expected(key_result, quarter, at)
        status = _status(pace)
        is_news = not said or said[-1].status != status
        said.append(
            CheckInPlan(
                value=_value(key_result, attained),
                confidence=_confidence(pace),
                status=status,
                comment=_COMMENTS[status] if is_news else "",
                effective_at=at,
            )
        )
    return said


def _moments(quarter: Quarter, until: datetime) -> Iterator[datetime]:
    """A morning a week, and the evening of the last day."""
    last = quarter.ends_at - _LAST_EVENING
    at = quarter.begins_at + RHYTHM + _MORNING
    while at <= min(until, last):
        yield at
        at += RHYTHM
    if last <= until:
        yield last


def _attained(key_result: KeyResultPlan, reached: float, quarter: Quarter, at: datetime) -> float:
    """The share of the way that is done: all that is reached at last, with detours before."""
    if at >= quarter.ends_at - _LAST_EVENING:
        return reached
    elapsed = quarter.elapsed(at)
    detour = _DETOUR * noise(key_result.title, at.isoformat()) * elapsed * (1 - elapsed) * 4
    return max(reached * elapsed + detour, 0.0)


def _value(key_result: KeyResultPlan, attained: float) -> float:
    way = key_result.target - key_result.baseline
    return round(key_result.baseline + attained * way, key_result.decimals)


def _expected(key_result: KeyResultPlan, quarter: Quarter, at: datetime) -> float:
    """The share that is to be done by then, more than 0: all of it when the key result is due."""
    if key_result.due_after is None:
        return quarter.elapsed(at)
    return min((at - quarter.begins_at) / key_result.due_after, 1.0)


def _status(pace: float) -> Status:
    if pace >= _ON_TRACK:
        return "on_track"
    return "at_risk" if pace >= _AT_RISK else "off_track"


def _confidence(pace: float) -> float:
    """Doubt what is behind, by as much as it is; nobody is ever quite sure."""
    return round(min(max(pace * 0.85, 0.05), 0.95), 2)
