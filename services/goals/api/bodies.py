"""The shapes of requests. They are strict: a misspelt field is refused."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import OpaqueId, Text, Title, Unit
from contracts.goals import (
    AlignmentKind,
    Ambition,
    Cadence,
    CheckInRhythm,
    KeyResultType,
    KpiKey,
    KpiReading,
    Label,
    OwnerKind,
    Share,
    Status,
    Weight,
)
from services.chassis.bodies import STORABLE, Body, Reason
from services.goals.domain import events
from services.goals.domain.carry_over import CarryOver
from services.goals.domain.check_in import Standing
from services.goals.domain.events import Owner
from services.goals.domain.key_result import (
    MAX_MILESTONES,
    MAX_PHASED_TARGETS,
    Definition,
    Link,
)
from services.goals.domain.objective import (
    MAX_DELEGATES,
    MAX_KEY_RESULTS,
    MAX_LABELS,
    Alignment,
    Retrospective,
    Wording,
)
from services.goals.domain.scoring import Override

MAX_BULK_ALIGNMENTS: Final = 1_000

EARLIEST_DAY: Final = date(1970, 1, 1)
LATEST_DAY: Final = date(2999, 12, 31)
EARLIEST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MOMENT: Final = datetime(2999, 12, 31, tzinfo=UTC)

Number = Annotated[float, Field(strict=True)]
Day = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
# Told in whatever zone, kept and answered in UTC; between these bounds every moment has that form.
Moment = Annotated[
    AwareDatetime,
    Field(ge=EARLIEST_MOMENT, le=LATEST_MOMENT),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
]
StorableTitle = Annotated[Title, STORABLE]
StorableText = Annotated[Text, STORABLE]


class OwnerBody(BaseModel):
    """Who answers for an objective: an opaque id, no personal data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: OwnerKind
    id: Annotated[OpaqueId, STORABLE]

    def value(self) -> Owner:
        """The domain's value."""
        return Owner(kind=self.kind, id=self.id)


class ChangingBody(Body):
    """A change of what stands: fields that are not sent stay as they are."""

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set and name != "reason"
        }


class CycleBody(Body):
    """A cycle to plan. `ends_on` is its last day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "2026 Q1",
                    "starts_on": "2026-01-01",
                    "ends_on": "2026-03-31",
                    "cadence": "quarter",
                    "check_in_rhythm": "weekly",
                }
            ]
        }
    )

    name: StorableTitle
    starts_on: Day
    ends_on: Day
    cadence: Cadence
    check_in_rhythm: CheckInRhythm = "weekly"


Delegates = Annotated[
    tuple[OwnerBody, ...],
    Field(max_length=MAX_DELEGATES, description="Who else may change it, in its owner's name."),
]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)]


class ReviseCycleBody(ChangingBody):
    """What a cycle is called and how often it is checked in on; its dates are fixed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"check_in_rhythm": "biweekly", "reason": "Weekly was too much."}]
        }
    )

    name: StorableTitle | None = None
    check_in_rhythm: CheckInRhythm | None = None


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


class ObjectiveBody(Body):
    """An objective to draft, with as many key results as are known by now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cycle_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01",
                    "title": "Increase sales revenue by 20%",
                    "description": "More of those who look should buy, and buy more.",
                    "owner": {"kind": "team", "id": "team-sales"},
                    "ambition": "aspirational",
                    "key_results": [
                        {
                            "title": "Conversion from 5% to 8%",
                            "type": "increase",
                            "baseline": 5,
                            "target": 8,
                            "stretch": 9,
                            "unit": "%",
                            "weight": 2,
                        },
                        {
                            "title": "Average purchase up by 10%",
                            "type": "increase",
                            "baseline": 60,
                            "target": 66,
                            "unit": "EUR",
                        },
                    ],
                }
            ]
        }
    )

    cycle_id: UUID
    title: StorableTitle
    description: StorableText = ""
    owner: OwnerBody
    delegates: Delegates = ()
    ambition: Ambition = "committed"
    labels: Labels = ()
    key_results: Annotated[tuple[KeyResultFields, ...], Field(max_length=MAX_KEY_RESULTS)] = ()

    def wording(self) -> Wording:
        """The domain's value."""
        return Wording(
            title=self.title,
            description=self.description,
            ambition=self.ambition,
            labels=self.labels,
        )


