"""The arithmetic of progress: pure functions, the same wherever a progress is computed.

Progress and expected progress are shares of 1; values, baselines, targets and bands are in the key
result's unit. What a key result has attained by its own value depends on its type:

    increase, decrease  (value - baseline) / (target - baseline), unclamped
    maintain            the share of its measured periods (or check-ins) that were in the band
    milestones          the weighted share that is done, which is its value
    binary              its value, 0 or 1

Its progress is that within [0, 1]; without a value of its own it is that of the children that
contribute to it. An objective's progress is the weighted mean over its key results and over the
children that contribute to it.
"""

import math
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from operator import mul
from typing import Final, Literal, NamedTuple, Protocol

from contracts.goals import (
    Ambition,
    KeyResultType,
    ObjectiveState,
    Status,
    Verdict,
)

Source = Literal["manual", "kpi", "aligned", "computed"]
OwnSource = Literal["manual", "kpi"]

# In which states an objective moves those it contributes to. What is not agreed on yet, or not
# worked on any more, says nothing about how far they are.
COUNTING_STATES: Final[frozenset[ObjectiveState]] = frozenset({"active", "closed"})

# A share that is mathematically 0.7 can come out as 0.6999999999999999; whoever reached the
# threshold must not be failed by the last bit.
_VERDICT_DECIMALS: Final = 9
_ACHIEVED: Final[dict[Ambition, float]] = {"committed": 1.0, "aspirational": 0.7}
_PARTIAL: Final = 0.4

# How far behind the expected progress is still on track, and how far is at risk.
ON_TRACK_PACE: Final = -0.1
AT_RISK_PACE: Final = -0.25

_ONE_DAY: Final = timedelta(days=1)

# Products of shares and weights below this may lose digits; scaled up they do not.
_SMALL_WEIGHT: Final = 2.0**-500
_SCALE_UP: Final = 500
_FEWEST_TO_MEAN: Final = 2

# Up to here the difference of two numbers cannot overflow.
_SAFE_MAGNITUDE: Final = 2.0**1022
_LARGEST: Final = Fraction(sys.float_info.max)


class Phase(Protocol):
    """Which value, in the key result's unit, is expected at the end of a day."""

    @property
    def on(self) -> date:
        """The day."""

    @property
    def value(self) -> float:
        """The value."""


