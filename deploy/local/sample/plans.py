"""The words in which the sample company's goals are written down."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.goals import AlignmentKind, Ambition, KeyResultType, KpiReading, Owner
from deploy.local.sample.quarters import Quarter


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The KPI that a key result takes its value from, and what it takes of it."""

    kpi: str
    reading: KpiReading = "latest"

    def body(self) -> dict[str, object]:
        """The link as the goals service is told of it."""
        return {"kpi": self.kpi, "reading": self.reading}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultPlan:
    """A key result, from `baseline` to `target`, and where its values come from.

    Either people check in on it, and by the end of the quarter the share `reached` of the way is
    done; or it follows a KPI; or it has neither and shows what its contributing children do.
    Values are rounded to `decimals`. `due_after` counts from the quarter's first day.
    """

    slug: str
    title: str
    baseline: float
    target: float
    unit: str
    reached: float | None = None
    follow: Follow | None = None
    decimals: int = 0
    stretch: float | None = None
    weight: float = 1.0
    due_after: timedelta | None = None

    @property
    def type(self) -> KeyResultType:
        """Which way it goes."""
        return "increase" if self.target > self.baseline else "decrease"

    def definition(self, quarter: Quarter) -> dict[str, object]:
        """The key result as the goals service is told of it."""
        due_on = None if self.due_after is None else quarter.starts_on + self.due_after
        return {
            "title": self.title,
            "type": self.type,
            "baseline": self.baseline,
            "target": self.target,
            "stretch": self.stretch,
            "unit": self.unit,
            "weight": self.weight,
            "due_on": None if due_on is None else due_on.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentPlan:
    """What an objective stands below: another one, or one key result of it, by their slugs."""

    objective: str
    key_result: str | None = None
    kind: AlignmentKind = "contributes"
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivePlan:
    """An objective; one that is not `started` stays a draft."""

    slug: str
    title: str
    owner: Owner
    ambition: Ambition
    key_results: tuple[KeyResultPlan, ...]
    description: str = ""
    parents: tuple[ParentPlan, ...] = ()
    started: bool = True
