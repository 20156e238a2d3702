"""How the sample company's key results are measured: one class for each type of key result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from contracts.goals import KeyResultType, PhasedTarget
from deploy.local.sample.noise import happens, noise

# How far from the straight way a value may lie half way through, as a share of the whole way.
_DETOUR = 0.08
# Sums of weights like a tenth and two tenths are a little more than three tenths.
_TOLERANCE = 1e-9

# A number in the key result's unit; whether it is done; or the titles of the milestones that are.
Standing = float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a key result is looked at: a name of its own, and which share of the time is over."""

    name: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a change is expected to be so long after the first day."""

    after: timedelta
    value: float


@dataclass(frozen=True, slots=True)
class Change:
    """A way from `baseline` to `target`, for some to a `stretch`; rounded to `decimals`."""

    baseline: float
    target: float
    stretch: float | None = None
    decimals: int = 0
    phases: tuple[Phase, ...] = ()

    @property
    def type(self) -> KeyResultType:
        """Which way it goes."""
        return "increase" if self.target > self.baseline else "decrease"

    def definition(self, starts_on: date) -> dict[str, Any]:
        """Its part of what the goals service is told of the key result."""
        return {
            "baseline": self.baseline,
            "target": self.target,
            "stretch": self.stretch,
            "phased_targets": [
                {"on": each.on.isoformat(), "value": each.value}
                for each in self.phased_targets(starts_on)
            ],
        }

    def phased_targets(self, starts_on: date) -> list[PhasedTarget]:
        """Its phases by their days."""
        return [PhasedTarget(on=starts_on + each.after, value=each.value) for each in self.phases]

    def attained(self, reached: float, moment: Moment) -> float:
        """The share of the way that is done: all that is reached at last, detours before."""
        left = 1 - moment.elapsed
        detour = _DETOUR * noise(moment.name) * moment.elapsed * left * 4
        return max(reached * moment.elapsed + detour, 0.0)

    def standing(self, attained: float, _: Moment) -> Standing:
        """The value there."""
        return round(self.baseline + attained * (self.target - self.baseline), self.decimals)


@dataclass(frozen=True, slots=True)
class Band:
    """Values that stay at or above `lower` and at or below `upper`, by about `room`."""

    lower: float | None = None
    upper: float | None = None
    room: float = 1.0
    decimals: int = 0

    type: ClassVar[KeyResultType] = "maintain"

    def definition(self, _: date) -> dict[str, Any]:
        """See Change."""
        return {"lower": self.lower, "upper": self.upper}

    def attained(self, reached: float, moment: Moment) -> float:
        """A part, when it is one of the times at which it fails; else all there is to attain."""
        return moment.elapsed * (1.0 if happens(reached, moment.name) else 0.6)

    def standing(self, attained: float, moment: Moment) -> Standing:
        """A value on the right side of the bound; on the wrong side when it fails."""
        side = 1 if attained >= moment.elapsed else -1
        # At least a tenth of the room, so that rounding leaves it on its side.
        by = side * self.room * max(abs(noise(moment.name)), 0.1)
        if self.lower is not None:
            return round(self.lower + by, self.decimals)
        assert self.upper is not None, "a band has a bound"
        return round(self.upper - by, self.decimals)


@dataclass(frozen=True, slots=True)
class Checklist:
    """Milestones by their titles, with their weights, in the order in which they get done."""

    milestones: Mapping[str, float]

    type: ClassVar[KeyResultType] = "milestones"

    def definition(self, _: date) -> dict[str, Any]:
        """See Change."""
        return {
            "milestones": [
                {"title": title, "weight": weight} for title, weight in self.milestones.items()
            ]
        }

    def attained(self, reached: float, moment: Moment) -> float:
        """The share of the work that is done, the milestone that is worked on included."""
        return reached * moment.elapsed

    def standing(self, attained: float, _: Moment) -> Standing:
        """Those whose share of the work is done as a whole."""
        left = attained * sum(self.milestones.values()) + _TOLERANCE
        done = []
        for title, weight in self.milestones.items():
            left -= weight
            if left < 0:
                break
            done.append(title)
        return tuple(done)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done or not: before the time is over, where more than all is reached."""

    type: ClassVar[KeyResultType] = "binary"

    def definition(self, _: date) -> dict[str, Any]:
        """See Change."""
        return {}

    def attained(self, reached: float, moment: Moment) -> float:
        """The share of the work that is done."""
        return reached * moment.elapsed

    def standing(self, attained: float, _: Moment) -> Standing:
        """Whether all of it is."""
        return attained >= 1


Measure = Change | Band | Checklist | Deed
