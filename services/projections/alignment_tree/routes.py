"""The alignment tree over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.positions import MalformedPositionError
from contracts.progress import expected_progress, pace
from services.projections.alignment_tree.query import (
    NodeRow,
    UnknownObjectiveError,
    find_alignments,
    find_nodes,
    find_roots,
)
from services.projections.alignment_tree.schemas import AlignmentTreeShape
from services.projections.alignment_tree.tree import Alignment, Tree
from services.projections.api.asked import Asked, Known
from services.projections.api.problems import documented
from services.projections.okrs.cycles import UnknownCycleError, cycle_at, cycles_at
from services.projections.okrs.rows import Cycle
from services.projections.waiting import NotFollowedYetError

MAX_NODES: Final = 20_000
# Deeper than any chain the node bound lets through.
MAX_DEPTH: Final = MAX_NODES

router = APIRouter(prefix="/v1/alignment-tree", tags=["alignment tree"])


@router.get(
    "",
    response_model=AlignmentTreeShape,
    responses=documented(
        UnknownCycleError, UnknownObjectiveError, NotFollowedYetError, MalformedPositionError
    ),
)
async def get_alignment_tree(
    asked: Asked,
    cycle: Annotated[
        UUID | None, Query(description="Begin at what hangs below nothing of this cycle.")
    ] = None,
    root: Annotated[UUID | None, Query(description="Begin at this objective.")] = None,
    depth: Annotated[
        int, Query(ge=0, le=MAX_DEPTH, description="How many levels below the roots to show.")
    ] = MAX_DEPTH,
) -> Response:
    """Show who contributes to what, with progress rolled up: all objectives, unless told else."""
    async with asked.known() as known:
        roots = await _roots(known, cycle, root)
        rows = await find_nodes(
            known.connection, roots, depth=depth, at=known.as_of, limit=MAX_NODES
        )
        if root is not None and not rows:
            raise UnknownObjectiveError(root)
        alignments = await find_alignments(known.connection, rows, depth=depth, at=known.as_of)
        cycles = await cycles_at(
            known.connection, list({row.cycle_id for row in rows}), known.as_of
        )
    return known.answer(_document(Tree(rows, alignments), rows, _expected(cycles, known.as_of)))


async def _roots(known: Known, cycle: UUID | None, root: UUID | None) -> Sequence[UUID]:
    if root is not None:
        return [root]
    if cycle is not None:
        await cycle_at(known.connection, cycle, known.as_of)
    return await find_roots(known.connection, cycle_id=cycle, at=known.as_of, limit=MAX_NODES)


def _expected(cycles: Mapping[UUID, Cycle], at: datetime) -> dict[UUID, float]:
    return {
        cycle.cycle_id: expected_progress(starts_on=cycle.starts_on, ends_on=cycle.ends_on, at=at)
        for cycle in cycles.values()
    }


def _document(
    tree: Tree[NodeRow], rows: Sequence[NodeRow], expected: Mapping[UUID, float]
) -> dict[str, Any]:
    """An AlignmentTreeShape."""
    shown = list(tree.depth_first())
    return {
        "roots": [row.id for row in shown if row.depth == 0],
        "nodes": [_node(row, tree, expected.get(row.cycle_id)) for row in shown],
        "truncated": bool(rows) and rows[0].reached >= MAX_NODES,
    }


def _node(row: NodeRow, tree: Tree[NodeRow], expected: float | None) -> dict[str, Any]:
    """A NodeShape."""
    parents = tree.parents(row.id)
    return {
        "id": row.id,
        "cycle_id": row.cycle_id,
        "title": row.title,
        "owner": {"kind": row.owner_kind, "id": row.owner_id},
        "state": row.state,
        "ambition": row.ambition,
        "progress": row.progress,
        "own_progress": row.own_progress,
        "expected": expected,
        "pace": None if expected is None else pace(row.progress, expected),
        "score": row.score,
        "verdict": row.verdict,
        "key_results": orjson.Fragment(f"[{row.key_results}]") if row.key_results else (),
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
