"""Answers to queries for one aggregate's state."""

from typing import Any

from contracts.positions import POSITION_HEADER, render_position
from services.chassis.parameters import etag
from services.chassis.responses import OrjsonResponse
from services.goals.api.asked import SERVICE


class ConflictingParametersError(Exception):
    """Two parameters contradict each other."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"Send {one} or {other}, not both.")


def state_response(document: dict[str, Any], *, version: int, position: int) -> OrjsonResponse:
    """A state with its version as the ETag, and the place of its last event in the log."""
    return OrjsonResponse(
        document,
        headers={"ETag": etag(version), POSITION_HEADER: render_position(SERVICE, position)},
    )
