"""Reviews: why something stands where it stands, what is done about it, and how that ended."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from contracts.reviews import ActionState, ReviewState
from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain.authority import ADMIN_SCOPE, Authority
from services.goals.domain.errors import (
    KeyResultNotFoundError,
    NothingChangesError,
    ReasonRequiredError,
)
from services.goals.domain.events import Owner
from services.goals.domain.objective import Objective
from services.goals.domain.review_errors import (
    ActionNotFoundError,
    ActionsLeftError,
    ActionStateError,
    NotReviewerError,
    ReviewStateError,
    SubjectEndedError,
    TooManyActionsError,
    UnknownSubjectError,
)
from services.goals.domain.review_events import (
    Breach,
    Recovery,
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

MAX_ACTIONS: Final = 50
MAX_ACTION_OWNERS: Final = 10

# Namespace of the ids of reviews that a breach opens: what comes again opens the same one.
_BREACH_REVIEWS: Final = UUID("3c1c3d0e-6c1c-5f0b-8f2a-2b7d8a9e4f10")

_SETTLED: Final = frozenset[ActionState]({"done", "dropped"})
_ENDED: Final = frozenset({"closed", "abandoned"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a review is about: an objective, a key result of it, or a KPI alone.

    With a key result, `kpi` is the one that it followed when the review was opened.
    """

    objective_id: UUID | None = None
    key_result_id: UUID | None = None
    kpi: str | None = None

    @property
    def key(self) -> str:
        """The subject in one word, the same for the same."""
        return f"{self.objective_id or ''}/{self.key_result_id or ''}/{self.kpi or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that is to be done; any of its owners may say how far it is."""

    id: UUID
    title: str
    owners: tuple[Owner, ...]
    due_on: date | None
    state: ActionState = "open"

    def overdue(self, today: date) -> bool:
        """Whether it should be done by now."""
        return self.state not in _SETTLED and self.due_on is not None and self.due_on < today


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review as it stands.

    `breach` opened it, or is the last one since; it has none where it was opened by hand.
    `recovery` is what closing was last proposed for. `position` is the place of its last event in
    the log, `heard_position` that of the last thing heeded of its KPI in the metrics log.
    """

    id: UUID
    subject: Subject
    state: ReviewState
    owner: Owner | None
    due_on: date | None
    concern: str
    opened_at: datetime
    changed_at: datetime
    position: int
    breach: Breach | None = None
    recovery: Recovery | None = None
    cause: str = ""
    actions: tuple[Action, ...] = ()
    resolution: str = ""
    heard_position: int = 0

    def action(self, action_id: UUID) -> Action:
        """One of its actions. Raises ActionNotFoundError."""
        for each in self.actions:
            if each.id == action_id:
                return each
        raise ActionNotFoundError(action_id)

    def overdue(self, today: date) -> bool:
        """Whether it should be closed by now."""
        return self.state != "closed" and self.due_on is not None and self.due_on < today


def breach_review_id(event_id: UUID, subject: Subject) -> UUID:
    """The id of the review that a breach, known by its event, opens on a subject."""
    return uuid5(_BREACH_REVIEWS, f"{event_id}/{subject.key}")


def subject_of(objective: Objective, key_result_id: UUID | None) -> Subject:
    """The objective, or one key result of it with the KPI it follows, as something to review.

    Raises SubjectEndedError, UnknownSubjectError.
    """
    if objective.state in _ENDED:
        raise SubjectEndedError(objective.state)
    if key_result_id is None:
        return Subject(objective_id=objective.id)
    try:
        link = objective.key_result(key_result_id).link
    except KeyResultNotFoundError:
        raise UnknownSubjectError("key result", key_result_id) from None
    return Subject(
        objective_id=objective.id, key_result_id=key_result_id, kpi=link.kpi if link else None
    )


def open_by_hand(
    subject: Subject, *, concern: str, owner: Owner | None, due_on: date | None
) -> ReviewOpened:
    """A review that somebody wants."""
    return _opened(subject, owner=owner, due_on=due_on, concern=concern, breach=None)


def open_by_breach(subject: Subject, breach: Breach, *, owner: Owner | None) -> ReviewOpened:
    """A review that a KPI's breach calls for."""
    return _opened(subject, owner=owner, due_on=None, concern="", breach=breach)


