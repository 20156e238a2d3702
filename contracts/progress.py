"""The arithmetic of progress: pure functions, the same wherever a progress is computed.

Progress and expected progress are shares of 1; values, baselines and targets are in the key
result's unit. The formulas are those of the section "Arithmetic" in ARCHITECTURE.md.
"""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from graphlib import TopologicalSorter
from typing import Final, Literal
from uuid import UUID

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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultStanding:
    """A key result as a roll-up needs it: `value` is None when nobody and nothing measured it."""

    id: UUID
    baseline: float
    target: float
    weight: float
    value: float | None = None
    source: OwnSource = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveStanding:
    """An objective as a roll-up needs it.

    `counts` is true for active and closed objectives: only those contribute to a parent.
    """

    id: UUID
    counts: bool
    key_results: tuple[KeyResultStanding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A `contributes` alignment: the child feeds the objective or, if named, its key result."""

    child: UUID
    parent: UUID
    parent_key_result: UUID | None
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveProgress:
    """An objective's progress (None: nothing countable) and that of each of its key results."""

    progress: float | None
    key_results: Mapping[UUID, KeyResultProgress]


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


def roll_up(
    objectives: Mapping[UUID, ObjectiveStanding], contributions: Sequence[Contribution]
) -> dict[UUID, ObjectiveProgress]:
    """The progress of every objective given, each computed after the children that feed it.

    Contributions from or to objectives that are not given, or from children that do not count,
    are left out. Raises graphlib.CycleError when the contributions form a cycle.
    """
    feeding: dict[UUID, list[Contribution]] = {objective: [] for objective in objectives}
    for edge in contributions:
        if edge.parent in objectives and edge.child in objectives and objectives[edge.child].counts:
            feeding[edge.parent].append(edge)
    children_first = TopologicalSorter(
        {parent: [edge.child for edge in edges] for parent, edges in feeding.items()}
    )
    done: dict[UUID, ObjectiveProgress] = {}
    for objective in children_first.static_order():
        done[objective] = _objective_progress(objectives[objective], feeding[objective], done)
    return done


def _objective_progress(
    standing: ObjectiveStanding,
    edges: Iterable[Contribution],
    done: Mapping[UUID, ObjectiveProgress],
) -> ObjectiveProgress:
    fed: dict[UUID | None, list[Part]] = {}
    for edge in edges:
        part = Part(done[edge.child].progress, edge.weight)
        fed.setdefault(edge.parent_key_result, []).append(part)
    key_results = {
        kr.id: key_result_progress(
            baseline=kr.baseline,
            target=kr.target,
            value=kr.value,
            source=kr.source,
            children=fed.get(kr.id, ()),
        )
        for kr in standing.key_results
    }
    own = [Part(key_results[kr.id].progress, kr.weight) for kr in standing.key_results]
    return ObjectiveProgress(
        progress=weighted_mean([*own, *fed.get(None, ())]), key_results=key_results
    )
