"""What the goals service can be asked to do: one class per use case, in the domain's values."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.goals import Cadence, CheckInRhythm
from services.goals.domain.authority import Authority
from services.goals.domain.check_in import Statement
from services.goals.domain.key_result import Definition, Link
from services.goals.domain.objective import Alignment, Draft


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
class ActivateCycle(Change):
    """Begin the cycle's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartScoring(Change):
    """End the cycle's work, begin to score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCycle(Change):
    """Lock the cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftObjective:
    """Write an objective down."""

    objective_id: UUID
    draft: Draft
    by: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class AddKeyResult(Change):
    """Give the objective one more key result."""

    key_result_id: UUID
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignObjective(Change):
    """Put the objective below another, or below a key result of it."""

    alignment: Alignment


@dataclass(frozen=True, slots=True, kw_only=True)
class UnalignObjective(Change):
    """End an alignment of the objective."""

    parent_objective_id: UUID
    parent_key_result_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateObjective(Change):
    """Begin to work on the objective."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseObjective(Change):
    """Score the objective and close it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn(Change):
    """Say how a key result stands."""

    said: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeyResult(Change):
    """Have a key result follow a KPI."""

    key_result_id: UUID
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkKeyResult(Change):
    """Have a key result follow no KPI."""

    key_result_id: UUID
