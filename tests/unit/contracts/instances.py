"""Hypothesis strategies for instances of a JSON Schema: the part of 2020-12 that contracts use.

A keyword that is not understood fails the test: an instance made without it could lie.
"""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from contracts.compatibility import shape

LONGEST_TEXT = 40
LONGEST_LIST = 3

_zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_FORMATS: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=_zones).map(lambda moment: moment.isoformat()),
}
_UNDERSTOOD = {
    *("type", "properties", "required", "items", "anyOf", "enum", "default"),
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum"),
    "additionalProperties",  # no field is ever made that the schema does not name
}


def instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any instance of the schema, as `json.loads` would give it."""
    return _instances(shape(schema))


def _instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    assert schema.keys() <= _UNDERSTOOD, schema.keys() - _UNDERSTOOD
    if "anyOf" in schema:
        return st.one_of([_instances(alternative) for alternative in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _OF_TYPE[schema["type"]](schema)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {name: _instances(field) for name, field in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema.get("required", [])}
    return st.fixed_dictionaries(required, optional=fields)


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "format" in schema:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    shortest = schema.get("minLength", 0)
    longest = schema.get("maxLength", LONGEST_TEXT)
    return st.text(min_size=shortest, max_size=min(longest, LONGEST_TEXT)) | st.just("x" * longest)


def _lists(schema: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(_instances(schema["items"]), max_size=LONGEST_LIST)


def _numbers(schema: dict[str, Any]) -> st.SearchStrategy[float]:
    least, most = schema.get("minimum"), schema.get("maximum")
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


def _integers(schema: dict[str, Any]) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


_OF_TYPE: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "object": _objects,
    "array": _lists,
    "string": _texts,
    "number": _numbers,
    "integer": _integers,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
