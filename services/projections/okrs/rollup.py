"""Progress carried upwards: from key results to objectives, from children to parents."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from contracts.progress import Part, aligned_progress, newest_position, weighted_mean
from services.projections.okrs.model import Node, Okrs
from services.projections.okrs.rows import KeyResult, Objective, Progress


def roll_up(okrs: Okrs, at: datetime) -> None:
    """Compute the stale progress, and that of every ancestor it moves, as of `at`.

    An objective may have several parents. It is computed after all of its children, so once;
    what did not move does not disturb its parents.
    """
    if not okrs.stale:
        return
    for node in _children_first(okrs.stale):
        if node in okrs.stale:
            _refresh(okrs, node, at)
    okrs.stale.clear()


def _children_first(stale: Collection[Node]) -> list[Node]:
    """The stale nodes and their ancestors, each child before its parents.

    While an aggregate is parked, the alignments seen here can form a circle that never existed
    in the log. The walk ends all the same, because it enters no node twice.
    """
    parents_first: list[Node] = []
    seen: set[Node] = set()
    stack = [(node, False) for node in stale]
    while stack:
        node, left = stack.pop()
        if left:
            parents_first.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(edge.parent, False) for edge in node.above.values()]
    parents_first.reverse()
    return parents_first


def _refresh(okrs: Okrs, node: Node, at: datetime) -> None:
    objective, before = node.objective, node.progress
    if objective is None:
        return
    own = node.own
    if own is None:
        own = node.own = _own_parts(okrs, node, objective, at)
        node.own_moved = True
    if node.own_moved or before is None:
        own_progress = weighted_mean(own.values())
        node.own_moved = False
    else:
        own_progress = before.own_progress
    children = node.children(None)
    counted = [*own.values(), *children]
    progress = weighted_mean(counted) if children else own_progress
    position = newest_position(counted) or 0
    after = Progress(objective.objective_id, own_progress, progress, position)
    if after != before:
        okrs.put_progress(node, after, at)


def _own_parts(okrs: Okrs, node: Node, objective: Objective, at: datetime) -> dict[UUID, Part]:
    """The part of each key result; those without a value stand where their children stand."""
    parts = {}
    for key_result_id in objective.key_result_ids:
        key_result = okrs.key_results.get(key_result_id)
        assert key_result is not None, "an objective is loaded with its key results"
        children = node.children(key_result_id)
        if key_result.value is None and (children or key_result.source == "aligned"):
            key_result = _fed(key_result, children)
            okrs.key_results.put(key_result_id, key_result, at)
        parts[key_result_id] = key_result.part
    return parts


def _fed(key_result: KeyResult, children: Collection[Part]) -> KeyResult:
    """A key result without a value of its own, as its children leave it."""
    fed = aligned_progress(children)
    return replace(key_result, progress=fed.progress, source=fed.source, position=fed.position)
