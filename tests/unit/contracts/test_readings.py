"""What the contract says of readings, held against the decoder that takes them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts import readings
from contracts.json_schema import schema_of
from contracts.readings import READING_EXAMPLE, Reading
from services.metrics import reading_format
from services.metrics.reading_format import ReadingBody, decode_batch
from tests.unit.contracts.instances import instances

each_reading = instances(schema_of(Reading))


@settings(max_examples=50, deadline=None)
@given(each_reading | st.lists(each_reading, max_size=3))
def test_the_metrics_service_takes_every_form_that_the_contract_allows(body: Any) -> None:
    batch = decode_batch(json.dumps(body).encode())
    sent = body if isinstance(body, list) else [body]
    assert not batch.malformed
    for (_, taken), reading in zip(batch.readings, sent, strict=True):
        said = {name: getattr(taken, name) for name in Reading.model_fields}
        assert Reading.model_validate(said) == Reading.model_validate(reading)


def test_the_contract_names_the_fields_that_are_taken() -> None:
    # On the bus the subject names the source.
    assert Reading.model_fields.keys() == {*ReadingBody.__struct_fields__} - {"source"}


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Reading.model_validate({**READING_EXAMPLE.model_dump(), "valeu": 6.5})


def test_a_message_holds_as_many_readings_as_are_taken_at_once() -> None:
    assert readings.MAX_READINGS == reading_format.MAX_READINGS
