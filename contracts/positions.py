"""Positions: how a caller names a place in a service's log.

A command answers `Cairn-Position: goals:1234`; a query that sends it back as
`Cairn-Min-Position: goals:1234` sees at least that much. Several services are
separated by commas.
"""

import re
from typing import Final

POSITION_HEADER: Final = "Cairn-Position"
MIN_POSITION_HEADER: Final = "Cairn-Min-Position"

MAX_POSITION: Final = 2**63 - 1  # PostgreSQL bigint
_POSITION = re.compile(r"(goals|metrics):([0-9]{1,19})")


class MalformedPositionError(ValueError):
    """The text is not a list of `service:number`."""


def render_position(service: str, position: int) -> str:
    """`("goals", 7)` -> `"goals:7"`."""
    return f"{service}:{position}"


def parse_positions(text: str) -> dict[str, int]:
    """`"goals:7, metrics:9"` -> `{"goals": 7, "metrics": 9}`.

    Raises MalformedPositionError for anything else, also when a service is named twice.
    """
    positions: dict[str, int] = {}
    for part in text.split(","):
        match = _POSITION.fullmatch(part.strip())
        if match is None:
            raise MalformedPositionError("expected a list like 'goals:1234, metrics:77'")
        service, position = match[1], int(match[2])
        if service in positions or position > MAX_POSITION:
            raise MalformedPositionError(f"'{service}' is named twice or out of range")
        positions[service] = position
    return positions
