"""The order of a tree in which an objective may hang below several others."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.alignment_tree.tree import depth_first, in_order


@dataclass
class Found:
    id: str
    depth: int
    title: str = ""
    children: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.title = self.title or self.id


def shown(*places: Found) -> list[str]:
    return [place.id for place in depth_first({place.id: place for place in places})]


def test_children_come_directly_below_their_parent_by_title() -> None:
    assert shown(
        Found("root", 0, children=["b", "a"]),
        Found("a", 1, title="zebra", children=["x"]),
        Found("b", 1, title="ant", children=["y"]),
        Found("x", 2),
        Found("y", 2),
    ) == ["root", "b", "y", "a", "x"]


def test_an_objective_with_several_parents_is_shown_once_below_the_first_nearest() -> None:
    assert shown(
        Found("root", 0, children=["left", "right", "shared"]),
        Found("left", 1, children=["shared"]),
        Found("right", 1, children=["deep", "shared"]),
        Found("shared", 1),
        Found("deep", 2),
    ) == ["root", "left", "right", "deep", "shared"]


def test_children_that_were_not_reached_are_left_out() -> None:
    assert shown(Found("root", 0, children=["beyond"])) == ["root"]
    assert in_order(["beyond", "root"], {"root": Found("root", 0)}) == ["root", "beyond"]


def test_a_circle_ends() -> None:
    assert shown(Found("a", 0, children=["b"]), Found("b", 1, children=["a"])) == ["a", "b"]


def test_nothing_is_shown_of_nothing() -> None:
    assert shown() == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40))
def test_everything_reached_is_shown_once_and_a_level_below_what_it_stands_under(
    pairs: list[tuple[int, int]],
) -> None:
    below: dict[int, set[int]] = {number: set() for number in range(15)}
    for one, other in pairs:
        if one < other:
            below[one].add(other)
    reached, depths = {0}, {0: 0}
    for number in range(15):  # parents have smaller numbers than their children
        for child in sorted(below[number] if number in reached else ()):
            reached.add(child)
            depths[child] = min(depths.get(child, 99), depths[number] + 1)
    places = [
        Found(str(number), depths[number], children=[str(each) for each in below[number]])
        for number in reached
    ]
    order = list(depth_first({place.id: place for place in places}))
    assert sorted(place.id for place in order) == sorted(map(str, reached))
    for before, after in pairwise(order):
        assert after.depth <= before.depth + 1
