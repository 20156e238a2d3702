"""How an objective follows from its events: what each of them changes, without any decision."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import key_result
from services.goals.domain.events import (
    CheckInCorrected,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultRemoved,
    KeyResultRetargeted,
    KeyResultRevised,
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
    RetrospectiveWritten,
)
from services.goals.domain.key_result import KeyResult, Link
from services.goals.domain.objective import (
    Alignment,
    Objective,
    Outcome,
    Retrospective,
    Successor,
)


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
