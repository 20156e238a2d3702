"""The AsyncAPI 3.0.0 document: one for all three services, told apart by the operations' tags.

The event schemas are referred to, not repeated, relative to the document's own folder.
"""

from typing import Any, Final

from contracts.channels import CHANNELS, OPERATIONS, Channel, Operation, Parameter
from contracts.cloudevents import CONTENT_TYPE, SPEC_VERSION, CloudEvent, event_id
from contracts.events import Contract, PublishedEvent
from contracts.examples import EXAMPLES, KPI_ID
from contracts.json_schema import EVENTS, Schema, first_line, schema_of
from contracts.readings import (
    MAX_READINGS,
    READING_EXAMPLE,
    REJECTED_READING_EXAMPLE,
    Reading,
    RejectedReading,
)

Node = dict[str, Any]

_SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_NUMBER: Final[Schema] = {"type": "string", "pattern": "^[0-9]{1,19}$"}


def asyncapi_document() -> Node:
    """The whole document, ready to be rendered as JSON."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cairn on the event bus",
            "version": "1.0.0",
            "description": (
                "Events are CloudEvents 1.0 in NATS binary mode, kept in JetStream streams. "
                "Within a major version of an event type only optional fields are added."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"local": _server()},
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {operation.name: _operation(operation) for operation in OPERATIONS},
        "components": {
            "messages": {
                **{event.__name__: _event_message(event) for event in EVENTS},
                Reading.__name__: _readings_message(),
                RejectedReading.__name__: _rejected_reading_message(),
            },
            "schemas": {"CloudEventHeaders": _headers_schema()},
            "securitySchemes": {
                "user": {
                    "type": "userPassword",
                    "description": "One user per service and per producer, bound to its subjects.",
                }
            },
        },
    }


def _server() -> Node:
    return {
        "host": "127.0.0.1:4222",
        "protocol": "nats",
        "description": "NATS with JetStream. `CAIRN_NATS_URL` names another.",
        "security": [{"$ref": "#/components/securitySchemes/user"}],
    }


def _channel(channel: Channel) -> Node:
    return {
        "address": channel.address,
        "description": channel.description,
        "parameters": {parameter.name: _parameter(parameter) for parameter in channel.parameters},
        "messages": {
            message.__name__: {"$ref": f"#/components/messages/{message.__name__}"}
            for message in channel.messages
        },
        "x-stream": channel.stream,
    }


def _parameter(parameter: Parameter) -> Node:
    node: Node = {"description": parameter.description}
    if parameter.values:
        node["enum"] = list(parameter.values)
    return node


def _operation(operation: Operation) -> Node:
    channel = f"#/channels/{operation.channel}"
    node: Node = {
        "action": operation.action,
        "channel": {"$ref": channel},
        "summary": f"{operation.service} {operation.summary}.",
        "tags": [{"name": operation.service}],
    }
    if operation.messages:
        node["messages"] = [
            {"$ref": f"{channel}/messages/{message.__name__}"} for message in operation.messages
        ]
    return node


def _event_message(event: type[PublishedEvent]) -> Node:
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": first_line(event),
        "contentType": CONTENT_TYPE,
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEventHeaders"},
                {"type": "object", "properties": {"ce-type": {"const": event.TYPE}}},
            ]
        },
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {"$ref": f"./schemas/{event.TYPE}.json"},
        },
        "examples": [_event_example(EXAMPLES[event])],
    }


def _event_example(event: PublishedEvent) -> Node:
    fields = event.model_dump()
    named = (fields.get(f"{each}_id") for each in ("review", "objective", "cycle"))
    aggregate = next(filter(None, named), KPI_ID)
    travelling = CloudEvent(
        id=event_id(aggregate, 7),
        type=event.TYPE,
        source=f"/cairn/{event.TYPE.split('.')[1]}",
        subject=str(aggregate),
        time=event.context.recorded_at,
        position=1234,
        previous_position=1233,
        aggregate_version=7,
        data=b"",
    )
    return {"headers": travelling.headers(), "payload": event.model_dump(mode="json")}


def _readings_message() -> Node:
    reading = schema_of(Reading)
    several = {"type": "array", "maxItems": MAX_READINGS}
    return {
        **_plain_message(Reading),
        "summary": "One reading, or an array of them.",
        "payload": _inline({"oneOf": [reading, {**several, "items": reading}]}),
        "examples": [{"payload": READING_EXAMPLE.model_dump(mode="json")}],
    }


def _rejected_reading_message() -> Node:
    return {
        **_plain_message(RejectedReading),
        "payload": _inline(schema_of(RejectedReading)),
        "examples": [{"payload": REJECTED_READING_EXAMPLE.model_dump(mode="json")}],
    }


def _plain_message(message: type[Contract]) -> Node:
    return {
        "name": message.__name__,
        "title": message.__name__,
        "summary": first_line(message),
        "contentType": CONTENT_TYPE,
    }


def _inline(schema: Schema) -> Node:
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": schema}


def _headers_schema() -> Schema:
    text = {"type": "string", "minLength": 1}
    properties: Schema = {
        "ce-specversion": {"const": SPEC_VERSION},
        "ce-id": {
            "type": "string",
            "format": "uuid",
            "description": "The same for the same event, however often and by whom it is sent.",
        },
        "ce-type": text,
        "ce-source": {**text, "description": "The service whose log holds the event."},
        "ce-subject": {**text, "description": "What the event is about."},
        "ce-time": {
            "type": "string",
            "format": "date-time",
            "description": "When the event was recorded; it never decreases along a log.",
        },
        "ce-datacontenttype": {"const": CONTENT_TYPE},
        "ce-position": {**_NUMBER, "description": "The event's place in its service's log."},
        "ce-previousposition": {
            **_NUMBER,
            "description": "The place of the event before it, 0 for the first: positions have "
            "holes, so a consumer that has seen this one has missed nothing.",
        },
        "ce-aggregateversion": {
            **_NUMBER,
            "description": "How many events its aggregate has had with this one.",
        },
        "content-type": {"const": CONTENT_TYPE},
    }
    traceparent = {"type": "string", "description": "W3C Trace Context of the causing request."}
    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes in binary mode, percent-encoded.",
        "required": list(properties),
        "properties": {**properties, "traceparent": traceparent},
    }
