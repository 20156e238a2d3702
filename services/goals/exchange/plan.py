"""The format `cairn.plan.v1`: a cycle's objectives as a document that can be read elsewhere.

Keys name objectives within a plan, and key results within an objective. An export uses ids as
keys. Fields that say how things stand (state, value, confidence, status, progress, score, verdict,
and which milestones are done) are for readers: an import takes none of them over.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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
    ObjectiveState,
    OwnerKind,
    Share,
    Status,
    Verdict,
    Weight,
)
from services.chassis.bodies import DAY_FORM, LINE, STORABLE, WORDS_OR_NOTHING, Reason
from services.goals.domain.alignment import MAX_ALIGNMENTS
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import MAX_MILESTONES, MAX_PHASED_TARGETS, Definition
from services.goals.domain.events import Milestone, Owner
from services.goals.domain.key_result import KeyResult, Link
from services.goals.domain.objective import (
    MAX_DELEGATES,
    MAX_KEY_RESULTS,
    MAX_LABELS,
    Alignment,
    Objective,
)
from services.goals.domain.rollup import ObjectiveProgress

FORMAT: Final = "cairn.plan.v1"
# A plan is brought in by one command, which all others wait for.
MAX_PLAN_OBJECTIVES: Final = 500
MAX_PLAN_KEY_RESULTS: Final = 2_500
EARLIEST_DAY: Final = date(1970, 1, 1)
LATEST_DAY: Final = date(2999, 12, 31)

Key = Annotated[str, Field(min_length=1, max_length=200), STORABLE]
Number = Annotated[float, Field(strict=True)]
Day = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY), DAY_FORM]
PlanTitle = Annotated[Title, LINE]
PlanWeight = Annotated[Weight, Field(strict=True)]
Told = Annotated[Share | None, Field(strict=True, description="For readers; not imported.")]


class PlanPart(BaseModel):
    """Base of the parts of a plan: a misspelt field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlannedOwner(PlanPart):
    """Who answers for an objective: an opaque id, no personal data."""

    kind: OwnerKind
    id: Annotated[OpaqueId, LINE]

    def value(self) -> Owner:
        """The domain's value."""
        return Owner(kind=self.kind, id=self.id)


class PlannedMilestone(PlanPart):
    """A step of a checklist."""

    title: PlanTitle
    weight: PlanWeight = 1.0
    done: Annotated[bool, Field(strict=True, description="For readers; not imported.")] = False


class PlannedPhase(PlanPart):
    """Where a key result is expected to be at the end of a day."""

    on: Day
    value: Number


class PlannedLink(PlanPart):
    """The KPI that a key result follows; an import links to those that are known and measured."""

    kpi: KpiKey
    reading: KpiReading = "period"

    def value(self) -> Link:
        """The domain's value."""
        return Link(kpi=self.kpi, reading=self.reading)


class PlannedKeyResult(PlanPart):
    """A key result, what it is to reach, and how it stood when it was exported."""

    key: Annotated[
        Key | None, Field(description="Its name in the objective; its number there, if not given.")
    ] = None
    title: PlanTitle
    type: KeyResultType
    baseline: Number | None = None
    target: Number | None = None
    stretch: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    milestones: Annotated[tuple[PlannedMilestone, ...], Field(max_length=MAX_MILESTONES)] = ()
    phased_targets: Annotated[tuple[PlannedPhase, ...], Field(max_length=MAX_PHASED_TARGETS)] = ()
    unit: Annotated[Unit, STORABLE] = ""
    weight: PlanWeight = 1.0
    due_on: Day | None = None
    link: PlannedLink | None = None
    value: Annotated[Number | None, Field(description="For readers; not imported.")] = None
    confidence: Told = None
    status: Annotated[Status | None, Field(description="For readers; not imported.")] = None
    progress: Told = None
    score: Told = None


class PlannedAlignment(PlanPart):
    """What an objective stands below: a key of this plan, or an id; so for its key result."""

    objective: Key
    key_result: Key | None = None
    kind: AlignmentKind = "contributes"
    weight: PlanWeight = 1.0


class PlannedObjective(PlanPart):
    """An objective with its key results."""

    key: Annotated[
        Key | None,
        Field(description="Its name in the cycle, for good; its owner and title, if not given."),
    ] = None
    title: PlanTitle
    description: Annotated[Text, WORDS_OR_NOTHING] = ""
    owner: PlannedOwner
    delegates: Annotated[tuple[PlannedOwner, ...], Field(max_length=MAX_DELEGATES)] = ()
    ambition: Ambition = "committed"
    labels: Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)] = ()
    aligned_to: Annotated[tuple[PlannedAlignment, ...], Field(max_length=MAX_ALIGNMENTS)] = ()
    key_results: Annotated[tuple[PlannedKeyResult, ...], Field(max_length=MAX_KEY_RESULTS)] = ()
    state: Annotated[ObjectiveState | None, Field(description="For readers; an import drafts.")] = (
        None
    )
    progress: Told = None
    score: Told = None
    verdict: Annotated[Verdict | None, Field(description="For readers; not imported.")] = None


