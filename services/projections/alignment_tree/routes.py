"""The alignment tree over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.goals import ObjectiveState
from contracts.positions import MalformedPositionError
from services.projections.alignment_tree.pace import key_results, standing
from services.projections.alignment_tree.query import (
    NodeRow,
    TwoBeginningsError,
    UnknownObjectiveError,
    alignments,
    ask_nodes,
    find_roots,
)
from services.projections.alignment_tree.schemas import AlignmentTreeShape
from services.projections.alignment_tree.tree import Alignment, Tree
from services.projections.api.asked import Asked, Known
from services.projections.api.filters import States, WithLabel
from services.projections.api.problems import documented
from services.projections.okrs.cycles import Term, UnknownCycleError, cycle_at, term
from services.projections.waiting import NotFollowedYetError

MAX_NODES: Final = 20_000
# Deeper than any chain the node bound lets through.
MAX_DEPTH: Final = MAX_NODES

router = APIRouter(prefix="/v1/alignment-tree", tags=["alignment tree"])


@router.get(
    "",
    response_model=AlignmentTreeShape,
    responses=documented(
        UnknownCycleError,
        UnknownObjectiveError,
        TwoBeginningsError,
        NotFollowedYetError,
        MalformedPositionError,
    ),
)
async def get_alignment_tree(
    asked: Asked,
    cycle: Annotated[
        UUID | None, Query(description="Begin at what hangs below nothing of this cycle.")
    ] = None,
    root: Annotated[
        UUID | None, Query(description="Begin at this objective; not beside `cycle`.")
    ] = None,
    depth: Annotated[
        int, Query(ge=0, le=MAX_DEPTH, description="How many levels below the roots to show.")
    ] = MAX_DEPTH,
    states: States = None,
    label: WithLabel = None,
) -> Response:
    """Show who contributes to what, with progress rolled up: all objectives, unless told else.

    With `state` or `label`, those that are neither wanted nor above one that is are left out.
    """
    if root is not None and cycle is not None:
        raise TwoBeginningsError
    async with asked.known() as known:
        roots = await _roots(known, cycle, root)
        nodes = await ask_nodes(known.connection, roots, depth=depth, at=known.at, limit=MAX_NODES)
    rows = await nodes.fetchall()
    # It is enough that was known: else the block would not have ended here.
    if root is not None and not rows:
        raise UnknownObjectiveError(root)
    tree = Tree(rows, alignments(rows))
    shown = list(tree.depth_first())
    if states is not None or label is not None:
        kept = tree.leading_to(lambda row: _is_wanted(row, states, label))
        shown = [row for row in shown if row.id in kept]
    document = _document(tree, shown, await known.as_of())
    return await known.answer(
        {**document, "truncated": bool(rows) and rows[0].reached >= MAX_NODES}
    )


def _is_wanted(row: NodeRow, states: Sequence[ObjectiveState] | None, label: str | None) -> bool:
    return (states is None or row.state in states) and (label is None or label in row.labels)


async def _roots(known: Known, cycle: UUID | None, root: UUID | None) -> Sequence[UUID]:
    if root is not None:
        return [root]
    if cycle is not None:
        await cycle_at(known.connection, cycle, known.at)
    return await find_roots(known.connection, cycle_id=cycle, at=known.at, limit=MAX_NODES)


def _document(tree: Tree[NodeRow], shown: Sequence[NodeRow], at: datetime) -> dict[str, Any]:
    """An AlignmentTreeShape, but for whether it is truncated."""
    cycles = {row.cycle_id: (row.starts_on, row.ends_on) for row in shown}
    now = {
        cycle: term(starts_on, ends_on, at)
        for cycle, (starts_on, ends_on) in cycles.items()
        if starts_on is not None and ends_on is not None
    }
    return {
        "roots": [row.id for row in shown if row.depth == 0],
        "nodes": [_node(row, tree, _term(row, now)) for row in shown],
    }


def _term(row: NodeRow, now: Mapping[str, Term]) -> Term | None:
    """The term of the objective's cycle, as far as the objective went on in it."""
    found = now.get(row.cycle_id)
    return None if found is None else found.until(row.ended_at)


def _node(row: NodeRow, tree: Tree[NodeRow], term: Term | None) -> dict[str, Any]:
    """A NodeShape."""
    parents = tree.parents(row.id)
    return {
        "id": row.id,
        "cycle_id": row.cycle_id,
        "title": row.title,
        "owner": {"kind": row.owner_kind, "id": row.owner_id},
        "delegates": orjson.Fragment(row.delegates),
        "labels": row.labels,
        "state": row.state,
        "ambition": row.ambition,
        "approved_at": row.approved_at,
        "ended_at": row.ended_at,
        "predecessor_id": row.predecessor_id,
        "successor_id": row.successor_id,
        "progress": row.progress,
        "own_progress": row.own_progress,
        "source": "computed",
        "position": row.position,
        **standing(row.progress, None if term is None else term.expected),
        "score": row.score,
        "verdict": row.verdict,
        "key_results": key_results(row.key_results, term),
        "parents": [_parent(each) for each in parents],
        "children": tree.children(row.id),
        "depth": row.depth,
        "orphan": row.owner_kind != "company" and not parents,
    }


def _parent(alignment: Alignment) -> dict[str, Any]:
    """A ParentShape."""
    return {
        "objective_id": alignment.parent_id,
        "key_result_id": alignment.parent_key_result_id,
        "kind": alignment.kind,
        "weight": alignment.weight,
    }
