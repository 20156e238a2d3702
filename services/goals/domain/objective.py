"""Objectives: what they are, and what can be done with them in which state.

How they evolve is in `evolving`; what is decided about them is in `lifecycle`, `key_results`,
`check_in`, `alignment`, `kpi_link`, `scoring`, `carry_over` and `feedback`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.goals import AlignmentKind, Ambition, ObjectiveState, Verdict
from services.goals.domain import key_result
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    CycleNotOpenError,
    KeyResultNotFoundError,
    NothingChangesError,
    ObjectiveStateError,
    Step,
    TooManyDelegatesError,
    TooManyKeyResultsError,
    TooManyLabelsError,
)
from services.goals.domain.events import (
    KeyResultAdded,
    KeyResultScore,
    ObjectiveDelegated,
    ObjectiveDrafted,
    ObjectiveReassigned,
    ObjectiveRevised,
    Owner,
)
from services.goals.domain.key_result import KeyResult

MAX_KEY_RESULTS: Final = 20
MAX_LABELS: Final = 20
MAX_DELEGATES: Final = 20

_WORDS: Final[tuple[Step, ...]] = ("revise", "reassign", "delegate")
_MEASURES: Final[tuple[Step, ...]] = (
    "add_key_result",
    "revise_key_result",
    "retarget_key_result",
    "remove_key_result",
    "align",
    "unalign",
    "link",
    "unlink",
)

ALLOWED: Final[Mapping[ObjectiveState, tuple[Step, ...]]] = {
    "draft": (*_WORDS, *_MEASURES, "propose", "activate", "postpone", "abandon"),
    "proposed": ("reassign", "delegate", "approve", "return", "activate", "postpone", "abandon"),
    "active": (
        *_WORDS,
        *_MEASURES,
        "check_in",
        "correct_check_in",
        "close",
        "write_retrospective",
        "postpone",
        "abandon",
        "carry_over",
    ),
    "postponed": (*_WORDS, "correct_check_in", "abandon", "reopen", "carry_over"),
    "abandoned": ("correct_check_in", "write_retrospective", "reopen", "carry_over"),
    "closed": ("correct_check_in", "rescore", "write_retrospective", "reopen", "carry_over"),
}
"""What can be done in each state. Comments and acknowledgements are welcome in all of them."""

OPEN_STATES: Final[tuple[ObjectiveState, ...]] = ("draft", "proposed", "active", "postponed")
"""The states of what has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What the objective stands below, and whether it rolls up (`contributes`) or only shows."""

    parent_objective_id: UUID
    parent_key_result_id: UUID | None
    kind: AlignmentKind
    weight: float

    @property
    def parent(self) -> tuple[UUID, UUID | None]:
        """The objective and, where it is below one, the key result of it."""
        return self.parent_objective_id, self.parent_key_result_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an objective ended: its score and each key result's, from 0 to 1."""

    score: float
    verdict: Verdict
    key_results: tuple[KeyResultScore, ...]

    def of(self, key_result_id: UUID) -> KeyResultScore | None:
        """What a key result scored, None if it came later or was removed."""
        return next(
            (each for each in self.key_results if each.key_result_id == key_result_id), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrospective:
    """What was learned: what worked, what did not, what to carry on."""

    worked: str
    did_not_work: str
    carry_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """The objective that goes on from this one, and its cycle."""

    objective_id: UUID
    cycle_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Something to achieve in a cycle, and the key results that show it.

    `position` is the place of its last event in the log. `decided` is the version that the last
    decision of a person or system led to: what KPIs measure and what people comment come after
    it and put no change out of date.
    """

    id: UUID
    cycle_id: UUID
    title: str
    description: str
    owner: Owner
    ambition: Ambition
    state: ObjectiveState
    drafted_at: datetime
    changed_at: datetime
    position: int
    decided: int
    labels: tuple[str, ...] = ()
    delegates: tuple[Owner, ...] = ()
    approved_at: datetime | None = None
    activated_at: datetime | None = None
    resumed_at: datetime | None = None
    ended_at: datetime | None = None
    key_results: tuple[KeyResult, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    outcome: Outcome | None = None
    retrospective: Retrospective | None = None
    predecessor_id: UUID | None = None
    successor: Successor | None = None
    comments: int = 0
    acknowledgements: int = 0

    @property
    def allowed(self) -> tuple[Step, ...]:
        """What its state allows to be done now; it goes on as another one only once."""
        steps = ALLOWED[self.state]
        if self.successor is None:
            return steps
        return tuple(each for each in steps if each != "carry_over")

    def key_result(self, key_result_id: UUID) -> KeyResult:
        """One of its key results. Raises KeyResultNotFoundError."""
        for each in self.key_results:
            if each.id == key_result_id:
                return each
        raise KeyResultNotFoundError(key_result_id)

    def alignment(self, parent: tuple[UUID, UUID | None]) -> Alignment | None:
        """Its alignment below that objective or key result, if there is one."""
        return next((each for each in self.alignments if each.parent == parent), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What an objective is called and said to be, and how far it reaches."""

    title: str
    description: str
    ambition: Ambition
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An objective as it is first written down, with as many key results as are known by now."""

    cycle_id: UUID
    wording: Wording
    owner: Owner
    delegates: tuple[Owner, ...] = ()
    key_results: Mapping[UUID, Definition]
    predecessor_id: UUID | None = None


def draft(cycle: Cycle, written: Draft) -> list[ObjectiveDrafted | KeyResultAdded]:
    """A new objective.

    Raises CycleNotOpenError, TooManyKeyResultsError, TooManyLabelsError, TooManyDelegatesError,
    and what `key_result.define` raises.
    """
    if cycle.state not in ("planned", "active"):
        raise CycleNotOpenError(cycle.state)
    if len(written.key_results) > MAX_KEY_RESULTS:
        raise TooManyKeyResultsError(MAX_KEY_RESULTS)
    wording = written.wording
    drafted = ObjectiveDrafted(
        cycle_id=written.cycle_id,
        title=wording.title,
        description=wording.description,
        owner=written.owner,
        ambition=wording.ambition,
        labels=_each_once(wording.labels),
        delegates=_delegates(written.delegates),
        predecessor_id=written.predecessor_id,
    )
    added = (
        key_result.define(each, key_result_id=id_) for id_, each in written.key_results.items()
    )
    return [drafted, *added]


def revise(objective: Objective, wanted: Wording) -> ObjectiveRevised:
    """Say it in other words.

    Raises ObjectiveStateError, TooManyLabelsError, NothingChangesError.
    """
    require_step(objective, "revise")
    labels = _each_once(wanted.labels)
    stands = (objective.title, objective.description, objective.ambition, objective.labels)
    if stands == (wanted.title, wanted.description, wanted.ambition, labels):
        raise NothingChangesError
    return ObjectiveRevised(
        title=wanted.title,
        description=wanted.description,
        ambition=wanted.ambition,
        labels=labels,
    )


def reassign(objective: Objective, owner: Owner) -> ObjectiveReassigned:
    """Have somebody else answer for it. Raises ObjectiveStateError, NothingChangesError."""
    require_step(objective, "reassign")
    if owner == objective.owner:
        raise NothingChangesError
    return ObjectiveReassigned(owner=owner)


def delegate(objective: Objective, delegates: Sequence[Owner]) -> ObjectiveDelegated:
    """Let these, and nobody else, change it in its owner's name.

    Raises ObjectiveStateError, TooManyDelegatesError, NothingChangesError.
    """
    require_step(objective, "delegate")
    wanted = _delegates(delegates)
    if wanted == objective.delegates:
        raise NothingChangesError
    return ObjectiveDelegated(delegates=wanted)


def require_step(objective: Objective, step: Step) -> None:
    """Raise ObjectiveStateError unless the objective's state allows this step."""
    allowed = ALLOWED[objective.state]
    if step not in allowed:
        raise ObjectiveStateError(objective.state, step, allowed)


def _each_once(labels: Sequence[str]) -> tuple[str, ...]:
    each_once = tuple(dict.fromkeys(labels))
    if len(each_once) > MAX_LABELS:
        raise TooManyLabelsError(MAX_LABELS)
    return each_once


def _delegates(delegates: Sequence[Owner]) -> tuple[Owner, ...]:
    each_once = tuple(dict.fromkeys(delegates))
    if len(each_once) > MAX_DELEGATES:
        raise TooManyDelegatesError(MAX_DELEGATES)
    return each_once
