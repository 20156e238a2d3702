"""Answers to queries for one aggregate's state."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from contracts.positions import MAX_POSITION, POSITION_HEADER, render_position
from services.chassis.parameters import etag
from services.chassis.responses import OrjsonResponse
from services.goals.api.asked import SERVICE

AtVersion = Annotated[
    int | None, Query(ge=1, le=MAX_POSITION, description="As this version left it.")
]


class ConflictingParametersError(Exception):
    """Two parameters contradict each other."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"Send {one} or {other}, not both.")


def refuse_both(as_of: datetime | None, version: int | None) -> None:
    """Raise ConflictingParametersError where a state is asked for in two ways."""
    if as_of is not None and version is not None:
        raise ConflictingParametersError("as_of", "version")


def state_response(document: dict[str, Any], *, version: int, position: int) -> OrjsonResponse:
    """A state with its version as the ETag, and the place of its last event in the log."""
    return OrjsonResponse(
        document,
        headers={"ETag": etag(version), POSITION_HEADER: render_position(SERVICE, position)},
    )
