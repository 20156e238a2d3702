"""The shapes of requests about key results: added, redefined, linked to KPIs."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Unit
from contracts.goals import KeyResultType, KpiKey, KpiReading, Weight
from services.chassis.bodies import STORABLE, Body
from services.goals.api.bodies import ChangingBody, Day, Number, StorableTitle
from services.goals.domain import events
from services.goals.domain.definition import MAX_MILESTONES, MAX_PHASED_TARGETS, Definition
from services.goals.domain.key_result import Link


class MilestoneFields(BaseModel):
    """A step of a checklist. `id` names one that is there already; a new one gets its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    id: UUID | None = None
    title: StorableTitle
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def value(self) -> events.Milestone:
        """The domain's value."""
        return events.Milestone(id=self.id or uuid4(), title=self.title, weight=self.weight)


class PhasedTargetFields(BaseModel):
    """Where the key result is expected to be at the end of a day."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    on: Day
    value: Number

    def target(self) -> events.PhasedTarget:
        """The domain's value."""
        return events.PhasedTarget(on=self.on, value=self.value)


Milestones = Annotated[
    tuple[MilestoneFields, ...],
    Field(max_length=MAX_MILESTONES, description="The checklist of a `milestones`."),
]
PhasedTargets = Annotated[
    tuple[PhasedTargetFields, ...],
    Field(
        max_length=MAX_PHASED_TARGETS,
        description="Where an `increase` or `decrease` is expected to be by which days.",
    ),
]
StorableUnit = Annotated[Unit, STORABLE]
CountedWeight = Annotated[Weight, Field(strict=True, description="0 is shown, but not counted.")]
DueDay = Annotated[Day | None, Field(description="It may lie after the cycle.")]
Lower = Annotated[Number | None, Field(description="The band of a `maintain`: at least this.")]
Upper = Annotated[Number | None, Field(description="The band of a `maintain`: at most this.")]


class KeyResultFields(BaseModel):
    """What a key result is to reach, in `unit`.

    `increase` and `decrease` go from `baseline` to `target`; `maintain` stays within `lower` and
    `upper`, of which one may be missing; `milestones` has a checklist; `binary` is done or not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    title: StorableTitle
    type: KeyResultType
    baseline: Number | None = None
    target: Number | None = None
    stretch: Number | None = None
    lower: Lower = None
    upper: Upper = None
    milestones: Milestones = ()
    phased_targets: PhasedTargets = ()
    unit: StorableUnit = ""
    weight: CountedWeight = 1.0
    due_on: DueDay = None

    def definition(self) -> Definition:
        """The domain's value."""
        return Definition(
            title=self.title,
            type=self.type,
            baseline=self.baseline,
            target=self.target,
            stretch=self.stretch,
            lower=self.lower,
            upper=self.upper,
            milestones=tuple(each.value() for each in self.milestones),
            phased_targets=tuple(each.target() for each in self.phased_targets),
            unit=self.unit,
            weight=self.weight,
            due_on=self.due_on,
        )


class KeyResultBody(KeyResultFields, Body):
    """A key result to add."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Leads up by 40%",
                    "type": "increase",
                    "baseline": 5000,
                    "target": 7000,
                    "unit": "leads",
                    "weight": 1,
                    "reason": "What converts must first be there.",
                }
            ]
        }
    )


class ReviseKeyResultBody(ChangingBody):
    """What a key result is called, and how it is counted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"weight": 2, "due_on": "2027-06-30"}]}
    )

    title: StorableTitle = ""
    unit: StorableUnit = ""
    weight: CountedWeight = 1.0
    due_on: DueDay = None


class RetargetBody(ChangingBody):
    """What a key result is to reach from now on; once work has begun, with a reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "target": 7.5,
                    "stretch": 8.5,
                    "reason": "The second half of the year has two holidays more.",
                }
            ]
        }
    )

    type: KeyResultType = "increase"
    baseline: Number | None = None
    target: Number | None = None
    stretch: Number | None = None
    lower: Lower = None
    upper: Upper = None
    milestones: Milestones = ()
    phased_targets: PhasedTargets = ()

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        sent = super().changes()
        if "milestones" in sent:
            sent["milestones"] = tuple(each.value() for each in self.milestones)
        if "phased_targets" in sent:
            sent["phased_targets"] = tuple(each.target() for each in self.phased_targets)
        return sent


class LinkBody(Body):
    """Which KPI to follow, and what to take of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kpi": "sales.conversion",
                    "reading": "period",
                    "reason": "The shop counts it; nobody has to.",
                }
            ]
        }
    )

    kpi: KpiKey
    reading: KpiReading = "period"

    def link(self) -> Link:
        """The domain's value."""
        return Link(kpi=self.kpi, reading=self.reading)
