"""What a change is made to, once its author was found to have the right and the version."""

from collections.abc import Sequence
from dataclasses import replace

from services.chassis.eventstore.errors import StaleVersionError
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.commands import Change
from services.goals.domain.authority import require_admin, require_owner
from services.goals.domain.cycle import Cycle, require_reason_if_closed
from services.goals.domain.events import Owner
from services.goals.domain.objective import Objective
from services.goals.persistence.log import CYCLE, OBJECTIVE


def cycle_to_change(unit: Unit, command: Change) -> Loaded[Cycle]:
    """The cycle. Raises AggregateNotFoundError, AdminRequiredError, StaleVersionError."""
    require_admin(command.by)
    return unit.load(CYCLE, command.id).expect(command.version)


def objective_to_change(
    unit: Unit, command: Change, *, delegates_may: bool = True, as_well: Sequence[Owner] = ()
) -> tuple[Loaded[Objective], Cycle]:
    """The objective and its cycle; what is recorded in a closed one is marked as a correction.

    Its owner may, its delegates, and whoever speaks for one of those named `as_well`. Raises
    AggregateNotFoundError, NotOwnerError, StaleVersionError, CycleLockedError.
    """
    loaded = unit.load(OBJECTIVE, command.id)
    delegates = loaded.state.delegates if delegates_may else ()
    require_owner(loaded.state.owner, command.by, (*delegates, *as_well))
    return loaded, expected_cycle(unit, loaded, command.version)


def expected_cycle(unit: Unit, loaded: Loaded[Objective], version: int) -> Cycle:
    """The cycle of an objective that stands as it was expected to.

    What was measured or commented since then does not put the change out of date. Raises
    StaleVersionError, CycleLockedError.
    """
    if not loaded.state.decided <= version <= loaded.version:
        raise StaleVersionError(version, loaded.version)
    cycle = unit.load(CYCLE, loaded.state.cycle_id).state
    mark_corrections(unit, cycle)
    return cycle


def mark_corrections(unit: Unit, cycle: Cycle) -> None:
    """What is recorded from now on is in this cycle: a correction, if it is closed.

    Raises CycleLockedError.
    """
    require_reason_if_closed(cycle, unit.context.reason)
    unit.context = replace(unit.context, after_closing=cycle.state == "closed")
