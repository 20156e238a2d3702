"""Each way of breaking a published event is named; adding an optional field is none."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from contracts.compatibility import breaking_changes, shape
from contracts.documents import write
from contracts.events import Contract, EventContext, Text
from contracts.generate import IncompatibleChangeError, documents
from contracts.goals import KeyResultCheckedIn, Owner
from contracts.json_schema import schema_of

REMOVED = object()


class Finding(Contract):
    """A nested shape."""

    share: Annotated[float, Field(ge=0, le=1)]


class LongerFinding(Finding):
    note: str | None = None


class BrokenFinding(Finding):
    share: Annotated[float, Field(ge=0)]


class Published(KeyResultCheckedIn):
    """A real event, with the shapes that no real one has yet."""

    findings: tuple[Finding, ...]
    first: Finding | None = None
    count: Annotated[int, Field(ge=0)] = 0


def changed(**changes: Any) -> type[BaseModel]:
    """`Published` with fields replaced, added, or (REMOVED) left out."""
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in Published.model_fields.items()
    }
    fields.update(changes)
    kept = {name: field for name, field in fields.items() if field is not REMOVED}
    return create_model("Changed", __base__=Contract, **kept)


def breaks(**changes: Any) -> list[str]:
    return breaking_changes(schema_of(Published), schema_of(changed(**changes)))


def test_the_same_shape_breaks_nothing() -> None:
    assert breaks() == []
    assert shape(schema_of(changed())) == shape(schema_of(Published))


@pytest.mark.parametrize(
    "added",
    [
        {"mood": (str | None, None)},
        {"weight": (float, 1.0)},
        {"owner": (Owner | None, None)},
        {"findings": (tuple[LongerFinding, ...], ...)},
        {"first": (LongerFinding | None, None)},
    ],
)
def test_an_added_optional_field_breaks_nothing(added: dict[str, Any]) -> None:
    assert breaks(**added) == []


def test_other_words_for_the_same_shape_break_nothing() -> None:
    text = Annotated[str, Field(max_length=10_000, description="Said better.", examples=["Fine."])]
    reordered = Literal["off_track", "at_risk", "on_track"]
    assert breaks(comment=(text, ""), status=(reordered | None, None)) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"value": REMOVED}, ["value: was removed"], id="removed"),
        pytest.param({"comment": REMOVED}, ["comment: was removed"], id="optional-removed"),
        pytest.param(
            {"comment": REMOVED, "remark": (Text, "")}, ["comment: was removed"], id="renamed"
        ),
        pytest.param(
            {"mood": (str, ...)}, ["mood: was added and is not optional"], id="required-added"
        ),
        pytest.param(
            {"comment": (Text, ...)},
            ["comment: became required", "comment: default was '', is absent"],
            id="became-required",
        ),
        pytest.param(
            {"value": (float, 0.0)},
            ["value: became optional", "value: default was absent, is 0.0"],
            id="became-optional",
        ),
        pytest.param(
            {"comment": (Text, "none")}, ["comment: default was '', is 'none'"], id="default"
        ),
        pytest.param(
            {"value": (int, ...)}, ["value: type was number, is integer"], id="type-narrowed"
        ),
        pytest.param(
            {"value": (str, ...)}, ["value: type was number, is string"], id="type-changed"
        ),
        pytest.param(
            {"check_in_id": (str, ...)},
            ["check_in_id: format was 'uuid', is absent"],
            id="format-dropped",
        ),
        pytest.param(
            {"status": (Literal["on_track", "off_track"] | None, None)},
            ["status: enum was ['at_risk', 'off_track', 'on_track'], is ['off_track', 'on_track']"],
            id="enum-narrowed",
        ),
        pytest.param(
            {"status": (Literal["on_track", "at_risk", "off_track", "lost"] | None, None)},
            [
                (
                    "status: enum was ['at_risk', 'off_track', 'on_track'], "
                    "is ['at_risk', 'lost', 'off_track', 'on_track']"
                )
            ],
            id="enum-widened",
        ),
        pytest.param(
            {"comment": (Annotated[str, Field(max_length=100)], "")},
            ["comment: maxLength was 10000, is 100"],
            id="bound-tightened",
        ),
        pytest.param({"count": (int, 0)}, ["count: minimum was 0, is absent"], id="bound-dropped"),
        pytest.param(
            {"findings": (tuple[BrokenFinding, ...], ...)},
            ["findings[].share: maximum was 1, is absent"],
            id="inside-a-list",
        ),
        pytest.param(
            {"first": (BrokenFinding | None, None)},
            ["first.share: maximum was 1, is absent"],
            id="inside-an-alternative",
        ),
        pytest.param(
            {"findings": (list[Any], ...)},
            ["findings[]: type was object, is anything"],
            id="a-list-of-anything",
        ),
        pytest.param(
            {"context": (EventContext | None, ...)},
            ["context: type was object, is object or null"],
            id="became-nullable",
        ),
    ],
)
def test_a_break_is_named(changes: dict[str, Any], named: list[str]) -> None:
    assert breaks(**changes) == named


def test_the_generator_refuses_a_break_and_names_the_version_it_breaks(tmp_path: Path) -> None:
    kind = Published.TYPE
    write(documents(tmp_path, {kind: schema_of(Published)}))
    with pytest.raises(IncompatibleChangeError) as refusal:
        documents(tmp_path, {kind: schema_of(changed(value=REMOVED))})
    assert refusal.value.changes == (f"{kind} against published/{kind}/1.json: value: was removed",)


def test_a_schema_that_contains_itself_is_refused() -> None:
    class Tree(Contract):
        below: "tuple[Tree, ...]" = ()

    with pytest.raises(ValueError, match="Tree contains itself"):
        shape(schema_of(Tree))
