"""JSON rendered by orjson: the fast way out for a handler that returns its own response."""

import json
from typing import Any

import orjson
from starlette.responses import Response

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


def to_json(content: Any) -> bytes:
    """Encode anything: what orjson does not know becomes its `str`.

    JSON can carry half a surrogate pair into a string, which orjson then refuses to carry out;
    the standard library writes it as the escape it came as.
    """
    try:
        return orjson.dumps(content, default=str, option=_OPTIONS)
    except TypeError:
        return json.dumps(content, default=_plain).encode("ascii")


def _plain(value: object) -> Any:
    try:
        return orjson.loads(orjson.dumps(value, default=str, option=_OPTIONS))
    except TypeError:
        return str(value)


class OrjsonResponse(Response):
    """`application/json` of anything orjson knows: dataclasses, UUIDs and aware datetimes too.

    A handler that returns one bypasses FastAPI's response validation; declare `response_model`
    so that the OpenAPI document still says what comes back.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode `content` as `to_json` does."""
        return to_json(content)
