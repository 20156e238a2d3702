"""The loaded part of the read model: rows in time, and the tree that progress is carried up in."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.progress import Part
from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Change,
    Cycle,
    KeyResult,
    Objective,
    Progress,
    Removed,
    Unaligned,
)
from services.projections.timeline import Timeline

_NO_PARTS: dict[UUID, Part] = {}


@dataclass(slots=True, eq=False)
class Node:
    """An objective in the tree, with what its progress is computed from.

    `own` are the parts of its key results, None until they are put together anew; `own_moved`
    says that one of them moved since `progress` was computed. `fed` are the parts of its
    children, by the key result they feed (None: the objective itself). `above` are the
    alignments by which it contributes itself. `complete` says that all of it and of its
    ancestors is loaded; else there is the bare row.
    """

    objective: Objective | None = None
    progress: Progress | None = None
    own: dict[UUID, Part] | None = None
    own_moved: bool = True
    fed: dict[UUID | None, dict[UUID, Part]] = field(default_factory=dict)
    above: dict[AlignmentKey, "Edge"] = field(default_factory=dict)
    complete: bool = False

    def children(self, key_result_id: UUID | None) -> Collection[Part]:
        """What feeds the objective, or one key result of it."""
        return self.fed.get(key_result_id, _NO_PARTS).values()


@dataclass(slots=True, frozen=True, eq=False)
class Edge:
    """An alignment that contributes, and the node it feeds."""

    alignment: Alignment
    parent: Node


class Okrs:
    """Cycles, objectives, key results and alignments, as far as they are loaded.

    `stale` are the nodes whose progress has to be computed again; `joined` says which objectives
    came into which cycle.
    """

    def __init__(self) -> None:
        self.cycles: Timeline[UUID, Cycle] = Timeline()
        self.objectives: Timeline[UUID, Objective] = Timeline()
        self.progress: Timeline[UUID, Progress] = Timeline()
        self.key_results: Timeline[UUID, KeyResult] = Timeline()
        self.alignments: Timeline[AlignmentKey, Alignment] = Timeline()
        self.stale: set[Node] = set()
        self.joined: set[tuple[UUID, UUID]] = set()
        self._nodes: dict[UUID, Node] = {}

    def cycle(self, key: UUID) -> Cycle | None:
        """The cycle of this id, if it is known."""
        return self.cycles.get(key)

    def objective(self, key: UUID) -> Objective | None:
        """The objective of this id, if it is known."""
        return self.objectives.get(key)

    def key_result(self, key: UUID) -> KeyResult | None:
        """The key result of this id, if it is known."""
        return self.key_results.get(key)

    def alignment(self, key: AlignmentKey) -> Alignment | None:
        """The alignment of this child below this parent, if there is one."""
        return self.alignments.get(key)

    def node(self, objective_id: UUID) -> Node:
        """The objective's place in the tree, whether or not the objective is known."""
        node = self._nodes.get(objective_id)
        if node is None:
            node = self._nodes[objective_id] = Node()
        return node

    def take_in(
        self,
        objectives: Iterable[UUID],
        alignments: Iterable[Alignment],
        complete: Iterable[UUID],
    ) -> None:
        """Put what was just loaded into its place in the tree. Nothing of it is stale."""
        assert not self.stale
        for objective_id in objectives:
            node = self.node(objective_id)
            node.objective = self.objectives.get(objective_id)
            node.progress = self.progress.get(objective_id)
        for alignment in alignments:
            self.connect(alignment)
        for objective_id in complete:
            self.node(objective_id).complete = True
        self.stale.clear()

    def put(self, change: Change, at: datetime) -> None:
        """Let the change hold from `at` on, and note whose progress it may move."""
        match change:
            case KeyResult():
                self._put_key_result(change, at)
            case Objective():
                self._put_objective(change, at)
            case Alignment():
                self.alignments.put(change.key, change, at)
                self.connect(change)
            case Cycle():
                self.cycles.put(change.cycle_id, change, at)
            case Unaligned(key):
                self.alignments.put(key, None, at)
                self._disconnect(key)
            case Removed(key_result_id):
                self.key_results.put(key_result_id, None, at)

    def put_progress(self, node: Node, progress: Progress, at: datetime) -> None:
        """Let the progress of an objective hold from `at` on, and feed it to the parents."""
        self.progress.put(progress.objective_id, progress, at)
        node.progress = progress
        if node.objective is not None and node.objective.counts:
            self._feed_parents(node)

    def connect(self, alignment: Alignment) -> None:
        """Let the alignment's child feed its parent, if that is what the alignment is for."""
        if alignment.kind == "contributes":
            edge = Edge(alignment, self.node(alignment.parent_id))
            child = self.node(alignment.child_id)
            child.above[alignment.key] = edge
            self._feed(edge, child)
        else:
            self._disconnect(alignment.key)

    def _put_key_result(self, key_result: KeyResult, at: datetime) -> None:
        self.key_results.put(key_result.key_result_id, key_result, at)
        node = self.node(key_result.objective_id)
        if node.own is None or key_result.value is None:
            node.own = None
        else:
            node.own[key_result.key_result_id] = key_result.part
        node.own_moved = True
        self.stale.add(node)

    def _put_objective(self, objective: Objective, at: datetime) -> None:
        node = self.node(objective.objective_id)
        before, node.objective = node.objective, objective
        self.objectives.put(objective.objective_id, objective, at)
        if before is None or before.key_result_ids != objective.key_result_ids:
            self._disturb_own(node)
        if before is None or before.cycle_id != objective.cycle_id:
            self.joined.add((objective.cycle_id, objective.objective_id))
        if before is None or before.counts != objective.counts:
            self._feed_parents(node)

    def _disconnect(self, key: AlignmentKey) -> None:
        edge = self.node(key.child_id).above.pop(key, None)
        if edge is not None:
            edge.parent.fed[key.parent_key_result_id].pop(key.child_id, None)
            self._disturb(edge.parent, key.parent_key_result_id)

    def _feed_parents(self, child: Node) -> None:
        for edge in child.above.values():
            self._feed(edge, child)

    def _feed(self, edge: Edge, child: Node) -> None:
        """Let the child's part in its parent be what the child's progress is now."""
        alignment, parent = edge.alignment, edge.parent
        parts = parent.fed.get(alignment.parent_key_result_id)
        if parts is None:
            parts = parent.fed[alignment.parent_key_result_id] = {}
        if child.objective is not None and child.objective.counts:
            known = child.progress
            parts[alignment.child_id] = (
                Part(known.progress, alignment.weight, known.position or None)
                if known is not None
                else Part(None, alignment.weight)
            )
        else:
            parts.pop(alignment.child_id, None)
        self._disturb(parent, alignment.parent_key_result_id)

    def _disturb(self, node: Node, key_result_id: UUID | None) -> None:
        """What feeds the objective, or a key result of it, has moved."""
        if key_result_id is not None:
            node.own = None
        self.stale.add(node)

    def _disturb_own(self, node: Node) -> None:
        node.own = None
        self.stale.add(node)