class PlannedCycle(PlanPart):
    """The cycle: an id or a name of one that is there, or all it takes to plan it."""

    id: UUID | None = None
    name: PlanTitle | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    cadence: Cadence | None = None
    check_in_rhythm: CheckInRhythm | None = None


class Plan(PlanPart):
    """A whole plan: a cycle and its objectives."""

    format: Literal["cairn.plan.v1"]
    cycle: PlannedCycle | None = None
    objectives: Annotated[tuple[PlannedObjective, ...], Field(max_length=MAX_PLAN_OBJECTIVES)] = ()
    reason: Annotated[Reason | None, Field(description="Why; kept in the history.")] = None


class ExportedPlan(PlanPart):
    """The same, as large as the cycle is."""

    format: Literal["cairn.plan.v1"] = FORMAT
    cycle: PlannedCycle
    objectives: tuple[PlannedObjective, ...]


def export(
    cycle_id: UUID,
    cycle: Cycle,
    objectives: Iterable[Objective],
    progress: Mapping[UUID, ObjectiveProgress],
) -> ExportedPlan:
    """The cycle and its objectives as they stand, in this order; `progress` by objective.

    They are given out as they were taken in, also where the rules of what is taken in were others.
    """
    return ExportedPlan(
        cycle=PlannedCycle.model_construct(
            id=cycle_id,
            name=cycle.name,
            starts_on=cycle.starts_on,
            ends_on=cycle.ends_on,
            cadence=cycle.cadence,
            check_in_rhythm=cycle.check_in_rhythm,
        ),
        objectives=tuple(_objective(each, progress[each.id]) for each in objectives),
    )


def _objective(objective: Objective, progress: ObjectiveProgress) -> PlannedObjective:
    outcome = objective.outcome
    return PlannedObjective.model_construct(
        key=str(objective.id),
        title=objective.title,
        description=objective.description,
        owner=_owner(objective.owner),
        delegates=tuple(_owner(each) for each in objective.delegates),
        ambition=objective.ambition,
        labels=objective.labels,
        aligned_to=tuple(_alignment(each) for each in objective.alignments),
        key_results=tuple(_key_result(objective, each, progress) for each in objective.key_results),
        state=objective.state,
        progress=progress.progress,
        score=outcome.score if outcome else None,
        verdict=outcome.verdict if outcome else None,
    )


def _owner(owner: Owner) -> PlannedOwner:
    return PlannedOwner.model_construct(kind=owner.kind, id=owner.id)


def _alignment(alignment: Alignment) -> PlannedAlignment:
    key_result_id = alignment.parent_key_result_id
    return PlannedAlignment(
        objective=str(alignment.parent_objective_id),
        key_result=None if key_result_id is None else str(key_result_id),
        kind=alignment.kind,
        weight=alignment.weight,
    )


def _key_result(
    objective: Objective, key_result: KeyResult, progress: ObjectiveProgress
) -> PlannedKeyResult:
    definition, said = key_result.definition, key_result.last_check_in
    scored = objective.outcome.of(key_result.id) if objective.outcome else None
    return PlannedKeyResult.model_construct(
        key=str(key_result.id),
        title=definition.title,
        type=definition.type,
        baseline=definition.baseline,
        target=definition.target,
        stretch=definition.stretch,
        lower=definition.lower,
        upper=definition.upper,
        milestones=_milestones(definition, key_result),
        phased_targets=tuple(
            PlannedPhase(on=each.on, value=each.value) for each in definition.phased_targets
        ),
        unit=definition.unit,
        weight=definition.weight,
        due_on=definition.due_on,
        link=_link(key_result.link),
        value=key_result.current.value if key_result.current else None,
        confidence=said.confidence if said else None,
        status=said.status if said else None,
        progress=progress.key_results[key_result.id].progress,
        score=scored.score if scored else None,
    )


def _milestones(definition: Definition, key_result: KeyResult) -> tuple[PlannedMilestone, ...]:
    done = key_result.current.milestones_done if key_result.current else ()
    return tuple(_milestone(each, done=each.id in done) for each in definition.milestones)


def _milestone(milestone: Milestone, *, done: bool) -> PlannedMilestone:
    return PlannedMilestone.model_construct(
        title=milestone.title, weight=milestone.weight, done=done
    )


def _link(link: Link | None) -> PlannedLink | None:
    return None if link is None else PlannedLink(kpi=link.kpi, reading=link.reading)
