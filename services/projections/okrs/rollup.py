"""Progress carried upwards: from key results to objectives, from children to parents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from contracts.progress import Part, key_result_progress, weighted_mean
from services.projections.okrs.model import Okrs
from services.projections.okrs.rows import KeyResult, Objective

_NO_PARTS: Sequence[Part] = ()


def roll_up(okrs: Okrs, at: datetime) -> None:
    """Compute the stale progress, and that of every ancestor it moves, as of `at`.

    An objective may have several parents. It is computed after all of its children, so once;
    what did not move does not disturb its parents.
    """
    for objective_id in _children_first(okrs):
        if objective_id in okrs.stale:
            _refresh(okrs, objective_id, at)
    okrs.stale.clear()


def _children_first(okrs: Okrs) -> list[UUID]:
    """The stale objectives and their ancestors, each child before its parents.

    While an aggregate is parked, the alignments seen here can form a circle that never existed
    in the log. The walk ends all the same, because it enters no objective twice.
    """
    parents_first: list[UUID] = []
    seen: set[UUID] = set()
    stack = [(objective_id, False) for objective_id in okrs.stale]
    while stack:
        objective_id, left = stack.pop()
        if left:
            parents_first.append(objective_id)
        elif objective_id not in seen:
            seen.add(objective_id)
            stack.append((objective_id, True))
            stack.extend(
                (alignment.parent_id, False)
                for alignment in okrs.above(objective_id)
                if alignment.kind == "contributes"
            )
    parents_first.reverse()
    return parents_first


def _refresh(okrs: Okrs, objective_id: UUID, at: datetime) -> None:
    objective = okrs.objective(objective_id)
    if objective is None:
        return
    computed = _computed(okrs, objective, at)
    if computed == objective:
        return
    okrs.objectives.put(objective_id, computed, at)
    if computed.progress != objective.progress and computed.counts:
        okrs.stale.update(alignment.parent_id for alignment in okrs.above(objective_id))


def _computed(okrs: Okrs, objective: Objective, at: datetime) -> Objective:
    """The objective with the progress that its key results and children give it."""
    feeding = _feeding(okrs, objective.objective_id)
    own = []
    for key_result_id in objective.key_result_ids:
        key_result = okrs.key_results.get(key_result_id)
        assert key_result is not None, "an objective is loaded with its key results"
        if key_result.value is None:
            key_result = _fed(key_result, feeding.get(key_result_id, _NO_PARTS))
            okrs.key_results.put(key_result_id, key_result, at)
        own.append(Part(key_result.progress, key_result.weight))
    own_progress = weighted_mean(own)
    children = feeding.get(None)
    progress = weighted_mean([*own, *children]) if children else own_progress
    return replace(objective, own_progress=own_progress, progress=progress)


def _feeding(okrs: Okrs, parent_id: UUID) -> dict[UUID | None, list[Part]]:
    """What contributes to the objective (None) and to each of its key results."""
    feeding: dict[UUID | None, list[Part]] = {}
    for alignment in okrs.below(parent_id):
        child = okrs.objective(alignment.child_id)
        if alignment.kind == "contributes" and child is not None and child.counts:
            part = Part(child.progress, alignment.weight)
            feeding.setdefault(alignment.parent_key_result_id, []).append(part)
    return feeding


def _fed(key_result: KeyResult, children: Sequence[Part]) -> KeyResult:
    """A key result without a value of its own: it stands where its children stand."""
    assert key_result.baseline is not None
    assert key_result.target is not None
    fed = key_result_progress(
        baseline=key_result.baseline, target=key_result.target, value=None, children=children
    )
    if fed.progress == key_result.progress and fed.source == key_result.source:
        return key_result
    return replace(key_result, progress=fed.progress, source=fed.source)
