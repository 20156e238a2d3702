"""What happened to a review, told: a sentence for each event, and what it changed."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import review as reviews
from services.goals.domain.events import Owner
from services.goals.domain.review import Review
from services.goals.domain.review_events import (
    Breach,
    ReviewActionAdded,
    ReviewActionMoved,
    ReviewActionRevised,
    ReviewAssigned,
    ReviewCauseFound,
    ReviewClosed,
    ReviewClosingProposed,
    ReviewClosingWithdrawn,
    ReviewOpened,
    ReviewReopened,
)
from services.goals.history import Entry, changes, sentence

# A place in another log, which the recovery or the breach that moved it says as well.
_SAID_ELSEWHERE: Final = "/heard_position"


def tell(before: Review | None, logged: LoggedEvent) -> tuple[Review, Entry]:
    """The review after the event, and the event told."""
    after = reviews.evolve(before, logged)
    changed = [each for each in changes(before, after) if each.path != _SAID_ELSEWHERE]
    what = _TELLERS[type(logged.event)](before, logged.event)
    return after, Entry(logged, changed, sentence(logged, what))


def _opened(_: Review | None, event: ReviewOpened) -> str:
    owner = f" for {_owner(event.owner)}" if event.owner else ""
    told = f"opened a review of {_subject(event)}{owner}{_due(event.due_on)}"
    if event.breach is not None:
        return f"{told}: {_breached(event.kpi, event.breach)}"
    return f"{told}: {event.concern}"


def _assigned(_: Review | None, event: ReviewAssigned) -> str:
    return f"assigned it to {_owner(event.owner)}{_due(event.due_on)}"


def _cause_found(before: Review | None, event: ReviewCauseFound) -> str:
    assert before is not None
    return f"found {'another' if before.cause else 'the'} cause: {event.cause}"


def _action_added(_: Review | None, event: ReviewActionAdded) -> str:
    return f"added the action “{event.title}”{_by(event)}"


def _action_revised(before: Review | None, event: ReviewActionRevised) -> str:
    assert before is not None
    was = before.action(event.action_id).title
    return f"revised the action “{was}”: “{event.title}”{_by(event)}"


def _action_moved(before: Review | None, event: ReviewActionMoved) -> str:
    assert before is not None
    found = before.action(event.action_id)
    return f"moved the action “{found.title}” from {_words(found.state)} to {_words(event.state)}"


def _closing_proposed(before: Review | None, event: ReviewClosingProposed) -> str:
    assert before is not None
    recovery = event.recovery
    return (
        f"proposed to close it: the KPI {before.subject.kpi} recovered, with {recovery.value:g} "
        f"in the period from {recovery.period_start.isoformat()}"
    )


def _closing_withdrawn(before: Review | None, event: ReviewClosingWithdrawn) -> str:
    assert before is not None
    again = _breached(before.subject.kpi, event.breach)
    return f"withdrew the proposal to close it: {again}"


def _closed(_: Review | None, event: ReviewClosed) -> str:
    return f"closed it: {event.resolution}"


def _reopened(before: Review | None, _: ReviewReopened) -> str:
    assert before is not None
    return "reopened it" if before.state == "closed" else "declined to close it"


_TELLERS: Final[Mapping[type, Callable[[Review | None, Any], str]]] = {
    ReviewOpened: _opened,
    ReviewAssigned: _assigned,
    ReviewCauseFound: _cause_found,
    ReviewActionAdded: _action_added,
    ReviewActionRevised: _action_revised,
    ReviewActionMoved: _action_moved,
    ReviewClosingProposed: _closing_proposed,
    ReviewClosingWithdrawn: _closing_withdrawn,
    ReviewClosed: _closed,
    ReviewReopened: _reopened,
}


def _subject(event: ReviewOpened) -> str:
    if event.objective_id is None:
        return f"the KPI {event.kpi}"
    if event.key_result_id is None:
        return f"the objective {event.objective_id}"
    return f"the key result {event.key_result_id} of {event.objective_id}"


def _breached(kpi: str | None, breach: Breach) -> str:
    return (
        f"the KPI {kpi} is {breach.status}, with {breach.value:g} against {breach.threshold:g} "
        f"in the period from {breach.period_start.isoformat()}"
    )


def _by(event: ReviewActionAdded | ReviewActionRevised) -> str:
    owners = " and ".join(map(_owner, event.owners))
    return f", to be done by {owners}{_due(event.due_on)}"


def _owner(owner: Owner) -> str:
    return f"the {owner.kind} {owner.id}"


def _due(due_on: date | None) -> str:
    return f", due on {due_on.isoformat()}" if due_on else ""


def _words(state: str) -> str:
    return state.replace("_", " ")
