"""Reviews: opened by hand or by a KPI's breach, assigned, acted on, closed."""

from dataclasses import replace
from uuid import UUID

from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.measuring import caused_by
from services.goals.commands import Change
from services.goals.domain import review
from services.goals.domain.errors import KpiUnknownError
from services.goals.domain.events import Owner
from services.goals.domain.review import Review, Subject
from services.goals.domain.review_errors import ReviewAlreadyOpenError, UnknownSubjectError
from services.goals.domain.review_events import Breach, Recovery
from services.goals.persistence.kpis import Cause, load_kpis
from services.goals.persistence.log import OBJECTIVE, REVIEW
from services.goals.persistence.reviews import find_open_reviews
from services.goals.review_commands import (
    AddAction,
    AssignReview,
    CloseReview,
    FindCause,
    MoveAction,
    OpenReview,
    ReopenReview,
    ReviseAction,
)


def open_review(unit: Unit, command: OpenReview) -> Loaded[Review]:
    """ReviewOpened.

    Raises ReviewAlreadyOpenError, UnknownSubjectError, KpiUnknownError, SubjectEndedError.
    """
    subject = _subject(unit, command)
    answering = _answering(unit, subject)
    review.require_any_of(answering, command.by)
    _require_none_open(unit, subject)
    event = review.open_by_hand(
        subject,
        concern=command.concern,
        owner=command.owner or next(iter(answering), None),
        due_on=command.due_on,
    )
    return unit.record(REVIEW, command.review_id, event)


def assign_review(unit: Unit, command: AssignReview) -> Loaded[Review]:
    """ReviewAssigned. Raises what `review.assign` raises."""
    loaded = _review_to_change(unit, command)
    stands = {"owner": loaded.state.owner, "due_on": loaded.state.due_on}
    event = review.assign(loaded.state, **{**stands, **command.changes})
    return unit.record(REVIEW, loaded.id, event)


def find_cause(unit: Unit, command: FindCause) -> Loaded[Review]:
    """ReviewCauseFound. Raises what `review.find_cause` raises."""
    loaded = _review_to_change(unit, command)
    return unit.record(REVIEW, loaded.id, review.find_cause(loaded.state, cause=command.cause))


def add_action(unit: Unit, command: AddAction) -> Loaded[Review]:
    """ReviewActionAdded. Raises what `review.add_action` raises."""
    loaded = _review_to_change(unit, command)
    return unit.record(REVIEW, loaded.id, review.add_action(loaded.state, command.action))


def revise_action(unit: Unit, command: ReviseAction) -> Loaded[Review]:
    """ReviewActionRevised. Raises what `review.revise_action` raises."""
    loaded = _review_to_change(unit, command)
    revised = replace(loaded.state.action(command.action_id), **command.changes)
    event = review.revise_action(loaded.state, revised)
    return unit.record(REVIEW, loaded.id, event)


def move_action(unit: Unit, command: MoveAction) -> Loaded[Review]:
    """ReviewActionMoved, by the action's owners too. Raises what `review.move_action` raises."""
    found = unit.load(REVIEW, command.id).state
    loaded = _review_to_change(unit, command, also=found.action(command.action_id).owners)
    event = review.move_action(loaded.state, command.action_id, to=command.to)
    return unit.record(REVIEW, loaded.id, event)


def close_review(unit: Unit, command: CloseReview) -> Loaded[Review]:
    """ReviewClosed. Raises what `review.close` raises."""
    loaded = _review_to_change(unit, command)
    return unit.record(REVIEW, loaded.id, review.close(loaded.state, resolution=command.resolution))


def reopen_review(unit: Unit, command: ReopenReview) -> Loaded[Review]:
    """ReviewReopened. Raises ReviewAlreadyOpenError, and what `review.reopen` raises."""
    loaded = _review_to_change(unit, command)
    event = review.reopen(loaded.state, reason=unit.context.reason)
    if loaded.state.state == "closed":
        _require_none_open(unit, loaded.state.subject)
    return unit.record(REVIEW, loaded.id, event)


def review_breach(
    unit: Unit, subject: Subject, breach: Breach, cause: Cause, *, standing: UUID | None
) -> None:
    """ReviewOpened, by the follower; or ReviewClosingWithdrawn where one was to be closed.

    `standing` is the review of the same subject that is not closed. Neither follows where it goes
    on anyway, nor where the breach opened a review already and comes again.
    """
    review_id = standing or review.breach_review_id(breach.event_id, subject)
    found = unit.find(REVIEW, review_id)
    if found is None:
        owner = next(iter(_answering(unit, subject)), None)
        opened = review.open_by_breach(subject, breach, owner=owner)
        unit.record(REVIEW, review_id, opened, context=caused_by(unit, cause))
        return
    withdrawn = review.withdraw_closing(found.state, breach)
    if withdrawn is not None:
        unit.record(REVIEW, review_id, withdrawn, context=caused_by(unit, cause))


def propose_closing(unit: Unit, review_id: UUID, recovery: Recovery, cause: Cause) -> None:
    """ReviewClosingProposed, by the follower, where the review waits for that; else nothing."""
    event = review.propose_closing(unit.load(REVIEW, review_id).state, recovery)
    if event is not None:
        unit.record(REVIEW, review_id, event, context=caused_by(unit, cause))


def _review_to_change(
    unit: Unit, command: Change, *, also: tuple[Owner, ...] = ()
) -> Loaded[Review]:
    """The review. Raises AggregateNotFoundError, NotReviewerError, StaleVersionError."""
    loaded = unit.load(REVIEW, command.id)
    own = () if loaded.state.owner is None else (loaded.state.owner,)
    answering = _answering(unit, loaded.state.subject)
    review.require_any_of((*own, *answering, *also), command.by)
    return loaded.expect(command.version)


def _answering(unit: Unit, subject: Subject) -> tuple[Owner, ...]:
    """Who answers for what is reviewed: an objective's owner and delegates, or a KPI's owner."""
    if subject.objective_id is not None:
        objective = unit.load(OBJECTIVE, subject.objective_id).state
        return objective.owner, *objective.delegates
    assert subject.kpi is not None
    heard = load_kpis(unit.index(), [subject.kpi]).get(subject.kpi)
    return () if heard is None or heard.kpi.owner is None else (heard.kpi.owner,)


def _subject(unit: Unit, command: OpenReview) -> Subject:
    if command.objective_id is not None:
        try:
            objective = unit.load(OBJECTIVE, command.objective_id).state
        except AggregateNotFoundError:
            raise UnknownSubjectError("objective", command.objective_id) from None
        return review.subject_of(objective, command.key_result_id)
    assert command.kpi is not None, "a review is of an objective or of a KPI"
    if command.kpi not in load_kpis(unit.index(), [command.kpi]):
        raise KpiUnknownError(command.kpi)
    return Subject(kpi=command.kpi)


def _require_none_open(unit: Unit, subject: Subject) -> None:
    standing = find_open_reviews(unit.index(), [subject]).get(subject)
    if standing is not None:
        raise ReviewAlreadyOpenError(standing)
