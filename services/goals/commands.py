"""What the goals service can be asked to do: one class per use case, in the domain's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from contracts.goals import Cadence, CheckInRhythm
from services.goals.domain.authority import Authority
from services.goals.domain.carry_over import CarryOver
from services.goals.domain.check_in import Statement
from services.goals.domain.definition import Definition
from services.goals.domain.events import Owner
from services.goals.domain.key_result import Link
from services.goals.domain.objective import Alignment, Draft, Retrospective
from services.goals.domain.scoring import Override
from services.goals.exchange.reading import ReadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCycle:
    """Plan a cycle. `ends_on` is its last day."""

    cycle_id: UUID
    name: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    check_in_rhythm: CheckInRhythm
    by: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of an existing aggregate, made for one version of it."""

    id: UUID
    version: int
    by: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCycle(Change):
    """Activate a cycle, start to score it, close it, or reopen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseCycle(Change):
    """Give the cycle another name or rhythm; None leaves it."""

    name: str | None
    check_in_rhythm: CheckInRhythm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftObjective:
    """Write an objective down."""

    objective_id: UUID
    draft: Draft
    by: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeObjective(Change):
    """Take the objective one step on its way, where the step needs no more than its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseObjective(Change):
    """Say the objective in other words: title, description, ambition, labels by name."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignObjective(Change):
    """Have somebody else answer for the objective."""

    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateObjective(Change):
    """Let these, and nobody else, change the objective in its owner's name."""

    delegates: Sequence[Owner]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddKeyResult(Change):
    """Give the objective one more key result."""

    key_result_id: UUID
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class RedefineKeyResult(Change):
    """Revise or retarget a key result: the fields of its definition that change, by name."""

    key_result_id: UUID
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKeyResult(Change):
    """Remove a key result, or have it follow no KPI."""

    key_result_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignObjective(Change):
    """Put the objective below another, or below a key result of it."""

    alignment: Alignment


@dataclass(frozen=True, slots=True, kw_only=True)
class RealignObjective(Change):
    """Move one of the objective's alignments to another parent.

    A parent is an objective and maybe a key result of it; kind and weight stay unless they are
    among the `changes`.
    """

    from_parent: tuple[UUID, UUID | None]
    to_parent: tuple[UUID, UUID | None]
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnalignObjective(Change):
    """End an alignment of the objective; the parent is an objective and maybe a key result."""

    parent: tuple[UUID, UUID | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignMany:
    """Align many objectives at once: all of them or none."""

    alignments: Sequence[AlignObjective]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn(Change):
    """Say how a key result stands."""

    said: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectCheckIn(Change):
    """Put a check-in right; what is not among the `changes` stays as it was said.

    They are standing, confidence, status and comment, by name.
    """

    key_result_id: UUID
    check_in_id: UUID
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeyResult(Change):
    """Have a key result follow a KPI."""

    key_result_id: UUID
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreObjective(Change):
    """Score the objective and close it, or score it anew."""

    overrides: Sequence[Override] = ()
    retrospective: Retrospective | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRetrospective(Change):
    """Write down what was learned from the objective."""

    retrospective: Retrospective


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryObjectiveOver(Change):
    """Go on with the objective in a later cycle, as a new one; `follow_kpis` keeps its links."""

    successor_id: UUID
    carry_over: CarryOver
    follow_kpis: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentObjective:
    """Say something to the objective, or to one of its check-ins."""

    id: UUID
    comment_id: UUID
    text: str
    check_in_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeObjective:
    """Take note of the objective, or of one of its check-ins."""

    id: UUID
    check_in_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """Bring a whole plan in: all of it or nothing.

    `cycle` is the id or the name of the cycle to bring it into, None for the one that the plan
    names. `activate` begins the work on what can be worked on; `dry_run` records nothing.
    """

    read: ReadPlan
    cycle: str | None
    activate: bool
    dry_run: bool
    by: Authority
