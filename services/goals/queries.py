"""What the goals service can be asked: states at any time, and histories, out of the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from contracts.progress import expected_by_phases, expected_progress
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.unit import AggregateKind, Loaded
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import RollUpTooLargeError
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import ObjectiveProgress, roll_up
from services.goals.history import Entry, tell
from services.goals.persistence.alignments import read_contributors
from services.goals.persistence.log import CYCLE, OBJECTIVE, REVIEW
from services.goals.review_history import tell as tell_review
from services.goals.runtime import Goals

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class View:
    """What an objective is seen in: its cycle, the moment, and the progress rolled up to it.

    `progress` is None where more contributes than is rolled up here.
    """

    cycle: Cycle
    at: datetime
    progress: ObjectiveProgress | None

    def expected(self, objective: Objective) -> float:
        """The share of the cycle that has passed; for what has ended, when it ended."""
        return expected_progress(
            starts_on=self.cycle.starts_on, ends_on=self.cycle.ends_on, at=self._until(objective)
        )

    def expected_of(self, objective: Objective, key_result: KeyResult) -> float:
        """Where the key result is expected to be: by its phased targets, else on a straight line.

        It is expected to be done by its due date, or else by the end of its cycle.
        """
        definition, at = key_result.definition, self._until(objective)
        starts_on, ends_on = self.cycle.starts_on, definition.due_on or self.cycle.ends_on
        if not definition.phased_targets:
            return expected_progress(starts_on=starts_on, ends_on=ends_on, at=at)
        assert definition.baseline is not None
        assert definition.target is not None
        return expected_by_phases(
            definition.phased_targets,
            baseline=definition.baseline,
            target=definition.target,
            starts_on=starts_on,
            ends_on=ends_on,
            at=at,
        )

    def _until(self, objective: Objective) -> datetime:
        return objective.ended_at or self.at


async def objective_at(
    goals: Goals, objective_id: UUID, *, as_of: datetime | None, version: int | None
) -> tuple[Loaded[Objective], View]:
    """An objective as it was known at a moment, or as a version left it, or as it stands now.

    Raises AggregateNotFoundError when it was not there then.
    """
    loaded = await goals.log.state(OBJECTIVE, objective_id, as_of=as_of, version=version)
    moment = as_of if version is None else loaded.state.changed_at
    cycle = await goals.log.state(CYCLE, loaded.state.cycle_id, as_of=moment)
    progress = await _rolled_up(goals, loaded.state, moment)
    return loaded, View(cycle.state, moment or datetime.now(UTC), progress)


async def objective_history(
    goals: Goals, objective_id: UUID, *, after_version: int, limit: int
) -> list[Entry]:
    """Up to `limit` entries of an objective's history after a version, oldest first.

    Raises AggregateNotFoundError when it is not there, or has not reached that version.
    """
    return await _told(
        goals, OBJECTIVE, tell, objective_id, after_version=after_version, limit=limit
    )


async def review_history(
    goals: Goals, review_id: UUID, *, after_version: int, limit: int
) -> list[Entry]:
    """The same of a review."""
    return await _told(
        goals, REVIEW, tell_review, review_id, after_version=after_version, limit=limit
    )


async def _told(
    goals: Goals,
    kind: AggregateKind[S],
    tell_one: Callable[[S | None, LoggedEvent], tuple[S, Entry]],
    aggregate_id: UUID,
    *,
    after_version: int,
    limit: int,
) -> list[Entry]:
    reached = await goals.log.state(kind, aggregate_id, version=max(after_version, 1))
    state = reached.state if after_version else None
    entries = []
    for logged in await goals.log.history(aggregate_id, after_version=after_version, limit=limit):
        state, entry = tell_one(state, logged)
        entries.append(entry)
    return entries


async def _rolled_up(
    goals: Goals, objective: Objective, as_of: datetime | None
) -> ObjectiveProgress | None:
    try:
        found = await read_contributors(goals.pool, objective.id, as_of)
    except RollUpTooLargeError:
        return None
    family = await goals.log.states(OBJECTIVE, found, as_of=as_of) if found else []
    return roll_up(objective, [each.state for each in family])
