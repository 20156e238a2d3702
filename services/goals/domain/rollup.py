"""Progress rolled up: an objective's from its key results and from all that contribute to it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from uuid import UUID

from contracts.progress import (
    COUNTING_STATES,
    KeyResultProgress,
    Part,
    aligned_progress,
    newest_position,
    valued_progress,
    weighted_mean,
)
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveProgress:
    """An objective's progress (None: nothing countable) and that of each of its key results.

    `position` is where in the log the newest value stands that the progress rests on.
    """

    progress: float | None
    position: int | None
    key_results: Mapping[UUID, KeyResultProgress]


@dataclass(frozen=True, slots=True)
class _Contribution:
    child: UUID
    key_result: UUID | None
    weight: float


def roll_up(objective: Objective, contributors: Iterable[Objective] = ()) -> ObjectiveProgress:
    """The objective's progress, given all that contribute to it at any depth.

    A contributor counts while it is worked on and once it is closed.
    """
    return roll_up_all((objective, *contributors))[objective.id]


def roll_up_all(objectives: Iterable[Objective]) -> dict[UUID, ObjectiveProgress]:
    """The progress of each of these objectives, given that nothing else contributes to them."""
    family = {each.id: each for each in objectives}
    feeding: dict[UUID, list[_Contribution]] = {each: [] for each in family}
    for child in family.values():
        for parent, contribution in _contributions(child):
            if parent in feeding:
                feeding[parent].append(contribution)
    children = {parent: [each.child for each in found] for parent, found in feeding.items()}
    done: dict[UUID, ObjectiveProgress] = {}
    for each in TopologicalSorter(children).static_order():  # children come before parents
        done[each] = _progress(family[each], feeding[each], done)
    return done


def needs_contributors(objective: Objective) -> bool:
    """Whether any key result has no value of its own, and so may take its children's."""
    return any(each.current is None for each in objective.key_results)


def _contributions(child: Objective) -> list[tuple[UUID, _Contribution]]:
    if child.state not in COUNTING_STATES:
        return []
    return [
        (
            each.parent_objective_id,
            _Contribution(child.id, each.parent_key_result_id, each.weight),
        )
        for each in child.alignments
        if each.kind == "contributes"
    ]


def _progress(
    objective: Objective,
    feeding: Sequence[_Contribution],
    done: Mapping[UUID, ObjectiveProgress],
) -> ObjectiveProgress:
    fed: dict[UUID | None, list[Part]] = {}
    for each in feeding:
        fed.setdefault(each.key_result, []).append(_part(done[each.child], each.weight))
    key_results = {
        each.id: progress_of(each, fed.get(each.id, ())) for each in objective.key_results
    }
    own = [_part(key_results[each.id], each.definition.weight) for each in objective.key_results]
    counted = [*own, *fed.get(None, ())]
    return ObjectiveProgress(
        progress=weighted_mean(counted),
        position=newest_position(counted),
        key_results=key_results,
    )


def _part(known: KeyResultProgress | ObjectiveProgress, weight: float) -> Part:
    return Part(known.progress, weight, known.position)


def progress_of(key_result: KeyResult, children: Collection[Part] = ()) -> KeyResultProgress:
    """A key result's progress by its own value or, without one, by that of its children."""
    attained, current = key_result.attained, key_result.current
    if attained is None or current is None:
        return aligned_progress(children)
    return valued_progress(attained, current.source, current.position)
