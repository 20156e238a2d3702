"""What an event of an objective's history was, in words: the sentence behind the actor's name."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from uuid import UUID

from services.chassis.eventstore.context import Event
from services.goals.domain.definition import Definition
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
    Owner,
    RetrospectiveWritten,
)
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective

Before = Objective | None


def told(before: Before, event: Event) -> str:
    """What the event did to the objective as it was before, without its actor or its reason."""
    return _TELLERS[type(event)](before, event)


def _drafted(_: Before, event: ObjectiveDrafted) -> str:
    going_on = f", going on from {event.predecessor_id}" if event.predecessor_id else ""
    return f"drafted “{event.title}” for {_owner(event.owner)} ({event.ambition}){going_on}"


def _revised(before: Before, event: ObjectiveRevised) -> str:
    assert before is not None
    done = []
    if event.title != before.title:
        done.append(f"renamed it from “{before.title}” to “{event.title}”")
    changed = [
        name
        for name in ("description", "ambition", "labels")
        if getattr(event, name) != getattr(before, name)
    ]
    if changed:
        done.append(f"revised its {' and '.join(changed)}")
    return "; ".join(done)


def _reassigned(before: Before, event: ObjectiveReassigned) -> str:
    assert before is not None
    return f"handed it from {_owner(before.owner)} to {_owner(event.owner)}"


def _delegated(_: Before, event: ObjectiveDelegated) -> str:
    if not event.delegates:
        return "let nobody change it in its owner's name any more"
    return f"let {', '.join(map(_owner, event.delegates))} change it in its owner's name"


def _added(_: Before, event: KeyResultAdded) -> str:
    aim = _aim(event, event.unit)
    return f"added the key result “{event.title}”: {aim}, weight {event.weight:g}"


def _key_result_revised(before: Before, event: KeyResultRevised) -> str:
    definition = _key_result(before, event).definition
    done = []
    if event.title != definition.title:
        done.append(f"renamed the key result “{definition.title}” to “{event.title}”")
    changed = [
        f"{name.replace('_', ' ')} from {_shown(old)} to {_shown(getattr(event, name))}"
        for name in ("unit", "weight", "due_on")
        if (old := getattr(definition, name)) != getattr(event, name)
    ]
    if changed:
        done.append(f"revised “{event.title}”: {', '.join(changed)}")
    return "; ".join(done)


def _retargeted(before: Before, event: KeyResultRetargeted) -> str:
    definition = _key_result(before, event).definition
    was, now = _aim(definition, definition.unit), _aim(event, definition.unit)
    return f"revised the target of “{definition.title}”: {now} (was: {was})"


def _removed(before: Before, event: KeyResultRemoved) -> str:
    return f"removed the key result “{_key_result(before, event).definition.title}”"


def _aligned(_: Before, event: ObjectiveAligned) -> str:
    place = _place(event)
    if event.kind == "supports":
        return f"aligned it below {place}, as support"
    return f"aligned it below {place}, contributing with weight {event.weight:g}"


def _unaligned(_: Before, event: ObjectiveUnaligned) -> str:
    return f"ended its alignment below {_place(event)}"


def _proposed(_: Before, __: ObjectiveProposed) -> str:
    return "proposed it"


def _approved(_: Before, __: ObjectiveApproved) -> str:
    return "approved it"


def _returned(_: Before, __: ObjectiveReturned) -> str:
    return "returned it to be written anew"


def _activated(_: Before, __: ObjectiveActivated) -> str:
    return "activated it"


def _checked_in(before: Before, event: KeyResultCheckedIn) -> str:
    found = _key_result(before, event)
    title = found.definition.title
    return f"checked in {_said(found, event)} on “{title}”{_was(found)}{_more(event)}"


def _check_in_corrected(before: Before, event: CheckInCorrected) -> str:
    found = _key_result(before, event)
    was, now = _value(found, event.was), _said(found, event)
    return f"corrected a check-in on “{found.definition.title}” from {was} to {now}{_more(event)}"


def _linked(before: Before, event: KeyResultLinked) -> str:
    title = _key_result(before, event).definition.title
    return f"had “{title}” follow the KPI {event.kpi} ({event.reading} value)"


def _unlinked(before: Before, event: KeyResultUnlinked) -> str:
    title = _key_result(before, event).definition.title
    return f"had “{title}” no longer follow the KPI {event.kpi}"


def _measured(before: Before, event: KeyResultMeasured) -> str:
    found = _key_result(before, event)
    return (
        f"measured {_value(found, event.value)} on “{found.definition.title}”{_was(found)} "
        f"by the KPI {event.kpi}, period from {event.period_start.isoformat()}"
    )


def _closed(_: Before, event: ObjectiveClosed) -> str:
    return f"closed it with a score of {event.score:.3g}: {event.verdict}{_set_by_hand(event)}"


def _rescored(before: Before, event: ObjectiveRescored) -> str:
    assert before is not None
    assert before.outcome is not None
    was, now = before.outcome.score, event.score
    return f"scored it anew, {now:.3g} instead of {was:.3g}: {event.verdict}{_set_by_hand(event)}"


def _retrospective(_: Before, event: RetrospectiveWritten) -> str:
    said = (
        ("what worked", event.worked),
        ("what did not", event.did_not_work),
        ("what to carry on", event.carry_on),
    )
    written = [f"{what}: {text}" for what, text in said if text]
    return f"wrote down {'; '.join(written)}" if written else "took the retrospective back"


def _postponed(_: Before, __: ObjectivePostponed) -> str:
    return "postponed it"


def _abandoned(_: Before, __: ObjectiveAbandoned) -> str:
    return "abandoned it"


def _reopened(_: Before, event: ObjectiveReopened) -> str:
    return f"reopened it: it is {event.state} again"


def _carried_over(_: Before, event: ObjectiveCarriedOver) -> str:
    return f"carried it over as {event.successor_id} into the cycle {event.successor_cycle_id}"


def _commented(_: Before, event: ObjectiveCommented) -> str:
    about = "" if event.check_in_id is None else f" on the check-in {event.check_in_id}"
    return f"commented{about}: {event.text}"


def _acknowledged(_: Before, event: ObjectiveAcknowledged) -> str:
    about = "it" if event.check_in_id is None else f"the check-in {event.check_in_id}"
    return f"took note of {about}"


_TELLERS: Final[Mapping[type, Callable[[Before, Any], str]]] = {
    ObjectiveDrafted: _drafted,
    ObjectiveRevised: _revised,
    ObjectiveReassigned: _reassigned,
    ObjectiveDelegated: _delegated,
    KeyResultAdded: _added,
    KeyResultRevised: _key_result_revised,
    KeyResultRetargeted: _retargeted,
    KeyResultRemoved: _removed,
    ObjectiveAligned: _aligned,
    ObjectiveUnaligned: _unaligned,
    ObjectiveProposed: _proposed,
    ObjectiveApproved: _approved,
    ObjectiveReturned: _returned,
    ObjectiveActivated: _activated,
    KeyResultCheckedIn: _checked_in,
    CheckInCorrected: _check_in_corrected,
    KeyResultLinked: _linked,
    KeyResultUnlinked: _unlinked,
    KeyResultMeasured: _measured,
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


class _OfKeyResult(Protocol):
    @property
    def key_result_id(self) -> UUID:
        """The key result that an event is about."""


def _key_result(before: Before, event: _OfKeyResult) -> KeyResult:
    assert before is not None
    return before.key_result(event.key_result_id)


def _place(event: ObjectiveAligned | ObjectiveUnaligned) -> str:
    if event.parent_key_result_id is None:
        return f"the objective {event.parent_objective_id}"
    return f"the key result {event.parent_key_result_id} of {event.parent_objective_id}"


def _aim(aimed: KeyResultAdded | KeyResultRetargeted | Definition, unit: str) -> str:
    """What is to be reached."""
    if aimed.type == "milestones":
        return f"{len(aimed.milestones)} milestone(s)"
    if aimed.type == "binary":
        return "to be done"
    if aimed.type == "maintain":
        bounds = (("at least", aimed.lower), ("at most", aimed.upper))
        within = [f"{word} {_amount(bound, unit)}" for word, bound in bounds if bound is not None]
        return f"maintain {' and '.join(within)}"
    assert aimed.baseline is not None
    assert aimed.target is not None
    return f"{aimed.type} from {aimed.baseline:g} to {_amount(aimed.target, unit)}"


def _said(found: KeyResult, event: KeyResultCheckedIn | CheckInCorrected) -> str:
    if found.definition.type != "milestones":
        return _value(found, event.value)
    done, all_of_them = len(event.milestones_done), len(found.definition.milestones)
    return f"{done} of {all_of_them} milestones"


def _more(event: KeyResultCheckedIn | CheckInCorrected) -> str:
    more = ""
    if event.confidence is not None:
        more += f", confidence {event.confidence:.0%}"
    if event.status is not None:
        more += f", {event.status.replace('_', ' ')}"
    return f"{more}: {event.comment}" if event.comment else more


def _set_by_hand(event: ObjectiveClosed | ObjectiveRescored) -> str:
    chosen = [
        f"{each.score:.3g} instead of {_shown(each.computed)} ({each.reason})"
        for each in event.key_results
        if each.reason is not None
    ]
    return f"; set by hand: {', '.join(chosen)}" if chosen else ""


def _was(found: KeyResult) -> str:
    return f" (was {_value(found, found.current.value)})" if found.current else ""


def _value(found: KeyResult, value: float) -> str:
    if found.definition.type == "binary":
        return "done" if value else "not done"
    if found.definition.type == "milestones":
        return f"{value:.0%} of the milestones"
    return _amount(value, found.definition.unit)


def _amount(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()


def _owner(owner: Owner) -> str:
    return f"the {owner.kind} {owner.id}"


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
