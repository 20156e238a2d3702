"""The order to show a tree in, although an objective may hang below several others."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar


class Place(Protocol):
    """An objective that was reached over `depth` alignments from the nearest root."""

    @property
    def id(self) -> str:
        """Which objective it is."""

    @property
    def depth(self) -> int:
        """Its level."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def children(self) -> Iterable[str]:
        """The objectives that hang below it, also those that were not reached."""


P = TypeVar("P", bound=Place)


def in_order(ids: Iterable[str], places: Mapping[str, Place]) -> list[str]:
    """By title, as a reader expects; what was not reached comes last."""

    def rank(objective_id: str) -> tuple[bool, str, str]:
        place = places.get(objective_id)
        return place is None, place.title if place else "", objective_id

    return sorted(ids, key=rank)


def depth_first(places: Mapping[str, P]) -> Iterator[P]:
    """Every place once, each somewhere below the place that it is shown under.

    It is shown under a parent nearest to a root, so that the levels grow one by one.
    """
    roots = (place.id for place in places.values() if place.depth == 0)
    waiting = in_order(roots, places)[::-1]
    shown: set[str] = set()
    while waiting:
        place = places[waiting.pop()]
        if place.id in shown:
            continue
        shown.add(place.id)
        yield place
        below = (
            child
            for child in place.children
            if child in places and places[child].depth == place.depth + 1
        )
        waiting += in_order(below, places)[::-1]
