"""JSON answers rendered by orjson: the fast way out for a handler that returns its own response."""

from typing import Any

import orjson
from starlette.responses import Response

_RENDERING = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class OrjsonResponse(Response):
    """`application/json` of anything orjson knows: dataclasses, UUIDs and aware datetimes too.

    A handler that returns one bypasses FastAPI's response validation; declare `response_model`
    so that the OpenAPI document still says what comes back.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode `content`; what orjson does not know becomes its `str`."""
        return orjson.dumps(content, default=str, option=_RENDERING)
