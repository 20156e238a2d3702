"""Which changes of a published schema break somebody.

Within a major version only optional fields are added. Then what an old writer sent fits today's
classes, and what is sent today fits an old reader, who ignores fields it does not know. Everything
else is a break, whichever side it would hurt: even a wider enum or bound surprises an old reader.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

# These explain a shape and are no part of it.
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$defs", "title", "description", "examples"})
_REFERENCE: Final = "#/$defs/"


def shape(schema: Schema) -> dict[str, Any]:
    """What a schema demands: references resolved, explanations left out, sets in order.

    Two schemas of equal shape admit the same instances. Raises ValueError for a schema that
    contains itself, which no published event does.
    """
    return _resolved(schema, schema.get("$defs", {}), within=())


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What stands between those who use `old` and those who use `new`, as `field: change`.

    Empty if all that `new` does is add optional fields.
    """
    return list(_changes("", shape(old), shape(new)))


def _resolved(schema: Schema, definitions: Schema, within: tuple[str, ...]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        if name in within:
            raise ValueError(f"{name} contains itself")
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return _resolved({**definitions[name], **beside}, definitions, (*within, name))
    return {
        keyword: _resolved_value(keyword, value, definitions, within)
        for keyword, value in schema.items()
        if keyword not in _ANNOTATIONS
    }


def _resolved_value(keyword: str, value: Any, definitions: Schema, within: tuple[str, ...]) -> Any:
    match keyword:
        case "properties":
            return {name: _resolved(field, definitions, within) for name, field in value.items()}
        case "items":
            return _resolved(value, definitions, within)
        case "anyOf":
            return [_resolved(alternative, definitions, within) for alternative in value]
        case "enum" | "required":
            return sorted(value)
        case _:
            return value


def _changes(path: str, old: Schema, new: Schema) -> Iterator[str]:
    if _type(old) != _type(new):
        # Every other keyword follows from the type: naming those too would bury the cause.
        yield f"{path}: type was {_type(old)}, is {_type(new)}"
        return
    yield from _field_changes(path, old, new)
    for keyword in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        if keyword == "items":
            yield from _changes(f"{path}[]", old.get("items", {}), new.get("items", {}))
        elif keyword == "anyOf":
            for was, now in zip(old["anyOf"], new["anyOf"], strict=True):
                yield from _changes(path, was, now)
        elif _said(keyword, old) != _said(keyword, new):
            yield f"{path}: {keyword} was {_said(keyword, old)}, is {_said(keyword, new)}"


def _field_changes(path: str, old: Schema, new: Schema) -> Iterator[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = old.get("required", []), new.get("required", [])
    for name in sorted(old_fields.keys() | new_fields.keys()):
        field = f"{path}.{name}".removeprefix(".")
        if name not in new_fields:
            yield f"{field}: was removed"
        elif name not in old_fields:
            if name in new_required:
                yield f"{field}: was added and is not optional"
        else:
            if (name in old_required) != (name in new_required):
                yield f"{field}: became {'required' if name in new_required else 'optional'}"
            yield from _changes(field, old_fields[name], new_fields[name])


def _said(keyword: str, schema: Schema) -> str:
    return repr(schema[keyword]) if keyword in schema else "absent"


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(alternative) for alternative in schema["anyOf"])
    return str(schema.get("type", "anything"))
