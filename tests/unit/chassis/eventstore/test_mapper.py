"""Stored bytes and events: stable topics, validated reads, versions brought up to date."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

from services.chassis.eventstore.context import Actor, Context, LoggedEvent
from services.chassis.eventstore.mapper import EventMapper, NewerEventError, UnknownTopicError


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneAdded:
    TOPIC: ClassVar[str] = "test.stone.added"
    VERSION: ClassVar[int] = 1

    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyStoneAdded:
    """The third shape of the same fact."""

    TOPIC: ClassVar[str] = "test.stone.added"
    VERSION: ClassVar[int] = 3

    grams: float
    colour: str


def in_grams(fields: dict[str, Any]) -> dict[str, Any]:
    return {"grams": fields["weight"] * 1000}


def coloured(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"colour": "grey"}


CONTEXT = Context(
    actor=Actor("ana", "human"),
    effective_at=datetime(2026, 3, 1, tzinfo=UTC),
    command_id=uuid4(),
    correlation_id="c",
    reason="because",
)


def stored(event: Any, *events: type[Any]) -> StoredEvent:
    logged = LoggedEvent(originator_id=uuid4(), originator_version=4, event=event, context=CONTEXT)
    return EventMapper(events or [type(event)]).to_stored_event(logged)


def with_state(record: StoredEvent, /, **changes: Any) -> StoredEvent:
    state = msgspec.json.decode(record.state) | changes
    return StoredEvent(
        record.originator_id, record.originator_version, record.topic, msgspec.json.encode(state)
    )


def test_an_event_comes_back_as_it_was_stored() -> None:
    event = StoneAdded(weight=2.5)
    record = stored(event)
    back = EventMapper([StoneAdded]).to_domain_event(record)
    assert (back.event, back.context, back.originator_version) == (event, CONTEXT, 4)
    assert record.topic == "test.stone.added"


def test_an_old_event_is_brought_to_the_current_version_step_by_step() -> None:
    mapper = EventMapper(
        [HeavyStoneAdded],
        {("test.stone.added", 1): in_grams, ("test.stone.added", 2): coloured},
    )
    event = mapper.to_domain_event(stored(StoneAdded(weight=2.5))).event
    assert event == HeavyStoneAdded(grams=2500, colour="grey")


def test_an_event_of_newer_code_is_refused_instead_of_read_with_loss() -> None:
    newer = with_state(stored(StoneAdded(weight=1)), version=2)
    with pytest.raises(NewerEventError, match="stored in version 2, this process knows 1"):
        EventMapper([StoneAdded]).to_domain_event(newer)


def test_an_unknown_topic_is_named() -> None:
    with pytest.raises(UnknownTopicError, match=r"test\.stone\.added"):
        EventMapper([]).to_domain_event(stored(StoneAdded(weight=1)))


@pytest.mark.parametrize(
    "changes", [{"event": {"weight": "heavy"}}, {"event": {}}, {"context": None}, {"version": "1"}]
)
def test_bytes_that_do_not_hold_the_event_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MapperDeserialisationError, match=r"test\.stone\.added"):
        EventMapper([StoneAdded]).to_domain_event(
            with_state(stored(StoneAdded(weight=1)), **changes)
        )


def test_two_events_cannot_share_a_topic() -> None:
    with pytest.raises(ValueError, match=r"share the topic test\.stone\.added"):
        EventMapper([StoneAdded, HeavyStoneAdded])
