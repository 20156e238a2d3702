"""The words in which the sample company's goals are written down."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from contracts.goals import AlignmentKind, Ambition, KpiReading, Owner
from deploy.local.sample.measures import Measure
from deploy.local.sample.periods import Period

# Where an objective is brought; what is active may be closed with its cycle.
Stage = Literal["draft", "proposed", "active", "postponed", "abandoned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The KPI that a key result takes its value from, and what it takes of it."""

    kpi: str
    reading: KpiReading = "latest"

    def body(self) -> dict[str, object]:
        """The link as the goals service is told of it."""
        return {"kpi": self.kpi, "reading": self.reading}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What the last check-in of a period says at first, and why that is put right."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The score, from 0 to 1, that a key result gets instead of the computed one, and why."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyResultPlan:
    """A key result, how it is measured, and where its values come from.

    Either people check in on it, and by the end of the period the share `reached` is done (of a
    band: the share of the check-ins that are within it); or it follows a KPI; or it has neither
    and shows what its contributing children do. `due_after` counts from the period's first day.
    """

    slug: str
    title: str
    measure: Measure
    unit: str = ""
    reached: float | None = None
    follow: Follow | None = None
    weight: float = 1.0
    due_after: timedelta | None = None
    slip: Slip | None = None
    override: Override | None = None

    def due_on(self, period: Period) -> date | None:
        """The day by which it is to be done, None for the end of the period."""
        return None if self.due_after is None else period.starts_on + self.due_after

    def definition(self, period: Period) -> dict[str, Any]:
        """The key result as the goals service is told of it."""
        due_on = self.due_on(period)
        return {
            "title": self.title,
            "type": self.measure.type,
            **self.measure.definition(period.starts_on),
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
class Comment:
    """Something said to an objective; with `on`, to the last check-in on that key result.

    Others ask, and those who set the goals answer.
    """

    text: str
    on: str | None = None
    answers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrospective:
    """What was learned."""

    worked: str
    did_not_work: str
    carry_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivePlan:
    """An objective, and the stage that it is brought to.

    `predecessor` is the slug of an objective of the quarter before that it goes on from: what
    is carried over has its labels, its delegates and its key results. There is a `reason` where
    it is carried over, postponed or abandoned.
    """

    slug: str
    title: str
    owner: Owner
    ambition: Ambition
    key_results: tuple[KeyResultPlan, ...]
    description: str = ""
    labels: tuple[str, ...] = ()
    delegates: tuple[Owner, ...] = ()
    parents: tuple[ParentPlan, ...] = ()
    stage: Stage = "active"
    reason: str = ""
    predecessor: str | None = None
    comments: tuple[Comment, ...] = ()
    acknowledged: bool = False
    retrospective: Retrospective | None = None
