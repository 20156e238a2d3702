"""Cycles: planned, revised, moved on and back."""

from typing import Final

from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.loading import cycle_to_change
from services.goals.application.measuring import measure_followed
from services.goals.commands import ChangeCycle, PlanCycle, ReviseCycle
from services.goals.domain import cycle
from services.goals.domain.authority import require_admin
from services.goals.domain.cycle import Cycle
from services.goals.persistence.kpis import objectives_following
from services.goals.persistence.lists import LeftOpen, objectives_left_open
from services.goals.persistence.log import CYCLE

# Each is loaded while the log waits.
MAX_CAUGHT_UP: Final = 500


def plan_cycle(unit: Unit, command: PlanCycle) -> Loaded[Cycle]:
    """CyclePlanned. Raises CycleDatesError."""
    require_admin(command.by)
    event = cycle.plan(
        name=command.name,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        cadence=command.cadence,
        check_in_rhythm=command.check_in_rhythm,
    )
    return unit.record(CYCLE, command.cycle_id, event)


def revise_cycle(unit: Unit, command: ReviseCycle) -> Loaded[Cycle]:
    """CycleRevised. Raises what `cycle.revise` raises."""
    loaded = cycle_to_change(unit, command)
    event = cycle.revise(
        loaded.state,
        name=command.name if command.name is not None else loaded.state.name,
        check_in_rhythm=command.check_in_rhythm or loaded.state.check_in_rhythm,
    )
    return unit.record(CYCLE, loaded.id, event)


def activate_cycle(unit: Unit, command: ChangeCycle) -> Loaded[Cycle]:
    """CycleActivated. Raises what `cycle.activate` raises."""
    loaded = cycle_to_change(unit, command)
    return unit.record(CYCLE, loaded.id, cycle.activate(loaded.state))


def start_scoring(unit: Unit, command: ChangeCycle) -> Loaded[Cycle]:
    """CycleScoringStarted. Raises what `cycle.start_scoring` raises."""
    loaded = cycle_to_change(unit, command)
    return unit.record(CYCLE, loaded.id, cycle.start_scoring(loaded.state))


def close_cycle(unit: Unit, command: ChangeCycle) -> tuple[Loaded[Cycle], LeftOpen]:
    """CycleClosed, and what it leaves open. Raises what `cycle.close` raises."""
    loaded = cycle_to_change(unit, command)
    event = cycle.close(loaded.state)
    left_open = objectives_left_open(unit.index(), loaded.id)
    return unit.record(CYCLE, loaded.id, event), left_open


def reopen_cycle(unit: Unit, command: ChangeCycle) -> Loaded[Cycle]:
    """CycleReopened, and KeyResultMeasured for what KPIs said while it was closed.

    Beyond MAX_CAUGHT_UP objectives a key result waits for what its KPI says next. Raises what
    `cycle.reopen` raises.
    """
    loaded = cycle_to_change(unit, command)
    event = cycle.reopen(loaded.state, reason=unit.context.reason)
    reopened = unit.record(CYCLE, loaded.id, event)
    for objective_id in objectives_following(unit.index(), loaded.id, MAX_CAUGHT_UP):
        measure_followed(unit, objective_id)
    return reopened
