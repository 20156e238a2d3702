"""States as JSON documents, in the shapes of `schemas.py` (a test holds the two together)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from contracts.progress import KeyResultProgress, computed_status, pace
from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.unit import Loaded
from services.goals.api.pages import encode_cursor
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.events import ObjectiveCommented, Owner
from services.goals.domain.guidance import Advice, advice
from services.goals.domain.key_result import CheckIn, KeyResult, Link, Measurement
from services.goals.domain.objective import Alignment, Objective, Retrospective, Successor
from services.goals.domain.rhythm import is_overdue, next_due_at
from services.goals.domain.rollup import progress_of, roll_up
from services.goals.history import Entry
from services.goals.persistence.check_ins import ListedCheckIn, Revision
from services.goals.persistence.feedback import Feedback
from services.goals.persistence.lists import LeftOpen
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


def closed_cycle_document(loaded: Loaded[Cycle], left_open: LeftOpen) -> Document:
    """A ClosedCycleShape."""
    first = [asdict(each) for each in left_open.first]
    return {**cycle_document(loaded), "left_open": {"count": left_open.count, "first": first}}


def objective_document(loaded: Loaded[Objective], view: View) -> Document:
    """An ObjectiveShape."""
    objective, outcome = loaded.state, loaded.state.outcome
    expected = view.expected(objective)
    progress = view.progress.progress if view.progress else None
    ahead = pace(progress, expected)
    key_results = _key_results(objective, view)
    return {
        "id": loaded.id,
        "cycle_id": objective.cycle_id,
        "title": objective.title,
        "description": objective.description,
        "owner": _owner(objective.owner),
        "delegates": [_owner(each) for each in objective.delegates],
        "ambition": objective.ambition,
        "labels": objective.labels,
        "state": objective.state,
        "allowed": objective.allowed,
        "drafted_at": objective.drafted_at,
        "approved_at": objective.approved_at,
        "activated_at": objective.activated_at,
        "ended_at": objective.ended_at,
        "changed_at": objective.changed_at,
        "version": loaded.version,
        "progress": progress,
        "source": "computed",
        "position": view.progress.position if view.progress else None,
        "expected": expected,
        "pace": ahead,
        "computed_status": computed_status(ahead),
        "overdue": any(each["overdue"] for each in key_results),
        "outcome": {"score": outcome.score, "verdict": outcome.verdict} if outcome else None,
        "retrospective": _retrospective(objective.retrospective),
        "predecessor_id": objective.predecessor_id,
        "successor": _successor(objective.successor),
        "comments": objective.comments,
        "acknowledgements": objective.acknowledgements,
        "alignments": [_alignment(each) for each in objective.alignments],
        "key_results": key_results,
        "warnings": _warnings(objective, view),
    }


def aligned_document(loaded: Loaded[Objective]) -> Document:
    """An AlignedItemShape."""
    return {
        "id": loaded.id,
        "version": loaded.version,
        "alignments": [_alignment(each) for each in loaded.state.alignments],
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
        "key_result": _key_result(loaded.state, found, view, progress_of(found)),
        "warnings": [] if current.check_in_id == check_in_id else [asdict(_NOT_CURRENT)],
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
        "after_closing": context.after_closing,
        "changes": [
            {"path": each.path, "before": each.before, "after": each.after}
            for each in entry.changes
        ],
    }


def after_entry(entry: Entry) -> str:
    """The cursor that goes on after an entry of a history."""
    return encode_cursor(entry.logged.originator_version)


def check_in_document(listed: ListedCheckIn) -> Document:
    """A ListedCheckInShape."""
    *before, stands = listed.revisions
    return {
        "id": listed.check_in_id,
        "key_result_id": stands.event.key_result_id,
        "effective_at": listed.effective_at,
        "stands": _revision(stands),
        "corrected": [_revision(each) for each in before],
    }


def feedback_document(feedback: Feedback) -> Document:
    """A FeedbackShape."""
    event = feedback.event
    comment = event if isinstance(event, ObjectiveCommented) else None
    return {
        "kind": "comment" if comment else "acknowledgement",
        "id": comment.comment_id if comment else None,
        "text": comment.text if comment else None,
        "check_in_id": event.check_in_id,
        "by": _actor(feedback.context.actor),
        "recorded_at": feedback.recorded_at,
        "version": feedback.version,
    }


def _key_results(objective: Objective, view: View) -> Sequence[Document]:
    # What has a value of its own does not depend on what contributes.
    known = (view.progress or roll_up(objective)).key_results
    return [
        _key_result(
            objective, each, view, known[each.id] if view.progress or each.current else None
        )
        for each in objective.key_results
    ]


def _key_result(
    objective: Objective, key_result: KeyResult, view: View, progress: KeyResultProgress | None
) -> Document:
    """A KeyResultShape; without a progress it is in children that were not rolled up."""
    definition, current = key_result.definition, key_result.current
    expected = view.expected_of(objective, key_result)
    ahead = pace(progress.progress if progress else None, expected)
    due_at = next_due_at(objective, view.cycle, key_result)
    return {
        "id": key_result.id,
        **_definition(definition, key_result),
        "value": current.value if current else None,
        "as_of": current.as_of if current else None,
        "position": progress.position if progress else None,
        "attainment": progress.attainment if progress else None,
        "in_band": definition.in_band(current.value) if current else None,
        "tally": asdict(key_result.tally) if definition.type == "maintain" else None,
        "progress": progress.progress if progress else None,
        "source": progress.source if progress else "aligned",
        "expected": expected,
        "pace": ahead,
        "computed_status": computed_status(ahead),
        **_score(objective, key_result.id),
        "check_in_due_at": due_at,
        "overdue": is_overdue(due_at, view.at),
        "link": _link(key_result.link),
        "measurement": _measurement(key_result.measurement),
        "last_check_in": _check_in(key_result.last_check_in),
    }


def _definition(definition: Definition, key_result: KeyResult) -> Document:
    done = key_result.current.milestones_done if key_result.current else ()
    return {
        "title": definition.title,
        "type": definition.type,
        "baseline": definition.baseline,
        "target": definition.target,
        "stretch": definition.stretch,
        "lower": definition.lower,
        "upper": definition.upper,
        "milestones": [
            {"id": each.id, "title": each.title, "weight": each.weight, "done": each.id in done}
            for each in definition.milestones
        ],
        "phased_targets": [
            {"on": each.on, "value": each.value} for each in definition.phased_targets
        ],
        "unit": definition.unit,
        "weight": definition.weight,
        "due_on": definition.due_on,
    }


_NO_SCORE: Final[Document] = {"score": None, "computed_score": None, "score_reason": None}


def _score(objective: Objective, key_result_id: UUID) -> Document:
    if objective.outcome is None:
        return _NO_SCORE
    found = objective.outcome.of(key_result_id)
    if found is None:
        return _NO_SCORE
    return {
        "score": found.score,
        "computed_score": found.computed,
        "score_reason": found.reason,
    }


def _revision(revision: Revision) -> Document:
    event, context = revision.event, revision.context
    return {
        "value": event.value,
        "milestones_done": event.milestones_done,
        "confidence": event.confidence,
        "status": event.status,
        "comment": event.comment,
        "by": _actor(context.actor),
        "reason": context.reason,
        "recorded_at": revision.recorded_at,
        "after_closing": context.after_closing,
    }


def _owner(owner: Owner) -> Document:
    return {"kind": owner.kind, "id": owner.id}


def _retrospective(retrospective: Retrospective | None) -> Document | None:
    return asdict(retrospective) if retrospective else None


def _successor(successor: Successor | None) -> Document | None:
    return asdict(successor) if successor else None


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
        "definition": measurement.definition,
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
        "corrected": check_in.corrected,
    }


def _actor(actor: Actor) -> Document:
    return {"id": actor.id, "kind": actor.kind}


def _warnings(objective: Objective, view: View) -> Sequence[Document]:
    found = advice(objective)
    if view.progress is None:
        found.append(_NOT_ROLLED_UP)
    return [asdict(each) for each in found]