def assign(review: Review, *, owner: Owner, due_on: date | None) -> ReviewAssigned:
    """Have this owner answer for it until that day.

    Raises ReviewStateError, NothingChangesError.
    """
    _require_not_closed(review)
    if (owner, due_on) == (review.owner, review.due_on):
        raise NothingChangesError
    return ReviewAssigned(owner=owner, due_on=due_on)


def find_cause(review: Review, *, cause: str) -> ReviewCauseFound:
    """Say what the cause is. Raises ReviewStateError, NothingChangesError."""
    _require_not_closed(review)
    if cause == review.cause:
        raise NothingChangesError
    return ReviewCauseFound(cause=cause)


def add_action(review: Review, action: Action) -> ReviewActionAdded:
    """Decide that something is to be done. Raises ReviewStateError, TooManyActionsError."""
    _require_not_closed(review)
    if len(review.actions) >= MAX_ACTIONS:
        raise TooManyActionsError(MAX_ACTIONS)
    return ReviewActionAdded(
        action_id=action.id, title=action.title, owners=action.owners, due_on=action.due_on
    )


def revise_action(review: Review, revised: Action) -> ReviewActionRevised:
    """Say anew what is to be done, by whom and until when.

    Raises ReviewStateError, ActionNotFoundError, NothingChangesError.
    """
    _require_not_closed(review)
    if review.action(revised.id) == revised:
        raise NothingChangesError
    return ReviewActionRevised(
        action_id=revised.id, title=revised.title, owners=revised.owners, due_on=revised.due_on
    )


def move_action(review: Review, action_id: UUID, *, to: ActionState) -> ReviewActionMoved:
    """Say how far an action is. Raises ReviewStateError, ActionNotFoundError, ActionStateError."""
    _require_not_closed(review)
    if review.action(action_id).state == to:
        raise ActionStateError(to)
    return ReviewActionMoved(action_id=action_id, state=to)


def propose_closing(review: Review, recovery: Recovery) -> ReviewClosingProposed | None:
    """What the KPI's recovery means for a review: that it may be closed, or nothing.

    It never raises: whoever follows the metrics must not be stopped by one review.
    """
    if review.state != "open" or review.breach is None:
        return None
    if recovery.metrics_position <= review.heard_position:
        return None
    return ReviewClosingProposed(recovery=recovery)


def withdraw_closing(review: Review, breach: Breach) -> ReviewClosingWithdrawn | None:
    """What another breach means for a review: that closing it was proposed too soon, or nothing.

    It never raises, for the reason that `propose_closing` has.
    """
    if review.state != "closing_proposed" or breach.metrics_position <= review.heard_position:
        return None
    return ReviewClosingWithdrawn(breach=breach)


def close(review: Review, *, resolution: str) -> ReviewClosed:
    """End it, proposed or not. Raises ReviewStateError, ActionsLeftError."""
    _require_not_closed(review)
    left = [each.id for each in review.actions if each.state not in _SETTLED]
    if left:
        raise ActionsLeftError(left)
    return ReviewClosed(resolution=resolution)


def reopen(review: Review, *, reason: str | None) -> ReviewReopened:
    """Go on with a review that is closed, or is proposed to be.

    Raises ReviewStateError, ReasonRequiredError.
    """
    if review.state == "open":
        raise ReviewStateError(review.state)
    if not reason:
        raise ReasonRequiredError("Reopening a review")
    return ReviewReopened()


