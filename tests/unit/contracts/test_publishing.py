"""What the services publish of what they store is what the contracts promise."""

import json
import re
from collections.abc import Callable
from datetime import UTC

import jsonschema_rs
import pytest

from contracts import goals, metrics, reviews
from contracts.asyncapi import asyncapi_document
from contracts.generate import ROOT
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.relay import Publication
from services.goals.publishing import publish as publish_goals
from services.metrics.publishing import publish as publish_metrics
from tests.golden.samples import MAPPERS, logged_sample

PUBLISHERS: dict[str, Callable[[LoggedEvent], Publication]] = {
    "goals": publish_goals,
    "metrics": publish_metrics,
}
EVENTS = {"goals": goals.PUBLISHED + reviews.PUBLISHED, "metrics": metrics.PUBLISHED}
CHANNELS = asyncapi_document()["channels"].values()

PUBLISHED = [
    (service, PUBLISHERS[service](logged_sample(event_class)))
    for service, mapper in MAPPERS.items()
    for event_class in mapper.classes.values()
]
every_publication = pytest.mark.parametrize(
    ("service", "publication"),
    PUBLISHED,
    ids=[publication.event.TYPE for _, publication in PUBLISHED],
)


@pytest.mark.parametrize("service", PUBLISHERS)
def test_a_service_publishes_each_of_its_events(service: str) -> None:
    published = {type(publication.event) for owner, publication in PUBLISHED if owner == service}
    assert published == set(EVENTS[service])


@every_publication
def test_what_is_published_fits_the_committed_schema(
    service: str, publication: Publication
) -> None:
    path = ROOT / "schemas" / f"{publication.event.TYPE}.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    data = json.loads(publication.event.model_dump_json())
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(data)


@every_publication
def test_it_goes_to_a_subject_that_the_document_names_for_it(
    service: str, publication: Publication
) -> None:
    (channel,) = (
        channel for channel in CHANNELS if type(publication.event).__name__ in channel["messages"]
    )
    aggregate = next(name for name in channel["parameters"] if name != "event")
    tokens = "|".join(channel["parameters"]["event"]["enum"])
    pattern = re.escape(channel["address"])
    pattern = pattern.replace(re.escape(f"{{{aggregate}}}"), r"[a-z0-9.-]+")
    pattern = pattern.replace(re.escape("{event}"), f"({tokens})")
    assert re.fullmatch(pattern, publication.subject)


def test_times_go_out_in_utc() -> None:
    assert all(publication.event.context.recorded_at.tzinfo is UTC for _, publication in PUBLISHED)
