"""The loaded part of the read model: rows in time, and who hangs below whom now."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from services.projections.okrs.rows import (
    Alignment,
    AlignmentKey,
    Change,
    Cycle,
    KeyResult,
    Objective,
    Unaligned,
)
from services.projections.timeline import Timeline, Version

_NO_ALIGNMENTS: dict[AlignmentKey, Alignment] = {}


class Okrs:
    """Cycles, objectives, key results and alignments, as far as they are loaded.

    `complete` names the objectives that are loaded with all that their progress and that of
    their ancestors is computed from; of others there may be the bare row. `stale` names those
    whose progress has to be computed again, `joined` which objectives came into which cycle.
    """

    def __init__(self) -> None:
        self.cycles: Timeline[UUID, Cycle] = Timeline()
        self.objectives: Timeline[UUID, Objective] = Timeline()
        self.key_results: Timeline[UUID, KeyResult] = Timeline()
        self.alignments: Timeline[AlignmentKey, Alignment] = Timeline()
        self.complete: set[UUID] = set()
        self.stale: set[UUID] = set()
        self.joined: set[tuple[UUID, UUID]] = set()
        self._below: dict[UUID, dict[AlignmentKey, Alignment]] = {}
        self._above: dict[UUID, dict[AlignmentKey, Alignment]] = {}

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

    def above(self, child_id: UUID) -> Collection[Alignment]:
        """The alignments that the objective is the child in."""
        return self._above.get(child_id, _NO_ALIGNMENTS).values()

    def below(self, parent_id: UUID) -> Collection[Alignment]:
        """The alignments that the objective, or a key result of it, is the parent in."""
        return self._below.get(parent_id, _NO_ALIGNMENTS).values()

    def load_alignment(self, key: AlignmentKey, versions: Iterable[Version[Alignment]]) -> None:
        """Take over the stored versions of an alignment."""
        self.alignments.load(key, versions)
        alignment = self.alignments.get(key)
        if alignment is not None:
            self._connect(alignment)

    def put(self, change: Change, at: datetime) -> None:
        """Let the change hold from `at` on, and note whose progress it may move."""
        match change:
            case KeyResult():
                self.key_results.put(change.key, change, at)
                self.stale.add(change.objective_id)
            case Objective():
                self._put_objective(change, at)
            case Alignment():
                self.alignments.put(change.key, change, at)
                self._connect(change)
                self.stale.add(change.parent_id)
            case Cycle():
                self.cycles.put(change.key, change, at)
            case Unaligned(key):
                self.alignments.put(key, None, at)
                del self._below[key.parent_id][key], self._above[key.child_id][key]
                self.stale.add(key.parent_id)

    def settle(self, at: datetime) -> None:
        """Take every change up to the moment `at` as stored."""
        self.cycles.settle(at)
        self.objectives.settle(at)
        self.key_results.settle(at)
        self.alignments.settle(at)
        self.joined.clear()

    def _put_objective(self, objective: Objective, at: datetime) -> None:
        before = self.objectives.get(objective.key)
        self.objectives.put(objective.key, objective, at)
        self.stale.add(objective.key)
        if before is None or before.cycle_id != objective.cycle_id:
            self.joined.add((objective.cycle_id, objective.key))
        if before is None or before.counts != objective.counts:
            self.stale.update(alignment.parent_id for alignment in self.above(objective.key))

    def _connect(self, alignment: Alignment) -> None:
        self._below.setdefault(alignment.parent_id, {})[alignment.key] = alignment
        self._above.setdefault(alignment.child_id, {})[alignment.key] = alignment
