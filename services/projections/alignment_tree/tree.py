"""The order to show a tree in, although an objective may hang below several others."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from contracts.goals import AlignmentKind


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


P = TypeVar("P", bound=Place)


class Alignment(NamedTuple):
    """A child below an objective, or below one key result of it."""

    child_id: str
    parent_id: str
    parent_key_result_id: str | None
    kind: AlignmentKind
    weight: float


class Tree(Generic[P]):
    """Places and the alignments around them, some of which lead to what was not reached."""

    def __init__(self, places: Iterable[P], alignments: Iterable[Alignment]) -> None:
        self._places: Mapping[str, P] = {place.id: place for place in places}
        self._parents: dict[str, list[Alignment]] = {}
        self._children: dict[str, set[str]] = {}
        for alignment in alignments:
            self._parents.setdefault(alignment.child_id, []).append(alignment)
            self._children.setdefault(alignment.parent_id, set()).add(alignment.child_id)

    def parents(self, objective_id: str) -> Sequence[Alignment]:
        """What the objective is aligned to."""
        return sorted(self._parents.get(objective_id, ()), key=_target)

    def children(self, objective_id: str) -> Sequence[str]:
        """The ids of what is aligned to the objective: what was not reached comes last."""
        return sorted(self._children.get(objective_id, ()), key=self._rank)

    def leading_to(self, wanted: Callable[[P], bool]) -> set[str]:
        """The ids of the places that are wanted, and of all that is above them."""
        found: set[str] = set()
        climbing = [place.id for place in self._places.values() if wanted(place)]
        while climbing:
            objective_id = climbing.pop()
            if objective_id in self._places and objective_id not in found:
                found.add(objective_id)
                climbing += (each.parent_id for each in self._parents.get(objective_id, ()))
        return found

    def depth_first(self) -> Iterator[P]:
        """Every place once, each somewhere below the place that it is shown under.

        It is shown under a parent nearest to a root, so that the levels grow one by one.
        """
        roots = (place.id for place in self._places.values() if place.depth == 0)
        waiting = sorted(roots, key=self._rank, reverse=True)
        shown: set[str] = set()
        while waiting:
            place = self._places[waiting.pop()]
            if place.id not in shown:
                shown.add(place.id)
                yield place
                waiting.extend(reversed(list(self._directly_below(place))))

    def _directly_below(self, place: P) -> Iterator[str]:
        for child_id in self.children(place.id):
            child = self._places.get(child_id)
            if child is not None and child.depth == place.depth + 1:
                yield child_id

    def _rank(self, objective_id: str) -> tuple[bool, str, str]:
        """By title, as a reader expects."""
        place = self._places.get(objective_id)
        return place is None, place.title if place else "", objective_id


def _target(alignment: Alignment) -> tuple[str, str]:
    return alignment.parent_id, alignment.parent_key_result_id or ""
