"""The alignment tree as people read it at a terminal: a line for each objective."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

BAR_CELLS = 10
TITLE_CHARACTERS = 52

_NOT_BEGUN = ("draft", "proposed")

# A document of `GET /v1/cycles`, or a node or key result of `GET /v1/alignment-tree`.
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TreeText:
    """How to show trees: with the names of cycles by their ids, with key results or without."""

    cycles: Mapping[str, str]
    key_results: bool = False

    def tree(self, tree: Document) -> Iterator[str]:
        """Yield the lines of a tree, indented by depth.

        A bar shows the rolled-up progress, the number behind it how far that is ahead of or
        behind a steady pace, in points of a hundred. What is not being worked on says its state
        behind the title. What belongs to another cycle than what it stands below names it.
        """
        yield from self._nodes(tree["nodes"])
        if tree["truncated"]:
            yield "There is more: ask for one root, or for less depth."

    def forest(self, cycles: Iterable[Document], read: Callable[[str], Document]) -> Iterator[str]:
        """Yield the trees of several cycles below their names, each objective once.

        The longest cycle comes first: what is aligned to a year's objective is shown there, and
        not again in its quarter. `read` gets the tree of a cycle by its id.
        """
        seen: set[str] = set()
        for cycle in sorted(cycles, key=_days, reverse=True):
            tree = read(cycle["id"])
            new = [node for node in tree["nodes"] if node["id"] not in seen]
            seen.update(node["id"] for node in new)
            if new or not tree["nodes"]:
                yield cycle["name"]
            yield from self.tree({**tree, "nodes": new})

    def _nodes(self, nodes: Iterable[Document]) -> Iterator[str]:
        # The cycles of the node that was last and of all above it, from the root on.
        above: list[str] = []
        for node in nodes:
            del above[node["depth"] :]
            is_of_other = bool(above) and above[-1] != node["cycle_id"]
            above.append(node["cycle_id"])
            name = self.cycles.get(node["cycle_id"]) if is_of_other else None
            yield _objective(node) + ("" if name is None else f"  {name}")
            if self.key_results:
                for key_result in node["key_results"]:
                    yield _key_result(key_result, node)


def _days(cycle: Document) -> int:
    return (date.fromisoformat(cycle["ends_on"]) - date.fromisoformat(cycle["starts_on"])).days


def _objective(node: Document) -> str:
    title = _titled("  " * node["depth"] + node["title"], _state(node))
    return (
        f"{title}  {_standing(node)}  {node['id']}  {node['owner']['kind']}:{node['owner']['id']}"
    )


def _state(node: Document) -> str:
    if node["state"] == "active":
        return ""
    return f" ({node['verdict'] or node['state']})"


def _titled(title: str, suffix: str) -> str:
    """The title with what is behind it, cut so that it fits into its column."""
    room = TITLE_CHARACTERS - len(suffix)
    shown = title if len(title) <= room else f"{title[: room - 1]}…"
    return f"{shown + suffix:<{TITLE_CHARACTERS}}"


def _standing(node: Document) -> str:
    """Where it stands; what has ended by its score, and without a pace."""
    if node["progress"] is None or (node["state"] in _NOT_BEGUN and not node["progress"]):
        return f"{'no progress yet':<{BAR_CELLS + 12}}"
    if node["state"] == "active":
        return _bar(node["progress"], node["pace"])
    return _bar(node["progress"] if node["score"] is None else node["score"], None)


def _bar(progress: float, pace: float | None) -> str:
    full = round(progress * BAR_CELLS)
    ahead = "" if pace is None else f"{round(pace * 100):+d}"
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {progress:>4.0%} {ahead:>5} "


def _key_result(key_result: Document, node: Document) -> str:
    title = _titled("  " * node["depth"] + "- " + key_result["title"], "")
    pace = key_result["pace"] if node["state"] == "active" else None
    return f"{title}  {_bar(key_result['progress'], pace)}  {_measured(key_result)}"


def _measured(key_result: Document) -> str:
    """How it stands in the words of its type, and where that comes from."""
    if key_result["value"] is None:
        return "by what contributes" if key_result["source"] == "aligned" else "nothing said yet"
    said = _SAID[key_result["type"]](key_result)
    if key_result["kpi"] is not None:
        said += f", by {key_result['kpi']}"
    if key_result["score"] != key_result["computed_score"]:
        said += f"; scored {key_result['score']:.0%}"
    return said


def _moved(key_result: Document) -> str:
    way = f"from {_number(key_result['baseline'])} to {_number(key_result['target'])}"
    return f"{_value(key_result)}, {way}"


def _maintained(key_result: Document) -> str:
    tally = key_result["tally"]
    times = f"{tally['in_band']} of {tally['measured']} times {_band(key_result)}"
    return f"{_value(key_result)}, {times}"


def _band(key_result: Document) -> str:
    lower, upper = key_result["lower"], key_result["upper"]
    if upper is None:
        return f"at least {_number(lower)}"
    if lower is None:
        return f"at most {_number(upper)}"
    return f"from {_number(lower)} to {_number(upper)}"


def _checked(key_result: Document) -> str:
    milestones: Sequence[Document] = key_result["milestones"]
    done = [each["title"] for each in milestones if each["done"]]
    counted = f"{len(done)} of {len(milestones)} done"
    return f"{counted}: {', '.join(done)}" if done else counted


def _done(key_result: Document) -> str:
    return "done" if key_result["value"] else "not done yet"


_SAID: Mapping[str, Callable[[Document], str]] = {
    "increase": _moved,
    "decrease": _moved,
    "maintain": _maintained,
    "milestones": _checked,
    "binary": _done,
}


def _value(key_result: Document) -> str:
    return f"{_number(key_result['value'])} {key_result['unit']}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")
