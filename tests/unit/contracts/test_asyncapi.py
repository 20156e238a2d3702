"""The document is internally sound, and what it says is what the code does."""

import json
from typing import Any

import jsonschema_rs
import pytest

from contracts.asyncapi import asyncapi_document
from contracts.channels import CHANNELS, Channel
from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.generate import ROOT
from contracts.json_schema import EVENTS
from contracts.readings import Reading, RejectedReading
from contracts.subjects import STREAM_SUBJECTS, event_subject, intake_subject, rejected_subject

DOCUMENT = asyncapi_document()


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def addressed(channel: Channel) -> set[str]:
    """Every subject of an event channel, with `*` for the aggregate."""
    aggregate, event = channel.parameters
    return {
        channel.address.replace(f"{{{aggregate.name}}}", "*").replace(f"{{{event.name}}}", token)
        for token in event.values
    }


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        if reference.startswith("#/"):
            assert resolve(reference) is not None
        else:
            assert (ROOT / reference).is_file()


def test_every_event_is_on_exactly_one_channel_and_somebody_sends_and_somebody_receives_it() -> (
    None
):
    carried = [event for channel in CHANNELS for event in channel.messages]
    assert sorted(carried, key=repr) == sorted([*EVENTS, Reading, RejectedReading], key=repr)


def test_the_addresses_are_the_subjects_that_events_are_published_to() -> None:
    documented = {
        subject
        for channel in CHANNELS
        if "event" in channel.address
        for subject in addressed(channel)
    }
    assert documented == {event_subject(event.TYPE, "*") for event in EVENTS}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_lies_in_its_stream(channel: Channel) -> None:
    wildcard = STREAM_SUBJECTS[channel.stream][0]
    assert channel.address.startswith(wildcard.removesuffix(">"))


@pytest.mark.parametrize("make", [intake_subject, rejected_subject])
def test_the_addresses_of_the_intake_are_those_of_the_subjects(make: Any) -> None:
    addresses = {channel.address for channel in CHANNELS}
    assert make("source").replace(".source", ".{source}") in addresses


def test_an_operation_handles_only_messages_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        for message in operation.get("messages", []):
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_every_channel_has_a_sender_and_a_receiver_or_ends_at_our_border() -> None:
    used = {
        (operation["action"], operation["channel"]["$ref"].removeprefix("#/channels/"))
        for operation in DOCUMENT["operations"].values()
    }
    # The producers' part, and that of whoever wants to know of reviews.
    theirs = {("send", "readings"), ("receive", "rejectedReadings"), ("receive", "reviews")}
    every = {(action, channel.name) for action in ("send", "receive") for channel in CHANNELS}
    assert used == every - theirs


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_the_example_headers_fit_their_schema_and_are_read_back(
    event: type[PublishedEvent],
) -> None:
    message = resolve(f"#/components/messages/{event.__name__}")
    (example,) = message["examples"]
    schema = {**message["headers"], "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example["headers"])
    read = CloudEvent.from_message(example["headers"], json.dumps(example["payload"]).encode())
    assert read.type == event.TYPE
    event.model_validate_json(read.data)


@pytest.mark.parametrize("message", [Reading, RejectedReading])
def test_the_examples_around_the_intake_fit_their_schemas(message: type[Any]) -> None:
    node = resolve(f"#/components/messages/{message.__name__}")
    for example in node["examples"]:
        jsonschema_rs.Draft202012Validator(node["payload"]["schema"]).validate(example["payload"])
        message.model_validate(example["payload"])