def require_any_of(owners: Iterable[Owner], by: Authority) -> None:
    """Raise NotReviewerError unless `by` speaks for one of them or is an administrator."""
    named = list(dict.fromkeys(owners))
    if by.admin or any(by.speaks_for(each) for each in named):
        return
    missing = [f"{each.kind} {each.id}" for each in named if each.kind != "company"]
    raise NotReviewerError(
        "A review is changed by who answers for it or for what it is about, an action is moved by "
        "its owners too, and administrators may do anything.",
        missing=[*missing, ADMIN_SCOPE],
    )


def evolve(review: Review | None, logged: LoggedEvent) -> Review:
    """The review after one more event."""
    assert logged.recorded_at is not None
    assert logged.position is not None
    event = logged.event
    if isinstance(event, ReviewOpened):
        return _begun(event, logged)
    assert review is not None
    changes = _CHANGES[type(event)](review, event)
    return replace(review, changed_at=logged.recorded_at, position=logged.position, **changes)


def _opened(
    subject: Subject,
    *,
    owner: Owner | None,
    due_on: date | None,
    concern: str,
    breach: Breach | None,
) -> ReviewOpened:
    return ReviewOpened(
        objective_id=subject.objective_id,
        key_result_id=subject.key_result_id,
        kpi=subject.kpi,
        owner=owner,
        due_on=due_on,
        concern=concern,
        breach=breach,
    )


def _require_not_closed(review: Review) -> None:
    if review.state == "closed":
        raise ReviewStateError(review.state)


def _begun(event: ReviewOpened, logged: LoggedEvent) -> Review:
    assert logged.recorded_at is not None
    assert logged.position is not None
    return Review(
        id=logged.originator_id,
        subject=Subject(
            objective_id=event.objective_id, key_result_id=event.key_result_id, kpi=event.kpi
        ),
        state="open",
        owner=event.owner,
        due_on=event.due_on,
        concern=event.concern,
        opened_at=logged.recorded_at,
        changed_at=logged.recorded_at,
        position=logged.position,
        breach=event.breach,
        heard_position=event.breach.metrics_position if event.breach else 0,
    )


def _assigned(_: Review, event: ReviewAssigned) -> dict[str, Any]:
    return {"owner": event.owner, "due_on": event.due_on}


def _cause_found(_: Review, event: ReviewCauseFound) -> dict[str, Any]:
    return {"cause": event.cause}


def _action_added(before: Review, event: ReviewActionAdded) -> dict[str, Any]:
    added = Action(id=event.action_id, title=event.title, owners=event.owners, due_on=event.due_on)
    return {"actions": (*before.actions, added)}


def _action_revised(before: Review, event: ReviewActionRevised) -> dict[str, Any]:
    found = before.action(event.action_id)
    return _with(
        before, replace(found, title=event.title, owners=event.owners, due_on=event.due_on)
    )


def _action_moved(before: Review, event: ReviewActionMoved) -> dict[str, Any]:
    return _with(before, replace(before.action(event.action_id), state=event.state))


def _closing_proposed(_: Review, event: ReviewClosingProposed) -> dict[str, Any]:
    return {
        "state": "closing_proposed",
        "recovery": event.recovery,
        "heard_position": event.recovery.metrics_position,
    }


def _closing_withdrawn(_: Review, event: ReviewClosingWithdrawn) -> dict[str, Any]:
    return {
        "state": "open",
        "breach": event.breach,
        "recovery": None,
        "heard_position": event.breach.metrics_position,
    }


def _closed(_: Review, event: ReviewClosed) -> dict[str, Any]:
    return {"state": "closed", "resolution": event.resolution}


def _reopened(_before: Review, _event: ReviewReopened) -> dict[str, Any]:
    return {"state": "open", "resolution": "", "recovery": None}


def _with(before: Review, changed: Action) -> dict[str, Any]:
    return {"actions": tuple(changed if each.id == changed.id else each for each in before.actions)}


_CHANGES: Final[Mapping[type, Callable[[Review, Any], dict[str, Any]]]] = {
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
