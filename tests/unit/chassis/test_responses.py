import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.responses import OrjsonResponse, to_json

ID = UUID("6e8bc430-9c3a-11d9-9669-0800200c9a66")
MOMENT = datetime(2026, 3, 31, tzinfo=UTC)


@dataclass
class Stone:
    id: UUID
    at: datetime


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"id": ID, "at": MOMENT}, f'{{"id":"{ID}","at":"2026-03-31T00:00:00Z"}}'),
        (Stone(ID, MOMENT), f'{{"id":"{ID}","at":"2026-03-31T00:00:00Z"}}'),
        ({ID: Decimal("1.10")}, f'{{"{ID}":"1.10"}}'),
        (float("nan"), "null"),
        ("é", '"é"'),
    ],
)
def test_what_services_answer_with_is_json(content: Any, text: str) -> None:
    response = OrjsonResponse(content, 201)
    assert response.body == text.encode()
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("\ud800", r'"\ud800"'),
        ({"half": "\ud800", "stone": Stone(ID, MOMENT), "n": {1}}, None),
        ({"half": "\ud800", "whole": ["\ud800"], "odd": {"\ud800"}}, None),
    ],
)
def test_half_a_character_does_not_break_an_answer(content: Any, text: str | None) -> None:
    encoded = to_json(content)
    assert text is None or encoded == text.encode()
    json.loads(encoded)


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_any_text_there_is_can_be_sent(content: list[str]) -> None:
    assert len(json.loads(to_json(content))) == len(content)
