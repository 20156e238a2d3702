"""States as JSON documents, in the shapes of `schemas.py` (a test holds the two together)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from contracts.progress import KeyResultProgress, pace
from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.unit import Loaded
from services.goals.domain.cycle import Cycle
from services.goals.domain.guidance import Advice, advice
from services.goals.domain.key_result import CheckIn, KeyResult, Link, Measurement
from services.goals.domain.objective import Alignment, Objective
from services.goals.domain.rollup import own_progress, roll_up
from services.goals.history import Entry
from services.goals.queries import View

Document = dict[str, Any]

_NOT_ROLLED_UP: Final = Advice(
    "not_rolled_up",
    "Too many objectives contribute to be rolled up here: the alignment tree has the progress.",
)
_NOT_CURRENT: Final = Advice(
    "not_current",
    "Something later is known: the check-in joined the history and changed no current value.",
)


def cycle_document(loaded: Loaded[Cycle]) -> Document:
    """A CycleShape."""
    cycle = loaded.state
    return {
        "id": loaded.id,
        "name": cycle.name,
        "starts_on": cycle.starts_on,
        "ends_on": cycle.ends_on,
        "cadence": cycle.cadence,
        "check_in_rhythm": cycle.check_in_rhythm,
        "state": cycle.state,
        "planned_at": cycle.planned_at,
        "changed_at": cycle.changed_at,
        "version": loaded.version,
    }


def objective_document(loaded: Loaded[Objective], view: View) -> Document:
    """An ObjectiveShape."""
    objective, outcome = loaded.state, loaded.state.outcome
    expected = view.expected(objective)
    progress = view.progress.progress if view.progress else None
    return {
        "id": loaded.id,
        "cycle_id": objective.cycle_id,
        "title": objective.title,
        "description": objective.description,
        "owner": {"kind": objective.owner.kind, "id": objective.owner.id},
        "ambition": objective.ambition,
        "state": objective.state,
        "drafted_at": objective.drafted_at,
        "changed_at": objective.changed_at,
        "version": loaded.version,
        "progress": progress,
        "expected": expected,
        "pace": pace(progress, expected),
        "outcome": {"score": outcome.score, "verdict": outcome.verdict} if outcome else None,
        "alignments": [_alignment(each) for each in objective.alignments],
        "key_results": _key_results(objective, view, expected),
        "warnings": _warnings(objective, view),
    }


def checked_in_document(
    loaded: Loaded[Objective], view: View, *, key_result_id: UUID, check_in_id: UUID
) -> Document:
    """A CheckedInShape."""
    found = loaded.state.key_result(key_result_id)
    current = found.current
    assert current is not None, "a check-in leaves a value, its own or a later one"
    return {
        "objective_id": loaded.id,
        "version": loaded.version,
        "check_in_id": check_in_id,
        # It has a value of its own now, so nothing that contributes to it matters.
        "key_result": _key_result(
            found, own_progress(found), expected=view.expected(loaded.state), score=None
        ),
        "warnings": [] if current.position == loaded.state.position else [asdict(_NOT_CURRENT)],
    }


def entry_document(entry: Entry) -> Document:
    """A HistoryEntryShape."""
    logged, context = entry.logged, entry.logged.context
    return {
        "version": logged.originator_version,
        "position": logged.position,
        "topic": logged.event.TOPIC,
        "sentence": entry.sentence,
        "actor": _actor(context.actor),
        "reason": context.reason,
        "effective_at": context.effective_at,
        "recorded_at": logged.recorded_at,
        "command_id": context.command_id,
        "correlation_id": context.correlation_id,
        "causation_id": context.causation_id,
        "changes": [
            {"path": each.path, "before": each.before, "after": each.after}
            for each in entry.changes
        ],
    }


def _key_results(objective: Objective, view: View, expected: float) -> Sequence[Document]:
    scores = objective.outcome.key_results if objective.outcome else {}
    # What has a value of its own does not depend on what contributes.
    known = (view.progress or roll_up(objective)).key_results
    return [
        _key_result(
            each,
            known[each.id] if view.progress or each.current else None,
            expected=expected,
            score=scores.get(each.id),
        )
        for each in objective.key_results
    ]


def _key_result(
    key_result: KeyResult,
    progress: KeyResultProgress | None,
    *,
    expected: float,
    score: float | None,
) -> Document:
    """A KeyResultShape; without a progress it is in children that were not rolled up."""
    definition, current = key_result.definition, key_result.current
    return {
        "id": key_result.id,
        "title": definition.title,
        "type": definition.type,
        "baseline": definition.baseline,
        "target": definition.target,
        "stretch": definition.stretch,
        "unit": definition.unit,
        "weight": definition.weight,
        "due_on": definition.due_on,
        "value": current.value if current else None,
        "as_of": current.as_of if current else None,
        "position": current.position if current else None,
        "attainment": progress.attainment if progress else None,
        "progress": progress.progress if progress else None,
        "source": progress.source if progress else "aligned",
        "expected": expected,
        "pace": pace(progress.progress if progress else None, expected),
        "score": score,
        "link": _link(key_result.link),
        "measurement": _measurement(key_result.measurement),
        "last_check_in": _check_in(key_result.last_check_in),
    }


def _alignment(alignment: Alignment) -> Document:
    return {
        "objective_id": alignment.parent_objective_id,
        "key_result_id": alignment.parent_key_result_id,
        "kind": alignment.kind,
        "weight": alignment.weight,
    }


def _link(link: Link | None) -> Document | None:
    return {"kpi": link.kpi, "reading": link.reading} if link else None


def _measurement(measurement: Measurement | None) -> Document | None:
    if measurement is None:
        return None
    return {
        "period_start": measurement.period_start,
        "period_end": measurement.period_end,
        "metrics_position": measurement.metrics_position,
    }


def _check_in(check_in: CheckIn | None) -> Document | None:
    if check_in is None:
        return None
    return {
        "id": check_in.id,
        "value": check_in.value,
        "confidence": check_in.confidence,
        "status": check_in.status,
        "comment": check_in.comment,
        "effective_at": check_in.effective_at,
        "by": _actor(check_in.by),
    }


def _actor(actor: Actor) -> Document:
    return {"id": actor.id, "kind": actor.kind}


def _warnings(objective: Objective, view: View) -> Sequence[Document]:
    found = advice(objective)
    if view.progress is None:
        found.append(_NOT_ROLLED_UP)
    return [asdict(each) for each in found]
