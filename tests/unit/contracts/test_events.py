import re

import pytest
from pydantic import ValidationError

from contracts.events import PublishedEvent
from contracts.examples import EXAMPLES
from contracts.goals import KeyResultCheckedIn
from contracts.json_schema import EVENTS
from contracts.metrics import KpiMeasured


def test_types_are_unique() -> None:
    assert len({event.TYPE for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_a_type_names_service_entity_event_and_major_version(event: type[PublishedEvent]) -> None:
    assert re.fullmatch(r"cairn\.(goals|metrics)\.[a-z_]+\.[a-z_]+\.v[1-9]\d*", event.TYPE)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_cannot_say_is_refused(number: str) -> None:
    example = EXAMPLES[KeyResultCheckedIn].model_dump_json()
    with pytest.raises(ValidationError, match="finite number"):
        KeyResultCheckedIn.model_validate_json(example.replace('"value":5.6', f'"value":{number}'))


def test_a_time_without_a_zone_is_refused() -> None:
    example = EXAMPLES[KpiMeasured].model_dump_json()
    with pytest.raises(ValidationError, match="timezone"):
        KpiMeasured.model_validate_json(example.replace("23:00:00Z", "23:00:00"))


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EXAMPLES[KpiMeasured].value = 1.0  # type: ignore[attr-defined]


def test_a_moment_told_in_any_zone_is_published_in_utc() -> None:
    told = EXAMPLES[KpiMeasured].model_dump(mode="json") | {
        "latest_at": "2026-01-21T00:30:00+02:00"
    }
    published = KpiMeasured.model_validate(told).model_dump(mode="json")
    assert published["latest_at"] == "2026-01-20T22:30:00Z"


def test_a_moment_that_utc_cannot_tell_stays_as_it_was() -> None:
    told = EXAMPLES[KpiMeasured].model_dump(mode="json") | {
        "latest_at": "0001-01-01T00:00:00+02:00"
    }
    published = KpiMeasured.model_validate(told).model_dump(mode="json")
    assert published["latest_at"] == "0001-01-01T00:00:00+02:00"
