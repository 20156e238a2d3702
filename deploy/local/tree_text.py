"""The alignment tree as people read it at a terminal: one line per objective."""

from collections.abc import Iterator, Mapping
from typing import Any

BAR_CELLS = 10
TITLE_CHARACTERS = 52


def tree_lines(tree: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each node of `GET /v1/alignment-tree`, indented by its depth.

    A bar shows the rolled-up progress, the number behind it how far that is ahead of or behind
    a steady pace, in points of a hundred. What is not being worked on says its state at the end.
    """
    for node in tree["nodes"]:
        title = _shortened("  " * node["depth"] + node["title"])
        owner = f"{node['owner']['kind']}:{node['owner']['id']}"
        state = "" if node["state"] == "active" else f"  {node['state']}"
        yield f"{title:<{TITLE_CHARACTERS}}  {_standing(node)}  {node['id']}  {owner}{state}"
    if tree["truncated"]:
        yield "There is more: ask for one root, or for less depth."


def _shortened(title: str) -> str:
    return title if len(title) <= TITLE_CHARACTERS else f"{title[: TITLE_CHARACTERS - 1]}…"


def _standing(node: Mapping[str, Any]) -> str:
    if node["progress"] is None:
        return f"{'no progress yet':<{BAR_CELLS + 12}}"
    full = round(node["progress"] * BAR_CELLS)
    pace = "" if node["pace"] is None else f"{node['pace'] * 100:+.0f}"
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {node['progress']:>4.0%} {pace:>5} "
