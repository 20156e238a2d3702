import pytest

from contracts.events import PublishedEvent
from contracts.examples import EXAMPLES
from contracts.json_schema import EVENTS


def test_every_published_event_has_an_example_and_nothing_else_has() -> None:
    assert EXAMPLES.keys() == set(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_an_example_survives_the_journey(event: type[PublishedEvent]) -> None:
    example = EXAMPLES[event]
    assert event.model_validate_json(example.model_dump_json()) == example
