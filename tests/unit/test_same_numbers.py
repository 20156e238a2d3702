"""Goals and projections each read the same events in their own way, to the same numbers."""

from typing import Any, Final
from uuid import UUID

import msgspec
from hypothesis import given, settings

from contracts.events import PublishedEvent
from services.chassis.eventstore.context import Actor, Context, LoggedEvent
from services.goals.domain import events
from services.goals.domain.evolving import evolve
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import ObjectiveProgress, roll_up
from services.projections.okrs import rows
from tests.unit.projections.goals_log import GoalsLog
from tests.unit.projections.okrs.projected import Projected
from tests.unit.projections.random_logs import goals_logs

# What the envelope holds, and not the event itself.
ENVELOPE: Final = {"context", "objective_id"}


def logged(fact: PublishedEvent, version: int, position: int) -> LoggedEvent:
    """A published event of an objective as its service has it in its log."""
    context, envelope = fact.context, fact.model_dump(include={"objective_id"})
    event = msgspec.convert(fact.model_dump(exclude=ENVELOPE), getattr(events, type(fact).__name__))
    return LoggedEvent(
        originator_id=envelope["objective_id"],
        originator_version=version,
        event=event,
        context=Context(
            actor=Actor(context.actor.id, context.actor.kind),
            effective_at=context.effective_at,
            command_id=context.command_id,
            correlation_id=context.correlation_id,
        ),
        position=position,
        recorded_at=context.recorded_at,
    )


def evolved(log: GoalsLog) -> dict[UUID, Objective]:
    """The objectives that the goals service would have in memory."""
    objectives: dict[UUID, Objective] = {}
    for fact, event in zip(log.facts, log.events, strict=True):
        if hasattr(fact, "objective_id"):
            entry = logged(fact, event.aggregate_version, event.position)
            before = objectives.get(entry.originator_id)
            objectives[entry.originator_id] = evolve(before, entry)
    return objectives


def in_goals(key_result: KeyResult, rolled_up: ObjectiveProgress) -> dict[str, Any]:
    current, last = key_result.current, key_result.last_check_in
    definition, reached = key_result.definition, rolled_up.key_results[key_result.id]
    done = set(current.milestones_done) if current else set()
    return {
        "value": current and current.value,
        "value_at": current and current.as_of,
        "position": reached.position,
        "check_in_id": current and current.check_in_id,
        "in_band": definition.in_band(current.value) if current else None,
        "tally": key_result.tally if definition.type == "maintain" else None,
        "attainment": reached.attainment,
        "progress": reached.progress,
        "source": reached.source,
        "confidence": last and last.confidence,
        "status": last and last.status,
        "checked_in_at": last and last.effective_at,
        "last_check_in_id": last and last.id,
        "weight": definition.weight,
        "target": (definition.baseline, definition.target, definition.lower, definition.upper),
        "done": [each.id in done for each in definition.milestones],
        "kpi": key_result.link and key_result.link.kpi,
        "period": key_result.measurement and key_result.measurement.period_start,
        "period_in_band": key_result.measurement and key_result.measurement.in_band,
    }


def in_projections(row: rows.KeyResult) -> dict[str, Any]:
    measurement = row.measurement
    return {
        "value": row.value,
        "value_at": row.value_at,
        "position": row.position,
        "check_in_id": row.check_in_id,
        "in_band": row.in_band,
        "tally": row.tally,
        "attainment": row.attainment,
        "progress": row.progress,
        "source": row.source,
        "confidence": row.confidence,
        "status": row.status,
        "checked_in_at": row.checked_in_at,
        "last_check_in_id": row.last_check_in_id,
        "weight": row.weight,
        "target": (row.baseline, row.target, row.lower, row.upper),
        "done": [each.done for each in row.milestones],
        "kpi": row.kpi,
        "period": measurement and measurement.period_start,
        "period_in_band": measurement and measurement.in_band,
    }


@settings(max_examples=300, deadline=None)  # a shared machine has no deadline
@given(goals_logs())
def test_goals_and_projections_come_to_the_same_numbers(log: GoalsLog) -> None:
    objectives, okrs = evolved(log), Projected(log).okrs
    for objective in objectives.values():
        row, progress = okrs.objective(objective.id), okrs.progress.get(objective.id)
        assert row is not None
        assert progress is not None
        rolled_up = roll_up(objective, objectives.values())
        assert progress.progress == rolled_up.progress
        assert (progress.position or None) == rolled_up.position
        assert (row.state, row.approved_at) == (objective.state, objective.approved_at)
        assert row.ended_at == objective.ended_at
        assert row.score == (objective.outcome and objective.outcome.score)
        assert list(row.key_result_ids) == [each.id for each in objective.key_results]
        for key_result in objective.key_results:
            held = okrs.key_result(key_result.id)
            assert held is not None
            assert in_projections(held) == in_goals(key_result, rolled_up)
