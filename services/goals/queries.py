"""What the goals service can be asked: states at any time, and histories, out of the log."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from contracts.progress import expected_progress
from services.chassis.eventstore.unit import Loaded
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import RollUpTooLargeError
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import ObjectiveProgress, roll_up
from services.goals.history import Entry, tell
from services.goals.persistence.alignments import read_contributors
from services.goals.persistence.log import CYCLE, OBJECTIVE
from services.goals.runtime import Goals


@dataclass(frozen=True, slots=True)
class View:
    """What an objective is seen in: its cycle, the moment, and the progress rolled up to it.

    `progress` is None where more contributes than is rolled up here.
    """

    cycle: Cycle
    at: datetime
    progress: ObjectiveProgress | None

    def expected(self, objective: Objective) -> float:
        """The share of the cycle that has passed; for a closed objective, when it was closed."""
        return expected_progress(
            starts_on=self.cycle.starts_on,
            ends_on=self.cycle.ends_on,
            at=objective.changed_at if objective.state == "closed" else self.at,
        )


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
    reached = await goals.log.state(OBJECTIVE, objective_id, version=max(after_version, 1))
    state = reached.state if after_version else None
    entries = []
    for logged in await goals.log.history(objective_id, after_version=after_version, limit=limit):
        state, entry = tell(state, logged)
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