class ReviseObjectiveBody(ChangingBody):
    """What an objective is called and said to be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Increase sales revenue without discounts",
                    "labels": ["revenue", "2026"],
                    "reason": "Discounts would have met the numbers and missed the point.",
                }
            ]
        }
    )

    title: StorableTitle = ""
    description: StorableText = ""
    ambition: Ambition = "committed"
    labels: Labels = ()


class ReassignBody(Body):
    """Who answers for the objective from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner": {"kind": "team", "id": "team-shop"},
                    "reason": "The shop has a team of its own now.",
                }
            ]
        }
    )

    owner: OwnerBody


class DelegateBody(Body):
    """Who may change the objective in its owner's name; none for nobody."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"delegates": [{"kind": "person", "id": "u-19d2"}]}]}
    )

    delegates: Delegates


class ReasonBody(Body):
    """A change that is taken with a reason only."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The shop moves to another system first."}]}
    )

    reason: Annotated[Reason, Field(description="Why; kept in the history.")]


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


class AlignBody(Body):
    """What to align to: an objective, or one key result of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "kind": "contributes",
                    "weight": 2,
                    "reason": "Who uses us more stays, and brings others.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None
    kind: Annotated[
        AlignmentKind, Field(description="`contributes` rolls up, `supports` is only shown.")
    ] = "contributes"
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def alignment(self) -> Alignment:
        """The domain's value."""
        return Alignment(
            parent_objective_id=self.objective_id,
            parent_key_result_id=self.key_result_id,
            kind=self.kind,
            weight=self.weight,
        )


class UnalignBody(Body):
    """Which alignment to end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "reason": "It serves revenue now, no longer our market share.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None


class RealignBody(AlignBody):
    """Which alignment to move, and what to align to instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
                    "kind": "contributes",
                    "weight": 2,
                    "reason": "It serves revenue now, no longer our market share.",
                }
            ]
        }
    )

    from_objective_id: UUID
    from_key_result_id: UUID | None = None


class BulkAlignment(BaseModel):
    """One of many alignments, for one version of the objective that is aligned."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    child_id: UUID
    version: Annotated[int, Field(ge=1, description="The child's version, as in its ETag.")]
    objective_id: UUID
    key_result_id: UUID | None = None
    kind: AlignmentKind = "contributes"
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def alignment(self) -> Alignment:
        """The domain's value."""
        return Alignment(
            parent_objective_id=self.objective_id,
            parent_key_result_id=self.key_result_id,
            kind=self.kind,
            weight=self.weight,
        )


class BulkAlignBody(Body):
    """Many alignments: all of them are made, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "alignments": [
                        {
                            "child_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
                            "version": 2,
                            "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                        }
                    ],
                    "reason": "The tree of the new quarter.",
                }
            ]
        }
    )

    alignments: Annotated[
        tuple[BulkAlignment, ...], Field(min_length=1, max_length=MAX_BULK_ALIGNMENTS)
    ]


class StandingFields(Body):
    """How a key result stands: `value`, `done` or `milestones_done`, as its type is measured."""

    value: Annotated[
        Number | None, Field(description="In its unit; for increase, decrease and maintain.")
    ] = None
    done: Annotated[bool | None, Field(strict=True, description="For binary.")] = None
    milestones_done: Annotated[
        tuple[UUID, ...] | None,
        Field(max_length=MAX_MILESTONES, description="All that are done by then; for milestones."),
    ] = None
    confidence: Annotated[Share | None, Field(strict=True)] = None
    status: Status | None = None
    comment: StorableText = ""

    def standing(self) -> Standing:
        """The domain's value."""
        return Standing(value=self.value, done=self.done, milestones_done=self.milestones_done)


class CheckInBody(StandingFields):
    """How a key result stands, or stood at `effective_at`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 5600,
                    "confidence": 0.6,
                    "status": "at_risk",
                    "comment": "Slower than we thought. One of us has moved here from other work.",
                    "effective_at": "2026-02-02T09:00:00Z",
                },
                {"done": True},
                {"milestones_done": ["019b5a1c-3f00-7a10-8c51-0d2f4b6a8c06"]},
            ]
        }
    )

    effective_at: Annotated[
        Moment | None, Field(description="When it was true; now, if not given.")
    ] = None


class CorrectionBody(StandingFields):
    """What a check-in should have said, of the same time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": 5900,
                    "confidence": 0.7,
                    "status": "on_track",
                    "comment": "One of us has moved here from other work.",
                    "reason": "Two digits were swapped.",
                }
            ]
        }
    )

    reason: Annotated[Reason, Field(description="What was wrong; kept in the history.")]


