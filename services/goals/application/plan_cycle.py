"""The cycle that a plan is brought into: one that is there, or one that the plan describes."""

from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.plan_faults import Faults
from services.goals.commands import ImportPlan
from services.goals.domain import cycle as cycles
from services.goals.domain.authority import require_admin
from services.goals.domain.cycle import Cycle
from services.goals.exchange import identity
from services.goals.exchange.plan import PlannedCycle
from services.goals.persistence.lists import cycles_named
from services.goals.persistence.log import CYCLE


def cycle_of(unit: Unit, command: ImportPlan, faults: Faults) -> tuple[Loaded[Cycle] | None, bool]:
    """The cycle and whether it is new (CyclePlanned); what stands against it is taken down."""
    wanted = _wanted(unit, command)
    if wanted.id is not None:
        there = unit.find(CYCLE, wanted.id)
        if there is None:
            faults.add("unknown_cycle", "There is no cycle with this id.", "/cycle/id")
        return there, False
    if wanted.name is None:
        message = "Name a cycle by its id or name, in the plan or as the parameter cycle."
        faults.add("no_cycle", message, "/cycle")
        return None, False
    namesakes = cycles_named(unit.index(), wanted.name)
    if len(namesakes) > 1:
        message = f"{len(namesakes)} cycles have this name: give the id of one."
        faults.add("ambiguous_cycle", message, "/cycle/name")
        return None, False
    if namesakes:
        return unit.load(CYCLE, namesakes[0]), False
    return _planned(unit, command, wanted, faults)


def _wanted(unit: Unit, command: ImportPlan) -> PlannedCycle:
    asked = command.cycle
    if asked is None:
        planned = command.read.cycle or PlannedCycle()
        known = planned.id is not None and unit.find(CYCLE, planned.id) is not None
        # An id of another system says nothing here; the name beside it may.
        foreign = planned.id is not None and not known and planned.name is not None
        return planned.model_copy(update={"id": None}) if foreign else planned
    asked_id = identity.as_id(asked)
    return PlannedCycle(id=asked_id) if asked_id else PlannedCycle(name=asked)


def _planned(
    unit: Unit, command: ImportPlan, wanted: PlannedCycle, faults: Faults
) -> tuple[Loaded[Cycle] | None, bool]:
    """A new cycle, as the plan describes it."""
    name, starts_on, ends_on = wanted.name, wanted.starts_on, wanted.ends_on
    if name is None or starts_on is None or ends_on is None or wanted.cadence is None:
        message = (
            "There is no cycle of this name. To have it planned, give starts_on, ends_on and "
            "cadence with it."
        )
        faults.add("unknown_cycle", message, "/cycle/name")
        return None, False
    with faults.taken_down("/cycle"):
        require_admin(command.by)
        event = cycles.plan(
            name=name,
            starts_on=starts_on,
            ends_on=ends_on,
            cadence=wanted.cadence,
            check_in_rhythm=wanted.check_in_rhythm or "weekly",
        )
        cycle_id = identity.cycle_id(name, starts_on)
        known = unit.find(CYCLE, cycle_id)
        return known or unit.record(CYCLE, cycle_id, event), known is None
    return None, False
