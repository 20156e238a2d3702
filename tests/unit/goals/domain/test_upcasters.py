"""Events of earlier shapes say today what they said then."""

import json
from uuid import UUID

import pytest

from services.chassis.eventstore.context import Event
from services.chassis.eventstore.mapper import EventMapper
from services.goals.domain.events import (
    EVENTS,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultMeasured,
    KeyResultScore,
    ObjectiveClosed,
    ObjectiveDrafted,
)
from services.goals.domain.upcasters import UPCASTERS
from tests.unit.goals.given import COVERAGE, COVERAGE_ADDED, CYCLE_ID, DRAFTED, NOW, measured

MAPPER = EventMapper(EVENTS, UPCASTERS)
CONTEXT = {
    "actor": {"id": "ada", "kind": "human"},
    "effective_at": NOW.isoformat(),
    "command_id": str(UUID(int=1)),
    "correlation_id": "c",
}


def stored(event_class: type[Event], **fields: object) -> Event:
    """What is read of an event that was stored in its first shape."""
    state = {"version": 1, "context": CONTEXT, "event": fields}
    return MAPPER.decode(event_class.TOPIC, json.dumps(state).encode())[1]


def test_an_objective_had_no_labels_no_delegates_and_no_predecessor() -> None:
    event = stored(
        ObjectiveDrafted,
        cycle_id=str(CYCLE_ID),
        title="Halve the bug rate",
        description="",
        owner={"kind": "team", "id": "quality"},
        ambition="committed",
    )
    assert event == DRAFTED


def test_a_key_result_had_a_way_to_go_and_no_band_checklist_or_phases() -> None:
    event = stored(
        KeyResultAdded,
        key_result_id=str(COVERAGE),
        title="Test coverage",
        type="increase",
        baseline=70,
        target=90,
        stretch=None,
        unit="%",
        weight=1,
        due_on=None,
    )
    assert event == COVERAGE_ADDED


def test_a_check_in_was_about_a_number() -> None:
    fields = {"value": 80, "confidence": None, "status": None, "comment": ""}
    event = stored(
        KeyResultCheckedIn, key_result_id=str(COVERAGE), check_in_id=str(UUID(int=9)), **fields
    )
    assert isinstance(event, KeyResultCheckedIn)
    assert (event.value, event.milestones_done) == (80, ())


def test_a_measurement_did_not_say_by_which_definition() -> None:
    event = stored(
        KeyResultMeasured,
        key_result_id=str(COVERAGE),
        kpi="quality.coverage",
        value=80,
        period_start=NOW.isoformat(),
        period_end=NOW.isoformat(),
        metrics_position=7,
    )
    now = measured(80, start=NOW, end=NOW)
    assert isinstance(event, KeyResultMeasured)
    assert event.definition is None
    assert (event.value, event.metrics_position) == (now.value, now.metrics_position)


def test_a_score_was_what_was_computed() -> None:
    event = stored(
        ObjectiveClosed,
        score=0.5,
        verdict="partial",
        key_results=[{"key_result_id": str(COVERAGE), "score": 0.5}],
    )
    score = KeyResultScore(key_result_id=COVERAGE, score=0.5, computed=0.5, reason=None)
    assert event == ObjectiveClosed(score=0.5, verdict="partial", key_results=(score,))


@pytest.mark.parametrize("event_class", EVENTS, ids=lambda each: each.TOPIC)
def test_every_earlier_version_is_brought_to_the_next(event_class: type[Event]) -> None:
    earlier = range(1, event_class.VERSION)
    assert all((event_class.TOPIC, version) in UPCASTERS for version in earlier)
