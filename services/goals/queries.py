"""What the goals service can be asked: states at any time, and histories, out of the log."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

from contracts.progress import expected_by_phases, expected_progress
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.unit import AggregateKind, Loaded
from services.goals.cycle_history import tell as tell_cycle
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import RollUpTooLargeError
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import ObjectiveProgress, roll_up, roll_up_all
from services.goals.exchange.errors import ExportTooLargeError
from services.goals.exchange.plan import ExportedPlan, export
from services.goals.history import Entry, tell
from services.goals.persistence.alignments import read_all_contributors, read_contributors
from services.goals.persistence.lists import objectives_of_cycle
from services.goals.persistence.log import CYCLE, OBJECTIVE, REVIEW
from services.goals.review_history import tell as tell_review
from services.goals.runtime import Goals

S = TypeVar("S")

MAX_EXPORTED_OBJECTIVES: Final = 5_000
# Decoding is work for the event loop, which others wait for.
_STATES_PER_READ: Final = 50


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

    Raises AggregateNotFoundError when it was not there then, VersionNotReachedError.
    """
    loaded = await goals.log.state(OBJECTIVE, objective_id, as_of=as_of, version=version)
    moment = as_of if version is None else loaded.state.changed_at
    cycle = await goals.log.state(CYCLE, loaded.state.cycle_id, as_of=moment)
    progress = await _rolled_up(goals, loaded.state, moment)
    return loaded, View(cycle.state, moment or datetime.now(UTC), progress)


async def cycle_plan(goals: Goals, cycle_id: UUID, *, as_of: datetime | None) -> ExportedPlan:
    """A cycle with all its objectives, as it was known at a moment or stands now.

    Raises AggregateNotFoundError when the cycle was not there then, ExportTooLargeError.
    """
    # One moment for all that follows, so that what happens meanwhile is in all of it or in none.
    newest = None if as_of else await goals.log.at(await goals.log.head())
    moment = as_of or (newest.recorded_at if newest else None)
    cycle = await goals.log.state(CYCLE, cycle_id, as_of=moment)
    limit = MAX_EXPORTED_OBJECTIVES + 1
    own = await objectives_of_cycle(goals.pool, cycle_id, limit)
    below = await read_all_contributors(goals.pool, own, moment, limit=limit)
    family = list(dict.fromkeys([*own, *below]))
    if len(family) > MAX_EXPORTED_OBJECTIVES:
        raise ExportTooLargeError(MAX_EXPORTED_OBJECTIVES)
    states = {each.id: each for each in await _states(goals, family, moment)}
    objectives = [states[each] for each in own if each in states]

    def exported() -> ExportedPlan:
        return export(cycle_id, cycle.state, objectives, roll_up_all(states.values()))

    return await asyncio.to_thread(exported)


async def objective_history(
    goals: Goals, objective_id: UUID, *, after_version: int, limit: int
) -> list[Entry]:
    """Up to `limit` entries of an objective's history after a version, oldest first.

    Raises AggregateNotFoundError, VersionNotReachedError.
    """
    return await _told(
        goals, OBJECTIVE, tell, objective_id, after_version=after_version, limit=limit
    )


async def cycle_history(
    goals: Goals, cycle_id: UUID, *, after_version: int, limit: int
) -> list[Entry]:
    """The same of a cycle."""
    return await _told(goals, CYCLE, tell_cycle, cycle_id, after_version=after_version, limit=limit)


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
    return roll_up(objective, await _states(goals, found, as_of))


async def _states(
    goals: Goals, objective_ids: Sequence[UUID], as_of: datetime | None
) -> list[Objective]:
    """Those of the objectives that were there at a moment, or are now."""
    found: list[Objective] = []
    for at in range(0, len(objective_ids), _STATES_PER_READ):
        page = objective_ids[at : at + _STATES_PER_READ]
        known = await goals.log.states(OBJECTIVE, page, as_of=as_of)
        found.extend(each.state for each in known)
    return found
