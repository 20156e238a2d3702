"""Objectives: what they are, what can be done with them in which state, and how they evolve.

What is decided about them is in the modules beside this one: `lifecycle`, `key_results`,
`check_in`, `alignment`, `kpi_link`, `scoring`, `carry_over` and `feedback`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.goals import AlignmentKind, Ambition, ObjectiveState, Verdict
from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import key_result
from services.goals.domain.cycle import Cycle
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
    CheckInCorrected,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultRemoved,
    KeyResultRetargeted,
    KeyResultRevised,
    KeyResultScore,
    KeyResultUnlinked,
    ObjectiveAbandoned,
    ObjectiveAcknowledged,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveApproved,
    ObjectiveCarriedOver,
    ObjectiveClosed,
    ObjectiveCommented,
    ObjectiveDelegated,
    ObjectiveDrafted,
    ObjectivePostponed,
    ObjectiveProposed,
    ObjectiveReassigned,
    ObjectiveReopened,
    ObjectiveRescored,
    ObjectiveReturned,
    ObjectiveRevised,
    ObjectiveUnaligned,
    Owner,
    RetrospectiveWritten,
)
from services.goals.domain.key_result import Definition, KeyResult, Link

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


def evolve(objective: Objective | None, logged: LoggedEvent) -> Objective:
    """The objective after one more event."""
    event = logged.event
    if isinstance(event, ObjectiveDrafted):
        return _drafted(event, logged)
    assert objective is not None
    assert logged.recorded_at is not None
    assert logged.position is not None
    changes = _CHANGES[type(event)](objective, event, logged)
    if type(event) not in _NO_DECISIONS:
        changes["decided"] = logged.originator_version
    return replace(objective, changed_at=logged.recorded_at, position=logged.position, **changes)


def _drafted(event: ObjectiveDrafted, logged: LoggedEvent) -> Objective:
    assert logged.recorded_at is not None
    assert logged.position is not None
    return Objective(
        id=logged.originator_id,
        cycle_id=event.cycle_id,
        title=event.title,
        description=event.description,
        owner=event.owner,
        ambition=event.ambition,
        labels=event.labels,
        delegates=event.delegates,
        predecessor_id=event.predecessor_id,
        state="draft",
        drafted_at=logged.recorded_at,
        changed_at=logged.recorded_at,
        position=logged.position,
        decided=logged.originator_version,
    )


Changes = dict[str, Any]


def _revised(_: Objective, event: ObjectiveRevised, __: LoggedEvent) -> Changes:
    return {
        "title": event.title,
        "description": event.description,
        "ambition": event.ambition,
        "labels": event.labels,
    }


def _reassigned(_: Objective, event: ObjectiveReassigned, __: LoggedEvent) -> Changes:
    return {"owner": event.owner}


def _delegated(_: Objective, event: ObjectiveDelegated, __: LoggedEvent) -> Changes:
    return {"delegates": event.delegates}


def _key_result_added(before: Objective, event: KeyResultAdded, logged: LoggedEvent) -> Changes:
    return {"key_results": (*before.key_results, key_result.added(event, logged))}


def _key_result_revised(before: Objective, event: KeyResultRevised, _: LoggedEvent) -> Changes:
    return _with(before, before.key_result(event.key_result_id).revised(event))


def _key_result_retargeted(
    before: Objective, event: KeyResultRetargeted, _: LoggedEvent
) -> Changes:
    return _with(before, before.key_result(event.key_result_id).retargeted(event))


def _key_result_removed(before: Objective, event: KeyResultRemoved, _: LoggedEvent) -> Changes:
    remaining = tuple(each for each in before.key_results if each.id != event.key_result_id)
    return {"key_results": remaining}


def _aligned(before: Objective, event: ObjectiveAligned, _: LoggedEvent) -> Changes:
    alignment = Alignment(
        parent_objective_id=event.parent_objective_id,
        parent_key_result_id=event.parent_key_result_id,
        kind=event.kind,
        weight=event.weight,
    )
    return {"alignments": (*before.alignments, alignment)}


def _unaligned(before: Objective, event: ObjectiveUnaligned, _: LoggedEvent) -> Changes:
    ended = (event.parent_objective_id, event.parent_key_result_id)
    return {"alignments": tuple(each for each in before.alignments if each.parent != ended)}


def _proposed(_: Objective, __: ObjectiveProposed, ___: LoggedEvent) -> Changes:
    return {"state": "proposed", "approved_at": None}


def _approved(_: Objective, __: ObjectiveApproved, logged: LoggedEvent) -> Changes:
    return {"approved_at": logged.recorded_at}


def _returned(_: Objective, __: ObjectiveReturned, ___: LoggedEvent) -> Changes:
    return {"state": "draft", "approved_at": None}


def _activated(_: Objective, __: ObjectiveActivated, logged: LoggedEvent) -> Changes:
    return {"state": "active", "activated_at": logged.recorded_at}


def _checked_in(before: Objective, event: KeyResultCheckedIn, logged: LoggedEvent) -> Changes:
    return _with(before, before.key_result(event.key_result_id).checked_in(event, logged))


def _check_in_corrected(before: Objective, event: CheckInCorrected, logged: LoggedEvent) -> Changes:
    return _with(before, before.key_result(event.key_result_id).corrected(event, logged))


def _measured(before: Objective, event: KeyResultMeasured, logged: LoggedEvent) -> Changes:
    return _with(before, before.key_result(event.key_result_id).measured(event, logged))


def _linked(before: Objective, event: KeyResultLinked, _: LoggedEvent) -> Changes:
    found = before.key_result(event.key_result_id)
    return _with(before, replace(found, link=Link(kpi=event.kpi, reading=event.reading)))


def _unlinked(before: Objective, event: KeyResultUnlinked, _: LoggedEvent) -> Changes:
    found = before.key_result(event.key_result_id)
    return _with(before, replace(found, link=None, measurement=None))


def _closed(_: Objective, event: ObjectiveClosed, logged: LoggedEvent) -> Changes:
    return {"state": "closed", "ended_at": logged.recorded_at, "outcome": _outcome(event)}


def _rescored(_: Objective, event: ObjectiveRescored, __: LoggedEvent) -> Changes:
    return {"outcome": _outcome(event)}


def _outcome(event: ObjectiveClosed | ObjectiveRescored) -> Outcome:
    return Outcome(score=event.score, verdict=event.verdict, key_results=event.key_results)


def _retrospective(_: Objective, event: RetrospectiveWritten, __: LoggedEvent) -> Changes:
    return {
        "retrospective": Retrospective(
            worked=event.worked, did_not_work=event.did_not_work, carry_on=event.carry_on
        )
    }


def _postponed(_: Objective, __: ObjectivePostponed, logged: LoggedEvent) -> Changes:
    return {"state": "postponed", "ended_at": logged.recorded_at, "approved_at": None}


def _abandoned(_: Objective, __: ObjectiveAbandoned, logged: LoggedEvent) -> Changes:
    return {"state": "abandoned", "ended_at": logged.recorded_at, "approved_at": None}


def _reopened(_: Objective, event: ObjectiveReopened, logged: LoggedEvent) -> Changes:
    return {
        "state": event.state,
        "resumed_at": logged.recorded_at,
        "ended_at": None,
        "outcome": None,
    }


def _carried_over(_: Objective, event: ObjectiveCarriedOver, __: LoggedEvent) -> Changes:
    successor = Successor(objective_id=event.successor_id, cycle_id=event.successor_cycle_id)
    return {"successor": successor}


def _commented(before: Objective, _: ObjectiveCommented, __: LoggedEvent) -> Changes:
    return {"comments": before.comments + 1}


def _acknowledged(before: Objective, _: ObjectiveAcknowledged, __: LoggedEvent) -> Changes:
    return {"acknowledgements": before.acknowledgements + 1}


def _with(before: Objective, changed: KeyResult) -> Changes:
    return {
        "key_results": tuple(
            changed if each.id == changed.id else each for each in before.key_results
        )
    }


_NO_DECISIONS: Final = frozenset({KeyResultMeasured, ObjectiveCommented, ObjectiveAcknowledged})

_CHANGES: Final[Mapping[type, Callable[[Objective, Any, LoggedEvent], Changes]]] = {
    ObjectiveRevised: _revised,
    ObjectiveReassigned: _reassigned,
    ObjectiveDelegated: _delegated,
    KeyResultAdded: _key_result_added,
    KeyResultRevised: _key_result_revised,
    KeyResultRetargeted: _key_result_retargeted,
    KeyResultRemoved: _key_result_removed,
    ObjectiveAligned: _aligned,
    ObjectiveUnaligned: _unaligned,
    ObjectiveProposed: _proposed,
    ObjectiveApproved: _approved,
    ObjectiveReturned: _returned,
    ObjectiveActivated: _activated,
    KeyResultCheckedIn: _checked_in,
    CheckInCorrected: _check_in_corrected,
    KeyResultMeasured: _measured,
    KeyResultLinked: _linked,
    KeyResultUnlinked: _unlinked,
    ObjectiveClosed: _closed,
    ObjectiveRescored: _rescored,
    RetrospectiveWritten: _retrospective,
    ObjectivePostponed: _postponed,
    ObjectiveAbandoned: _abandoned,
    ObjectiveReopened: _reopened,
    ObjectiveCarriedOver: _carried_over,
    ObjectiveCommented: _commented,
    ObjectiveAcknowledged: _acknowledged,
}