class Part(NamedTuple):
    """What counts towards a mean: a progress (None: not known) and its weight (0: not counted).

    `position` is where in the goals log the newest value stands that the progress rests on; None
    while nobody has said any.
    """

    progress: float | None
    weight: float
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many periods (or check-ins) a `maintain` was measured in, and how many were in band."""

    measured: int = 0
    in_band: int = 0

    def plus(self, *, in_band: bool, instead_of: bool | None = None) -> "Tally":
        """The tally with one more; or with one told anew, which was `instead_of`.

        By a band that was moved meanwhile, that one may be judged otherwise than it was counted:
        there are never more in band than were measured, and never less than none.
        """
        measured = self.measured + (instead_of is None)
        counted = self.in_band + in_band - bool(instead_of)
        return Tally(measured, max(0, min(measured, counted)))


NO_TALLY: Final = Tally()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultProgress:
    """How far a key result is, and where the number comes from.

    `attainment` is unclamped (above 1: stretch, below 0: regress) and None without an own value.
    `position` is where in the goals log the newest value stands that `progress` rests on.
    """

    attainment: float | None
    progress: float
    source: Source
    position: int | None


def attainment(*, baseline: float, target: float, value: float) -> float:
    """The share of the way from `baseline` to `target` that `value` stands for, unclamped.

    All three are finite and `baseline != target`. The result is finite too: what no double can
    hold becomes the largest one.
    """
    if max(abs(baseline), abs(target), abs(value)) <= _SAFE_MAGNITUDE:
        ratio = (value - baseline) / (target - baseline)
        return max(-sys.float_info.max, min(sys.float_info.max, ratio))
    exact = (Fraction(value) - Fraction(baseline)) / (Fraction(target) - Fraction(baseline))
    return float(max(-_LARGEST, min(_LARGEST, exact)))


def attained(
    kind: KeyResultType,
    value: float,
    *,
    baseline: float | None,
    target: float | None,
    tally: Tally = NO_TALLY,
) -> float:
    """What a key result of this type has attained with its own value; see above.

    `increase` and `decrease` need baseline and target, `maintain` a tally of at least one.
    """
    if kind in ("increase", "decrease"):
        assert baseline is not None
        assert target is not None
        return attainment(baseline=baseline, target=target, value=value)
    if kind == "maintain":
        return tally.in_band / tally.measured
    return value


def within_band(value: float, *, lower: float | None, upper: float | None) -> bool:
    """Whether the value lies within the band, its bounds included; None bounds nothing."""
    return (lower is None or value >= lower) and (upper is None or value <= upper)


def done_share(milestones: Iterable[tuple[float, bool]]) -> float:
    """The weighted share of milestones that are done, given as (weight, done).

    Raises ZeroDivisionError when all of them weigh nothing, which no definition allows.
    """
    share = weighted_mean(Part(float(done), weight) for weight, done in milestones)
    if share is None:
        raise ZeroDivisionError("no milestone has a weight above 0")
    return share


def clamp(share: float) -> float:
    """`share` limited to [0, 1]."""
    return max(0.0, min(1.0, share))


def weighted_mean(parts: Iterable[Part]) -> float | None:
    """The mean of the known progresses with a weight above 0; None when there is none."""
    progresses, weights = [], []
    for progress, weight, _ in parts:
        if progress is not None and weight > 0:
            progresses.append(progress)
            weights.append(weight)
    if len(progresses) < _FEWEST_TO_MEAN:
        return progresses[0] if progresses else None
    # Only the ratios of weights matter, however small they are. A power of two scales exactly.
    if max(weights) < _SMALL_WEIGHT:
        weights = [math.ldexp(weight, _SCALE_UP) for weight in weights]
    mean = math.fsum(map(mul, progresses, weights)) / math.fsum(weights)
    # Rounding must not push a mean outside of what it is a mean of.
    return max(min(progresses), min(max(progresses), mean))


def newest_position(parts: Iterable[Part]) -> int | None:
    """Where the newest value stands that the weighted mean of the parts rests on, if any does."""
    counted = [
        position
        for progress, weight, position in parts
        if position is not None and progress is not None and weight > 0
    ]
    return max(counted, default=None)


def valued_progress(reached: float, source: OwnSource, position: int) -> KeyResultProgress:
    """The progress of a key result that has `reached` something by its own value."""
    return KeyResultProgress(
        attainment=reached, progress=clamp(reached), source=source, position=position
    )


def aligned_progress(children: Collection[Part]) -> KeyResultProgress:
    """The progress of a key result without a value of its own.

    It stands where the children that contribute to it stand; without those it has not moved.
    """
    aligned = weighted_mean(children)
    return KeyResultProgress(
        attainment=None,
        progress=0.0 if aligned is None else aligned,
        source="computed" if aligned is None else "aligned",
        position=newest_position(children),
    )


def expected_progress(*, starts_on: date, ends_on: date, at: datetime) -> float:
    """The share of the days from `starts_on` to `ends_on` that has passed at `at` (with zone).

    They last from 00:00 UTC of the first day to 00:00 UTC of the day after the last. A key result
    is expected to be done by its due date, or else by the end of its cycle.
    """
    return _expected(_midnight(starts_on), _end_of(ends_on), at)


def expected_by_phases(
    phases: Iterable[Phase],
    *,
    baseline: float,
    target: float,
    starts_on: date,
    ends_on: date,
    at: datetime,
) -> float:
    """The progress expected at `at`, on straight lines through the phased targets.

    The line begins with none at 00:00 UTC of `starts_on`, passes the progress of each phased
    target at the end of its day, and ends with all at the end of `ends_on`. `phases` are in order
    of their days. Those outside of these days count for nothing: a due date can have been moved.
    """
    start, end = _midnight(starts_on), _end_of(ends_on)
    stations = [
        (ends, clamp(attainment(baseline=baseline, target=target, value=each.value)))
        for each in phases
        if start < (ends := _end_of(each.on)) < end
    ]
    return _expected(start, end, at, stations)


def _expected(
    start: datetime, end: datetime, at: datetime, stations: Iterable[tuple[datetime, float]] = ()
) -> float:
    """On the line from 0 at `start` over the stations to 1 at `end`; before it 0, after it 1."""
    if at >= end:
        return 1.0
    if at <= start:
        return 0.0
    began, was = start, 0.0
    ends, share = end, 1.0
    for station in stations:
        if at < station[0]:
            ends, share = station
            break
        began, was = station
    return was + (share - was) * ((at - began) / (ends - began))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _end_of(day: date) -> datetime:
    # The calendar has no day after its last.
    return datetime.max.replace(tzinfo=UTC) if day == date.max else _midnight(day) + _ONE_DAY


def pace(progress: float | None, expected: float) -> float | None:
    """How far ahead of (positive) or behind the expected progress; None without a progress."""
    return None if progress is None else progress - expected


def computed_status(pace: float | None) -> Status | None:
    """What the pace says, beside what people say: on track down to -0.1, at risk to -0.25."""
    if pace is None:
        return None
    if pace >= ON_TRACK_PACE:
        return "on_track"
    return "at_risk" if pace >= AT_RISK_PACE else "off_track"


def verdict(*, ambition: Ambition, score: float) -> Verdict:
    """What a closing score means for that ambition."""
    rounded = round(score, _VERDICT_DECIMALS)
    if rounded >= _ACHIEVED[ambition]:
        return "achieved"
    return "partial" if rounded >= _PARTIAL else "missed"