class OverrideFields(BaseModel):
    """A score that is set by hand, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_result_id: UUID
    score: Annotated[Share, Field(strict=True)]
    reason: Reason

    def value(self) -> Override:
        """The domain's value."""
        return Override(key_result_id=self.key_result_id, score=self.score, reason=self.reason)


Overrides = Annotated[
    tuple[OverrideFields, ...],
    Field(max_length=MAX_KEY_RESULTS, description="Scores instead of the computed ones."),
]


class RetrospectiveFields(BaseModel):
    """What was learned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worked: StorableText = ""
    did_not_work: StorableText = ""
    carry_on: StorableText = ""

    def value(self) -> Retrospective:
        """The domain's value."""
        return Retrospective(
            worked=self.worked, did_not_work=self.did_not_work, carry_on=self.carry_on
        )


class CloseBody(Body):
    """How an objective ended, where that is not what was computed, and what was learned."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "overrides": [
                        {
                            "key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04",
                            "score": 0.6,
                            "reason": "A third of the leads came from a fair we did not plan.",
                        }
                    ],
                    "retrospective": {
                        "worked": "The shorter order form.",
                        "did_not_work": "Reminders by mail.",
                        "carry_on": "The order form on all devices.",
                    },
                }
            ]
        }
    )

    overrides: Overrides = ()
    retrospective: RetrospectiveFields | None = None


NOTHING_SET: Final = CloseBody()


class RescoreBody(Body):
    """Scores of a closed objective: what is not named is computed anew, with what was corrected."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "overrides": [
                        {
                            "key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04",
                            "score": 0.6,
                            "reason": "Without returns it was 6.8%.",
                        }
                    ],
                    "reason": "Returns were counted as sales.",
                }
            ]
        }
    )

    overrides: Overrides
    reason: Annotated[Reason, Field(description="Why; kept in the history.")]


class RetrospectiveBody(RetrospectiveFields, Body):
    """What was learned from an objective; it replaces what was written before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "worked": "The shorter order form.",
                    "did_not_work": "Reminders by mail.",
                    "carry_on": "The order form on all devices.",
                }
            ]
        }
    )


class CarriedKeyResult(BaseModel):
    """A key result that is carried over; without a target it keeps the one it had."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_result_id: UUID
    target: Number | None = None


def _each_once(
    chosen: tuple[CarriedKeyResult, ...] | None,
) -> tuple[CarriedKeyResult, ...] | None:
    if chosen is not None and len({each.key_result_id for each in chosen}) < len(chosen):
        raise ValueError("a key result is named twice")
    return chosen


class CarryOverBody(Body):
    """Into which cycle an objective goes on, and with what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cycle_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c08",
                    "key_results": [
                        {"key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04", "target": 10}
                    ],
                    "reason": "Half of the way is done, and it pays.",
                }
            ]
        }
    )

    cycle_id: UUID
    title: StorableTitle | None = None
    owner: OwnerBody | None = None
    key_results: Annotated[
        tuple[CarriedKeyResult, ...] | None,
        Field(
            max_length=MAX_KEY_RESULTS,
            description="All that have not reached their target, if not given; each once.",
        ),
        AfterValidator(_each_once),
    ] = None
    follow_kpis: Annotated[
        bool, Field(strict=True, description="Whether they go on to follow their KPIs.")
    ] = True

    def carry_over(self) -> CarryOver:
        """The domain's value."""
        chosen = self.key_results
        return CarryOver(
            cycle_id=self.cycle_id,
            title=self.title,
            owner=self.owner.value() if self.owner else None,
            targets=(
                None if chosen is None else {each.key_result_id: each.target for each in chosen}
            ),
        )


class CommentBody(Body):
    """Something to say to an objective, or to one of its check-ins."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Is that with or without the sale of January?",
                    "check_in_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c05",
                }
            ]
        }
    )

    text: Annotated[Text, Field(min_length=1), STORABLE]
    check_in_id: UUID | None = None


class AcknowledgeBody(Body):
    """What was taken note of: a check-in, or else the objective."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"check_in_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c05"}]}
    )

    check_in_id: UUID | None = None


THE_OBJECTIVE: Final = AcknowledgeBody()


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
