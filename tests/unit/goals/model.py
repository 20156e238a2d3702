"""A small model of objectives, told another way than the domain tells it.

It keeps lists of what was said and measured and works everything out from these anew, in exact
fractions; it is changed in place, knows no events, and shares no code with the domain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

from services.goals.domain.definition import Definition
from services.goals.domain.errors import Step

Parent = tuple[UUID, UUID | None]
COUNTING: Final = ("active", "closed")

STATES_OF: Final[Mapping[Step, str]] = {
    "revise": "draft active postponed",
    "reassign": "draft proposed active postponed",
    "delegate": "draft proposed active postponed",
    "add_key_result": "draft active",
    "revise_key_result": "draft active",
    "retarget_key_result": "draft active",
    "remove_key_result": "draft active",
    "align": "draft active",
    "unalign": "draft active",
    "link": "draft active",
    "unlink": "draft active",
    "propose": "draft",
    "approve": "proposed",
    "return": "proposed",
    "activate": "draft proposed",
    "check_in": "active",
    "correct_check_in": "active postponed abandoned closed",
    "close": "active",
    "rescore": "closed",
    "write_retrospective": "active abandoned closed",
    "postpone": "draft proposed active",
    "abandon": "draft proposed active postponed",
    "reopen": "postponed abandoned closed",
    "carry_over": "active postponed abandoned closed",
}
"""In which states each step can be taken; the domain says the same the other way round."""


def mean(parts: Iterator[tuple[Fraction | None, float]]) -> Fraction | None:
    """The weighted mean of what is known and counts."""
    counting = [(share, Fraction(weight)) for share, weight in parts if share is not None]
    total = sum(weight for _, weight in counting)
    return sum(share * weight for share, weight in counting) / total if total else None


def clamp(share: Fraction) -> Fraction:
    return max(Fraction(0), min(Fraction(1), share))


@dataclass
class Told:
    """That a key result stood so: by a check-in, or by a KPI for a period (`check_in` is None)."""

    check_in: UUID | None
    as_of: datetime
    value: float
    done: frozenset[UUID] = frozenset()
    said: tuple[float, frozenset[UUID]] | None = None  # in the words of the check-in
    in_band: bool | None = None


@dataclass
class ModelKeyResult:
    definition: Definition
    told: list[Told] = field(default_factory=list)
    link: tuple[str, str] | None = None  # the KPI and what is taken of it
    reading: tuple[int, int] | None = None  # the period and position that were measured last
    band_moved: bool = False

    def current(self) -> Told | None:
        """What a KPI says replaces everything; a check-in what was true at its time or before."""
        standing: Told | None = None
        for each in self.told:
            if standing is None or each.check_in is None or each.as_of >= standing.as_of:
                standing = each
        return standing

    def value(self) -> float | None:
        standing = self.current()
        if standing is None:
            return None
        return self.share(standing.done) if self.definition.milestones else standing.value

    def share(self, done: frozenset[UUID]) -> float:
        weights = {each.id: Fraction(each.weight) for each in self.definition.milestones}
        reached = sum(weight for milestone, weight in weights.items() if milestone in done)
        return float(reached / sum(weights.values()))

    def counted(self) -> list[bool]:
        return [each.in_band for each in self.told if each.in_band is not None]

    def attained(self) -> Fraction | None:
        value = self.value()
        if value is None:
            return None
        if self.definition.type == "maintain":
            return Fraction(sum(self.counted()), len(self.counted()))
        if self.definition.baseline is None or self.definition.target is None:
            return Fraction(value)
        baseline = Fraction(self.definition.baseline)
        return (Fraction(value) - baseline) / (Fraction(self.definition.target) - baseline)

    def is_reached(self) -> bool:
        attained = self.attained()
        if attained is None or self.definition.type == "maintain":
            return False
        return float(clamp(attained)) == 1.0

    def in_band(self, value: float) -> bool | None:
        if self.definition.type != "maintain":
            return None
        lower, upper = self.definition.lower, self.definition.upper
        return not ((lower is not None and value < lower) or (upper is not None and value > upper))

    def tell(self, told: Told) -> None:
        told.in_band = self.in_band(told.value)
        self.told.append(told)

    def measure(self, value: float, as_of: datetime, reading: tuple[int, int]) -> None:
        """A period counts once, as it was measured last."""
        if self.reading is not None and self.reading[0] == reading[0]:
            before = next(each for each in reversed(self.told) if each.check_in is None)
            before.in_band = None
        self.tell(Told(check_in=None, as_of=as_of, value=value))
        self.reading = reading

    def retarget(self, wanted: Definition) -> None:
        self.band_moved = self.band_moved or bool(self.counted())
        self.definition = wanted
        known = {each.id for each in wanted.milestones}
        for each in self.told:
            each.done = each.done & known


@dataclass
class ModelObjective:
    cycle: UUID
    owner: tuple[str, str]
    state: str = "draft"
    was_active: bool = False
    approved: bool = False
    delegates: frozenset[tuple[str, str]] = frozenset()
    key_results: dict[UUID, ModelKeyResult] = field(default_factory=dict)
    parents: dict[Parent, tuple[str, float]] = field(default_factory=dict)
    computed: dict[UUID, Fraction] = field(default_factory=dict)
    overrides: dict[UUID, tuple[float, str]] = field(default_factory=dict)
    retrospective: str | None = None
    successor: UUID | None = None
    acknowledged: set[str] = field(default_factory=set)
    versions: int = 0
    decided: int = 0

    def score(self) -> Fraction | None:
        """The mean of the scores that stand; None as long as nothing was scored that counts."""
        scores = {
            each: Fraction(self.overrides[each][0]) if each in self.overrides else computed
            for each, computed in self.computed.items()
        }
        weights = {each: found.definition.weight for each, found in self.key_results.items()}
        return mean((scores[each], weights[each]) for each in scores)


@dataclass
class ModelCompany:
    """All objectives. `exact` until a check-in is corrected whose band had moved meanwhile."""

    objectives: dict[UUID, ModelObjective] = field(default_factory=dict)
    exact: bool = True

    def above(self, objective_id: UUID) -> set[UUID]:
        """All that the objective stands below."""
        found: set[UUID] = set()
        for parent, _ in self.objectives[objective_id].parents:
            found |= {parent} | self.above(parent)
        return found

    def aligned_to(self, key_result_id: UUID) -> list[UUID]:
        return [
            objective_id
            for objective_id, each in self.objectives.items()
            if any(below == key_result_id for _, below in each.parents)
        ]

    def progress(self, objective_id: UUID) -> Fraction | None:
        own = self.objectives[objective_id].key_results
        shares = self.shares(objective_id)
        return mean(
            iter(
                [
                    *((shares[each], own[each].definition.weight) for each in own),
                    *self._feeding((objective_id, None)),
                ]
            )
        )

    def shares(self, objective_id: UUID) -> Mapping[UUID, Fraction]:
        """How far each of its key results is."""
        return {
            each: self._share((objective_id, each), found.attained())
            for each, found in self.objectives[objective_id].key_results.items()
        }

    def _share(self, place: Parent, attained: Fraction | None) -> Fraction:
        if attained is not None:
            return clamp(attained)
        return mean(iter(self._feeding(place))) or Fraction(0)

    def _feeding(self, place: Parent) -> list[tuple[Fraction | None, float]]:
        return [
            (self.progress(objective_id), each.parents[place][1])
            for objective_id, each in self.objectives.items()
            if each.state in COUNTING and each.parents.get(place, ("", 0))[0] == "contributes"
        ]
