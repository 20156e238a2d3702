"""Every stored event has one published shape, and loses nothing on the way."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from contracts import goals, reviews
from contracts.events import PublishedEvent
from contracts.examples import EXAMPLES
from contracts.subjects import event_subject
from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.goals.domain.events import EVENTS
from services.goals.domain.review_events import REVIEW_EVENTS
from services.goals.publishing import publish

STORED = (*EVENTS, *REVIEW_EVENTS)
PUBLISHED = (*goals.PUBLISHED, *reviews.PUBLISHED)
BY_NAME: Mapping[str, type[Event]] = {each.__name__: each for each in STORED}


def logged(example: PublishedEvent) -> LoggedEvent:
    """The stored event that an example of the contracts would have come from."""
    fields: dict[str, Any] = example.model_dump()
    context = fields.pop("context")
    aggregates = ("review_id", "objective_id", "cycle_id")
    originator = fields.pop(next(each for each in aggregates if each in fields))
    recorded_at = context.pop("recorded_at")
    return LoggedEvent(
        originator_id=originator,
        originator_version=3,
        event=msgspec.convert(fields, BY_NAME[type(example).__name__]),
        context=Context(**context | {"actor": Actor(**context["actor"])}),
        position=12,
        recorded_at=recorded_at,
    )


@pytest.mark.parametrize("event_class", PUBLISHED, ids=lambda each: each.__name__)
def test_a_stored_event_is_published_with_all_it_says(
    event_class: type[PublishedEvent],
) -> None:
    example = EXAMPLES[event_class]
    stored = logged(example)
    publication = publish(stored)
    assert publication.event == example
    assert publication.subject == event_subject(event_class.TYPE, str(stored.originator_id))


def test_every_event_of_the_domain_is_published_under_its_own_topic() -> None:
    published = {each.__name__: each.TYPE for each in PUBLISHED}
    assert {each.__name__: f"cairn.{each.TOPIC}.v1" for each in STORED} == published
