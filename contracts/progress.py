"""The arithmetic of progress: pure functions, the same wherever a progress is computed.

Progress and expected progress are shares of 1; values, baselines and targets are in the key
result's unit. An objective's progress is the weighted mean over its key results and over the
children that contribute to it; a key result without a value of its own takes that of the children
that contribute to it.
"""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final, Literal

from contracts.goals import Ambition, Verdict

Source = Literal["manual", "kpi", "aligned", "computed"]
OwnSource = Literal["manual", "kpi"]

# A share that is mathematically 0.7 can come out as 0.6999999999999999; whoever reached the
# threshold must not be failed by the last bit.
_VERDICT_DECIMALS: Final = 9
_ACHIEVED: Final[dict[Ambition, float]] = {"committed": 1.0, "aspirational": 0.7}
_PARTIAL: Final = 0.4

# Up to here the difference of two numbers cannot overflow.
_SAFE_MAGNITUDE: Final = 2.0**1022
_LARGEST: Final = Fraction(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class Part:
    """What counts towards a mean: a progress (None: not known) and its weight (0: not counted)."""

    progress: float | None
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultProgress:
    """How far a key result is, and where the number comes from.

    `attainment` is unclamped (above 1: stretch, below 0: regress) and None without an own value.
    """

    attainment: float | None
    progress: float
    source: Source


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


def clamp(share: float) -> float:
    """`share` limited to [0, 1]."""
    return max(0.0, min(1.0, share))


def weighted_mean(parts: Iterable[Part]) -> float | None:
    """The mean of the known progresses with a weight above 0; None when there is none."""
    counted = [(p.progress, p.weight) for p in parts if p.progress is not None and p.weight > 0]
    if not counted:
        return None
    # Only the ratios of weights matter, however small they are. A power of two scales exactly.
    _, exponent = math.frexp(max(weight for _, weight in counted))
    shares = [math.ldexp(weight, -exponent) for _, weight in counted]
    total = math.fsum(p * share for (p, _), share in zip(counted, shares, strict=True))
    mean = total / math.fsum(shares)
    # Rounding must not push a mean outside of what it is a mean of.
    progresses = [p for p, _ in counted]
    return max(min(progresses), min(max(progresses), mean))


def key_result_progress(
    *,
    baseline: float,
    target: float,
    value: float | None,
    source: OwnSource = "manual",
    children: Iterable[Part] = (),
) -> KeyResultProgress:
    """The progress of an increasing or decreasing key result.

    Its own value comes first; without one it stands where the children that contribute to it
    stand; without those it has not moved.
    """
    if value is not None:
        reached = attainment(baseline=baseline, target=target, value=value)
        return KeyResultProgress(attainment=reached, progress=clamp(reached), source=source)
    aligned = weighted_mean(children)
    if aligned is not None:
        return KeyResultProgress(attainment=None, progress=aligned, source="aligned")
    return KeyResultProgress(attainment=None, progress=0.0, source="computed")


def expected_progress(*, starts_on: date, ends_on: date, at: datetime) -> float:
    """The share of a cycle that has passed at `at` (with zone), linear and within [0, 1].

    The cycle lasts from 00:00 UTC of its first day to 00:00 UTC of the day after its last.
    """
    start = datetime.combine(starts_on, time.min, UTC)
    end = datetime.combine(ends_on, time.min, UTC) + timedelta(days=1)
    return clamp((at - start) / (end - start))


def pace(progress: float | None, expected: float) -> float | None:
    """How far ahead of (positive) or behind the expected progress; None without a progress."""
    return None if progress is None else progress - expected


def verdict(*, ambition: Ambition, score: float) -> Verdict:
    """What a closing score means for that ambition."""
    rounded = round(score, _VERDICT_DECIMALS)
    if rounded >= _ACHIEVED[ambition]:
        return "achieved"
    return "partial" if rounded >= _PARTIAL else "missed"
