"""Reviews as JSON documents, in the shapes of `review_schemas.py`."""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from services.chassis.eventstore.unit import Answer, Loaded, Unit
from services.chassis.responses import to_json
from services.goals.api.answers import CREATED, OK
from services.goals.domain.events import Owner
from services.goals.domain.review import Action, Review
from services.goals.persistence.reviews import ReviewItem

Document = dict[str, Any]


def opened_answer(unit: Unit, loaded: Loaded[Review]) -> Answer:
    """The review as it was opened."""
    answer = review_answer(unit, loaded)
    return replace(answer, status=CREATED, location=f"/v1/reviews/{loaded.id}")


def added_answer(unit: Unit, loaded: Loaded[Review]) -> Answer:
    """The review with what was added to it."""
    location = f"/v1/reviews/{loaded.id}?version={loaded.version}"
    return replace(review_answer(unit, loaded), status=CREATED, location=location)


def review_answer(unit: Unit, loaded: Loaded[Review]) -> Answer:
    """The review as the command left it."""
    document = review_document(loaded, today=unit.now.date())
    return Answer(OK, to_json(document), etag=loaded.version)


def review_document(loaded: Loaded[Review], *, today: date) -> Document:
    """A ReviewShape."""
    review = loaded.state
    return {
        "id": loaded.id,
        "objective_id": review.subject.objective_id,
        "key_result_id": review.subject.key_result_id,
        "kpi": review.subject.kpi,
        "state": review.state,
        "owner": _owner(review.owner) if review.owner else None,
        "due_on": review.due_on,
        "overdue": review.overdue(today),
        "concern": review.concern,
        "breach": asdict(review.breach) if review.breach else None,
        "recovery": asdict(review.recovery) if review.recovery else None,
        "cause": review.cause,
        "actions": [_action(each, review, today) for each in review.actions],
        "resolution": review.resolution,
        "opened_at": review.opened_at,
        "changed_at": review.changed_at,
        "version": loaded.version,
    }


def review_item(item: ReviewItem, *, today: date) -> Document:
    """A ReviewItemShape."""
    has_owner = item.owner_kind is not None
    return {
        "id": item.id,
        "objective_id": item.objective_id,
        "key_result_id": item.key_result_id,
        "kpi": item.kpi,
        "by_breach": item.by_breach,
        "state": item.state,
        "owner": {"kind": item.owner_kind, "id": item.owner_id} if has_owner else None,
        "due_on": item.due_on,
        "overdue": item.state != "closed" and item.due_on is not None and item.due_on < today,
        "opened_at": item.opened_at,
        "updated_at": item.updated_at,
        "version": item.version,
    }


def _action(action: Action, review: Review, today: date) -> Document:
    return {
        "id": action.id,
        "title": action.title,
        "owners": [_owner(each) for each in action.owners],
        "due_on": action.due_on,
        "state": action.state,
        "overdue": review.state != "closed" and action.overdue(today),
    }


def _owner(owner: Owner) -> Document:
    return {"kind": owner.kind, "id": owner.id}
