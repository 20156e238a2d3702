"""What a snapshot's shape names: the kind, its version, and the structure of its state."""

from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest

from services.chassis.eventstore.snapshots import shape_of
from services.chassis.eventstore.unit import AggregateKind
from tests.unit.chassis.eventstore.test_mapper import StoneAdded


class Colour(Enum):
    GREY = "grey"
    RED = "red"


class OtherColour(Enum):
    GREY = "grey"
    BLUE = "blue"


@dataclass(frozen=True)
class Stone:
    weight: float


def kind(state: type[Any] | None, **changes: Any) -> AggregateKind[Any]:
    def evolve(*_: Any) -> Any: ...

    return replace(AggregateKind("pile", StoneAdded, evolve, state=state), **changes)


def pile(**fields: Any) -> type[Any]:
    return make_dataclass("Pile", list(fields.items()), frozen=True)


USUAL = {
    "id": UUID,
    "description": str,
    "stones": tuple[Stone, ...],
    "of": Mapping[UUID, float],
    "at": datetime | None,
    "state": Literal["open", "closed"],
    "colour": Colour,
}


def test_the_same_structure_has_the_same_shape_in_every_process() -> None:
    assert shape_of(kind(pile(**USUAL))) == shape_of(kind(pile(**USUAL)))
    assert shape_of(kind(Stone)) == "pile.1.70410aaa71afcacf"


def test_prose_is_no_structure() -> None:
    told = pile(**USUAL)
    told.__doc__ = "Stones that mark a route."
    assert shape_of(kind(told)) == shape_of(kind(pile(**USUAL)))


@pytest.mark.parametrize(
    "changes",
    [
        {"description": str | None},
        {"more": int},
        {"stones": tuple[float, ...]},
        {"of": Mapping[UUID, int]},
        {"at": datetime},
        {"state": Literal["open", "shut"]},
        {"colour": OtherColour},
    ],
)
def test_another_structure_has_another_shape(changes: dict[str, Any]) -> None:
    assert shape_of(kind(pile(**USUAL | changes))) != shape_of(kind(pile(**USUAL)))


def test_a_field_that_went_away_is_missed() -> None:
    without = {name: each for name, each in USUAL.items() if name != "description"}
    assert shape_of(kind(pile(**without))) != shape_of(kind(pile(**USUAL)))


def test_kinds_and_versions_are_told_apart() -> None:
    assert len({shape_of(kind(Stone, name=name)) for name in "abc"}) == 3
    assert len({shape_of(kind(Stone, snapshot_version=version)) for version in (1, 2)}) == 2


def test_a_kind_without_a_state_has_no_snapshots() -> None:
    assert shape_of(kind(None)) is None


def test_a_state_that_cannot_be_encoded_is_refused_before_anything_is_recorded() -> None:
    with pytest.raises(TypeError):
        shape_of(kind(pile(either=Stone | Any.__class__)))
