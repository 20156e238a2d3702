"""The only place where an event of the log becomes a published one."""

from collections.abc import Mapping
from typing import Final

from contracts import goals, reviews
from contracts.events import PublishedEvent
from contracts.subjects import event_subject
from services.chassis.eventstore.context import LoggedEvent, fields_of
from services.chassis.eventstore.relay import Publication, published_context
from services.goals.domain import events, review_events

_OF_CYCLES: Final[Mapping[type, type[PublishedEvent]]] = {
    events.CyclePlanned: goals.CyclePlanned,
    events.CycleRevised: goals.CycleRevised,
    events.CycleActivated: goals.CycleActivated,
    events.CycleScoringStarted: goals.CycleScoringStarted,
    events.CycleClosed: goals.CycleClosed,
    events.CycleReopened: goals.CycleReopened,
}
_OF_OBJECTIVES: Final[Mapping[type, type[PublishedEvent]]] = {
    events.ObjectiveDrafted: goals.ObjectiveDrafted,
    events.ObjectiveRevised: goals.ObjectiveRevised,
    events.ObjectiveReassigned: goals.ObjectiveReassigned,
    events.ObjectiveDelegated: goals.ObjectiveDelegated,
    events.KeyResultAdded: goals.KeyResultAdded,
    events.KeyResultRevised: goals.KeyResultRevised,
    events.KeyResultRetargeted: goals.KeyResultRetargeted,
    events.KeyResultRemoved: goals.KeyResultRemoved,
    events.ObjectiveAligned: goals.ObjectiveAligned,
    events.ObjectiveUnaligned: goals.ObjectiveUnaligned,
    events.ObjectiveProposed: goals.ObjectiveProposed,
    events.ObjectiveApproved: goals.ObjectiveApproved,
    events.ObjectiveReturned: goals.ObjectiveReturned,
    events.ObjectiveActivated: goals.ObjectiveActivated,
    events.KeyResultCheckedIn: goals.KeyResultCheckedIn,
    events.CheckInCorrected: goals.CheckInCorrected,
    events.KeyResultLinked: goals.KeyResultLinked,
    events.KeyResultUnlinked: goals.KeyResultUnlinked,
    events.KeyResultMeasured: goals.KeyResultMeasured,
    events.ObjectiveClosed: goals.ObjectiveClosed,
    events.ObjectiveRescored: goals.ObjectiveRescored,
    events.RetrospectiveWritten: goals.RetrospectiveWritten,
    events.ObjectivePostponed: goals.ObjectivePostponed,
    events.ObjectiveAbandoned: goals.ObjectiveAbandoned,
    events.ObjectiveReopened: goals.ObjectiveReopened,
    events.ObjectiveCarriedOver: goals.ObjectiveCarriedOver,
    events.ObjectiveCommented: goals.ObjectiveCommented,
    events.ObjectiveAcknowledged: goals.ObjectiveAcknowledged,
}

_OF_REVIEWS: Final[Mapping[type, type[PublishedEvent]]] = {
    review_events.ReviewOpened: reviews.ReviewOpened,
    review_events.ReviewAssigned: reviews.ReviewAssigned,
    review_events.ReviewCauseFound: reviews.ReviewCauseFound,
    review_events.ReviewActionAdded: reviews.ReviewActionAdded,
    review_events.ReviewActionRevised: reviews.ReviewActionRevised,
    review_events.ReviewActionMoved: reviews.ReviewActionMoved,
    review_events.ReviewClosingProposed: reviews.ReviewClosingProposed,
    review_events.ReviewClosingWithdrawn: reviews.ReviewClosingWithdrawn,
    review_events.ReviewClosed: reviews.ReviewClosed,
    review_events.ReviewReopened: reviews.ReviewReopened,
}


def publish(logged: LoggedEvent) -> Publication:
    """The public shape of a stored event, and the subject it is published to."""
    event_class = type(logged.event)
    if event_class in _OF_CYCLES:
        published, identifier = _OF_CYCLES[event_class], "cycle_id"
    elif event_class in _OF_REVIEWS:
        published, identifier = _OF_REVIEWS[event_class], "review_id"
    else:
        published, identifier = _OF_OBJECTIVES[event_class], "objective_id"
    fields = {
        "context": published_context(logged),
        identifier: logged.originator_id,
        **fields_of(logged.event),
    }
    return Publication(
        subject=event_subject(published.TYPE, str(logged.originator_id)),
        event=published.model_validate(fields, from_attributes=True),
    )
