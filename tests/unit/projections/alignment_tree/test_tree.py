"""The order of a tree in which an objective may hang below several others."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.alignment_tree.tree import Alignment, Tree


@dataclass
class Found:
    id: str
    depth: int
    title: str = ""

    def __post_init__(self) -> None:
        self.title = self.title or self.id


def below(parent: str, *children: str) -> list[Alignment]:
    return [Alignment(child, parent, None, "contributes", 1.0) for child in children]


def shown(tree: Tree[Found]) -> list[str]:
    return [place.id for place in tree.depth_first()]


def test_children_come_directly_below_their_parent_by_title() -> None:
    places = [
        Found("root", 0),
        Found("a", 1, title="zebra"),
        Found("b", 1, title="ant"),
        Found("x", 2),
        Found("y", 2),
    ]
    alignments = [*below("root", "a", "b"), *below("a", "x"), *below("b", "y")]
    assert shown(Tree(places, alignments)) == ["root", "b", "y", "a", "x"]


def test_an_objective_with_several_parents_is_shown_once_below_the_first_nearest() -> None:
    places = [
        Found("root", 0),
        Found("left", 1),
        Found("right", 1),
        Found("shared", 1),
        Found("deep", 2),
    ]
    alignments = [
        *below("root", "left", "right", "shared"),
        *below("left", "shared"),
        *below("right", "deep", "shared"),
    ]
    tree = Tree(places, alignments)
    assert shown(tree) == ["root", "left", "right", "deep", "shared"]
    assert [each.parent_id for each in tree.parents("shared")] == ["left", "right", "root"]


def test_children_that_were_not_reached_are_named_last_and_not_shown() -> None:
    places = [Found("root", 0), Found("z", 1)]
    tree = Tree(places, below("root", "beyond", "z"))
    assert shown(tree) == ["root", "z"]
    assert tree.children("root") == ["z", "beyond"]


def test_a_child_aligned_to_its_parent_and_to_its_key_result_is_one_child() -> None:
    places = [Found("root", 0), Found("a", 1)]
    to_key_result = Alignment("a", "root", "kr", "contributes", 2.0)
    tree = Tree(places, [to_key_result, *below("root", "a")])
    assert tree.children("root") == ["a"]
    assert [each.parent_key_result_id for each in tree.parents("a")] == [None, "kr"]


def test_a_circle_ends() -> None:
    places = [Found("a", 0), Found("b", 1)]
    assert shown(Tree(places, [*below("a", "b"), *below("b", "a")])) == ["a", "b"]


def test_what_is_wanted_is_found_with_all_that_is_above_it() -> None:
    places = [Found("root", 0), Found("left", 1), Found("right", 1), Found("x", 2), Found("y", 2)]
    alignments = [*below("root", "left", "right"), *below("left", "x"), *below("right", "x", "y")]
    tree = Tree(places, [*alignments, *below("beyond", "root")])
    assert tree.leading_to(lambda place: place.id == "x") == {"x", "left", "right", "root"}
    assert tree.leading_to(lambda place: place.id == "right") == {"right", "root"}
    assert tree.leading_to(lambda place: False) == set()  # noqa: ARG005  nothing is wanted


def test_nothing_is_shown_of_nothing() -> None:
    assert shown(Tree([], [])) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40))
def test_everything_reached_is_shown_once_and_a_level_below_what_it_stands_under(
    pairs: list[tuple[int, int]],
) -> None:
    alignments = {
        each for one, other in pairs if one < other for each in below(str(one), str(other))
    }
    depths = {0: 0}
    for number in range(15):  # parents have smaller numbers than their children
        for child in range(number + 1, 15):
            if number in depths and any(below(str(number), str(child))[0] == a for a in alignments):
                depths[child] = min(depths.get(child, 99), depths[number] + 1)
    places = [Found(str(number), depth) for number, depth in depths.items()]
    order = list(Tree(places, alignments).depth_first())
    assert sorted(place.id for place in order) == sorted(map(str, depths))
    for before, after in pairwise(order):
        assert after.depth <= before.depth + 1
