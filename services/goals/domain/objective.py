"""Objectives and their key results: drafted, activated, closed with a score."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.goals import AlignmentKind, Ambition, Verdict
from contracts.progress import KeyResultProgress, Part, verdict, weighted_mean
from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import key_result
from services.goals.domain.cycle import Cycle, require_unlocked
from services.goals.domain.errors import (
    CycleNotActiveError,
    CycleNotOpenError,
    KeyResultNotFoundError,
    NoKeyResultsError,
    NothingToScoreError,
    ObjectiveState,
    ObjectiveStateError,
    TooManyKeyResultsError,
)
from services.goals.domain.events import (
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultScore,
    KeyResultUnlinked,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveClosed,
    ObjectiveDrafted,
    ObjectiveUnaligned,
    Owner,
)
from services.goals.domain.key_result import Definition, KeyResult, Link

MAX_KEY_RESULTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What the objective stands below, and whether it rolls up (`contributes`) or only shows."""

    parent_objective_id: UUID
    parent_key_result_id: UUID | None
    kind: AlignmentKind
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an objective ended: its score and each key result's, from 0 to 1."""

    score: float
    verdict: Verdict
    key_results: Mapping[UUID, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Something to achieve in a cycle, and the key results that show it.

    `position` is the place of its last event in the log.
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
    key_results: tuple[KeyResult, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    outcome: Outcome | None = None

    def key_result(self, key_result_id: UUID) -> KeyResult:
        """One of its key results. Raises KeyResultNotFoundError."""
        for each in self.key_results:
            if each.id == key_result_id:
                return each
        raise KeyResultNotFoundError(key_result_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An objective as it is first written down, with as many key results as are known by now."""

    cycle_id: UUID
    title: str
    description: str
    owner: Owner
    ambition: Ambition
    key_results: Mapping[UUID, Definition]


def draft(cycle: Cycle, written: Draft) -> list[ObjectiveDrafted | KeyResultAdded]:
    """A new objective.

    Raises CycleNotOpenError, TooManyKeyResultsError, and what `key_result.define` raises.
    """
    if cycle.state not in ("planned", "active"):
        raise CycleNotOpenError(cycle.state)
    if len(written.key_results) > MAX_KEY_RESULTS:
        raise TooManyKeyResultsError(MAX_KEY_RESULTS)
    drafted = ObjectiveDrafted(
        cycle_id=written.cycle_id,
        title=written.title,
        description=written.description,
        owner=written.owner,
        ambition=written.ambition,
    )
    added = (
        key_result.define(each, key_result_id=id_) for id_, each in written.key_results.items()
    )
    return [drafted, *added]


def add_key_result(
    objective: Objective, cycle: Cycle, *, key_result_id: UUID, definition: Definition
) -> KeyResultAdded:
    """One more key result, while the objective is not closed.

    Raises CycleLockedError, ObjectiveStateError, TooManyKeyResultsError, and what
    `key_result.define` raises.
    """
    require_open(objective, cycle)
    if len(objective.key_results) >= MAX_KEY_RESULTS:
        raise TooManyKeyResultsError(MAX_KEY_RESULTS)
    return key_result.define(definition, key_result_id=key_result_id)


def activate(objective: Objective, cycle: Cycle) -> ObjectiveActivated:
    """Begin to work on it.

    Raises CycleLockedError, ObjectiveStateError, CycleNotActiveError, NoKeyResultsError.
    """
    require_open(objective, cycle)
    if objective.state != "draft":
        raise ObjectiveStateError(objective.state)
    if cycle.state != "active":
        raise CycleNotActiveError(cycle.state)
    if not objective.key_results:
        raise NoKeyResultsError
    return ObjectiveActivated()


def close(
    objective: Objective, cycle: Cycle, *, progress: Mapping[UUID, KeyResultProgress]
) -> ObjectiveClosed:
    """Score and close it. `progress` is where each of its key results stands.

    Raises CycleLockedError, ObjectiveStateError, NothingToScoreError.
    """
    require_open(objective, cycle)
    if objective.state != "active":
        raise ObjectiveStateError(objective.state)
    scores = {each.id: progress[each.id].progress for each in objective.key_results}
    score = weighted_mean(
        Part(scores[each.id], each.definition.weight) for each in objective.key_results
    )
    if score is None:
        raise NothingToScoreError
    return ObjectiveClosed(
        score=score,
        verdict=verdict(ambition=objective.ambition, score=score),
        key_results=tuple(
            KeyResultScore(key_result_id=each_id, score=each) for each_id, each in scores.items()
        ),
    )


def require_open(objective: Objective, cycle: Cycle) -> None:
    """Raise CycleLockedError or ObjectiveStateError when the objective cannot change any more."""
    require_unlocked(cycle)
    if objective.state == "closed":
        raise ObjectiveStateError(objective.state)


def evolve(objective: Objective | None, logged: LoggedEvent) -> Objective:
    """The objective after one more event."""
    event = logged.event
    if isinstance(event, ObjectiveDrafted):
        return _drafted(event, logged)
    assert objective is not None
    assert logged.recorded_at is not None
    assert logged.position is not None
    changes = _CHANGES[type(event)](objective, event, logged)
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
        state="draft",
        drafted_at=logged.recorded_at,
        changed_at=logged.recorded_at,
        position=logged.position,
    )


def _key_result_added(before: Objective, event: KeyResultAdded, _: LoggedEvent) -> dict[str, Any]:
    return {"key_results": (*before.key_results, key_result.added(event))}


def _aligned(before: Objective, event: ObjectiveAligned, _: LoggedEvent) -> dict[str, Any]:
    alignment = Alignment(
        parent_objective_id=event.parent_objective_id,
        parent_key_result_id=event.parent_key_result_id,
        kind=event.kind,
        weight=event.weight,
    )
    return {"alignments": (*before.alignments, alignment)}


def _unaligned(before: Objective, event: ObjectiveUnaligned, _: LoggedEvent) -> dict[str, Any]:
    ended = (event.parent_objective_id, event.parent_key_result_id)
    return {
        "alignments": tuple(
            each
            for each in before.alignments
            if (each.parent_objective_id, each.parent_key_result_id) != ended
        )
    }


def _activated(_before: Objective, _event: ObjectiveActivated, _: LoggedEvent) -> dict[str, Any]:
    return {"state": "active"}


def _checked_in(
    before: Objective, event: KeyResultCheckedIn, logged: LoggedEvent
) -> dict[str, Any]:
    return _with(before, before.key_result(event.key_result_id).checked_in(event, logged))


def _measured(before: Objective, event: KeyResultMeasured, logged: LoggedEvent) -> dict[str, Any]:
    return _with(before, before.key_result(event.key_result_id).measured(event, logged))


def _linked(before: Objective, event: KeyResultLinked, _: LoggedEvent) -> dict[str, Any]:
    found = before.key_result(event.key_result_id)
    return _with(before, replace(found, link=Link(kpi=event.kpi, reading=event.reading)))


def _unlinked(before: Objective, event: KeyResultUnlinked, _: LoggedEvent) -> dict[str, Any]:
    found = before.key_result(event.key_result_id)
    return _with(before, replace(found, link=None, measurement=None))


def _closed(_before: Objective, event: ObjectiveClosed, _: LoggedEvent) -> dict[str, Any]:
    outcome = Outcome(
        score=event.score,
        verdict=event.verdict,
        key_results={each.key_result_id: each.score for each in event.key_results},
    )
    return {"state": "closed", "outcome": outcome}


def _with(before: Objective, changed: KeyResult) -> dict[str, Any]:
    return {
        "key_results": tuple(
            changed if each.id == changed.id else each for each in before.key_results
        )
    }


_CHANGES: Final[Mapping[type, Callable[[Objective, Any, LoggedEvent], dict[str, Any]]]] = {
    KeyResultAdded: _key_result_added,
    ObjectiveAligned: _aligned,
    ObjectiveUnaligned: _unaligned,
    ObjectiveActivated: _activated,
    KeyResultCheckedIn: _checked_in,
    KeyResultMeasured: _measured,
    KeyResultLinked: _linked,
    KeyResultUnlinked: _unlinked,
    ObjectiveClosed: _closed,
}
