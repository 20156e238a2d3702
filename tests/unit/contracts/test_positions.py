import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.positions import (
    MAX_POSITION,
    MalformedPositionError,
    parse_positions,
    render_position,
)

services = st.sampled_from(["goals", "metrics"])
numbers = st.integers(0, MAX_POSITION)


@given(services, numbers)
def test_a_rendered_position_is_read_back(service: str, number: int) -> None:
    assert parse_positions(render_position(service, number)) == {service: number}


@given(st.dictionaries(services, numbers, min_size=1), st.sampled_from([",", ", ", " , "]))
def test_a_list_of_positions_is_read_back(positions: dict[str, int], separator: str) -> None:
    text = separator.join(render_position(*position) for position in positions.items())
    assert parse_positions(text) == positions


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "goals", "goals:", ":7", "goals:7,", "goals:7 metrics:9", "goals: 7"),
        *("goals:-1", "goals:+1", "goals:1.0", "goals:1_0", "goals:0x1", "goals:\u0663"),
        *("projections:7", "Goals:7", "goals:7\r\nx: y", f"goals:{MAX_POSITION + 1}"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedPositionError):
        parse_positions(text)


def test_a_service_named_twice_is_refused() -> None:
    with pytest.raises(MalformedPositionError, match="'goals' is named twice"):
        parse_positions("goals:7, goals:8")


@given(st.text())
@example("goals:9223372036854775807")
def test_any_text_is_positions_or_refused(text: str) -> None:
    try:
        positions = parse_positions(text)
    except MalformedPositionError:
        return
    assert positions
    assert all(0 <= number <= MAX_POSITION for number in positions.values())
