"""The use cases of the goals service: each loads, asks the domain, records what it decided.

All of them run in the writer's thread inside the append transaction, so that what they read is
exact and what they record is recorded together. Each also raises AggregateNotFoundError for an
id that names nothing; those that take a `Change` raise StaleVersionError when it was made for
another version, and NotOwnerError or AdminRequiredError when its author has no right to it.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from services.chassis.eventstore.context import Actor, Context
from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.commands import (
    ActivateCycle,
    ActivateObjective,
    AddKeyResult,
    AlignObjective,
    Change,
    CheckIn,
    CloseCycle,
    CloseObjective,
    DraftObjective,
    LinkKeyResult,
    PlanCycle,
    StartScoring,
    UnalignObjective,
    UnlinkKeyResult,
)
from services.goals.domain import alignment, check_in, cycle, kpi_link, objective
from services.goals.domain.alignment import Parent
from services.goals.domain.authority import require_admin, require_owner
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import UnknownCycleError, UnknownParentError
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import needs_contributors, roll_up
from services.goals.persistence.alignments import ancestors, contributors
from services.goals.persistence.kpis import Cause, HeardKpi, load_kpis
from services.goals.persistence.lists import count_active_objectives
from services.goals.persistence.log import CYCLE, OBJECTIVE

FOLLOWER: Final = Actor("cairn-goals-follower", "automation")


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


def activate_cycle(unit: Unit, command: ActivateCycle) -> Loaded[Cycle]:
    """CycleActivated. Raises what `cycle.activate` raises."""
    loaded = _cycle(unit, command)
    return unit.record(CYCLE, loaded.id, cycle.activate(loaded.state))


def start_scoring(unit: Unit, command: StartScoring) -> Loaded[Cycle]:
    """CycleScoringStarted. Raises what `cycle.start_scoring` raises."""
    loaded = _cycle(unit, command)
    return unit.record(CYCLE, loaded.id, cycle.start_scoring(loaded.state))


def close_cycle(unit: Unit, command: CloseCycle) -> Loaded[Cycle]:
    """CycleClosed. Raises what `cycle.close` raises."""
    loaded = _cycle(unit, command)
    active = count_active_objectives(unit.index(), loaded.id)
    return unit.record(CYCLE, loaded.id, cycle.close(loaded.state, active_objectives=active))


def draft_objective(unit: Unit, command: DraftObjective) -> Loaded[Objective]:
    """ObjectiveDrafted, and KeyResultAdded for each key result that it begins with.

    Raises UnknownCycleError, and what `objective.draft` raises.
    """
    require_owner(command.draft.owner, command.by)
    try:
        found = unit.load(CYCLE, command.draft.cycle_id)
    except AggregateNotFoundError:
        raise UnknownCycleError(command.draft.cycle_id) from None
    events = objective.draft(found.state, command.draft)
    return unit.record(OBJECTIVE, command.objective_id, *events)


def add_key_result(unit: Unit, command: AddKeyResult) -> Loaded[Objective]:
    """KeyResultAdded. Raises what `objective.add_key_result` raises."""
    loaded, its_cycle = _objective(unit, command)
    event = objective.add_key_result(
        loaded.state,
        its_cycle,
        key_result_id=command.key_result_id,
        definition=command.definition,
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def align_objective(unit: Unit, command: AlignObjective) -> Loaded[Objective]:
    """ObjectiveAligned. Raises UnknownParentError, and what `alignment.align` raises."""
    loaded, its_cycle = _objective(unit, command)
    parent_id = command.alignment.parent_objective_id
    try:
        found = unit.load(OBJECTIVE, parent_id)
    except AggregateNotFoundError:
        raise UnknownParentError("objective", parent_id) from None
    parent = Parent(
        objective=found.state,
        cycle=unit.load(CYCLE, found.state.cycle_id).state,
        ancestors=ancestors(unit.index(), parent_id),
    )
    event = alignment.align(loaded.state, its_cycle, command.alignment, parent=parent)
    return unit.record(OBJECTIVE, loaded.id, event)


def unalign_objective(unit: Unit, command: UnalignObjective) -> Loaded[Objective]:
    """ObjectiveUnaligned. Raises what `alignment.unalign` raises."""
    loaded, its_cycle = _objective(unit, command)
    event = alignment.unalign(
        loaded.state,
        its_cycle,
        parent_objective_id=command.parent_objective_id,
        parent_key_result_id=command.parent_key_result_id,
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def activate_objective(unit: Unit, command: ActivateObjective) -> Loaded[Objective]:
    """ObjectiveActivated, and KeyResultMeasured where a KPI moved on while it was a draft.

    Raises what `objective.activate` raises.
    """
    loaded, its_cycle = _objective(unit, command)
    unit.record(OBJECTIVE, loaded.id, objective.activate(loaded.state, its_cycle))
    followed = {each.link.kpi for each in loaded.state.key_results if each.link is not None}
    if followed:
        heard = load_kpis(unit.index(), followed)
        for each in loaded.state.key_results:
            if each.link is not None and each.link.kpi in heard:
                measure(unit, loaded.id, each.id, heard[each.link.kpi])
    return unit.load(OBJECTIVE, loaded.id)


def close_objective(unit: Unit, command: CloseObjective) -> Loaded[Objective]:
    """ObjectiveClosed. Raises RollUpTooLargeError, and what `objective.close` raises."""
    loaded, its_cycle = _objective(unit, command)
    family = contributing(unit, loaded.id) if needs_contributors(loaded.state) else []
    progress = roll_up(loaded.state, family).key_results
    return unit.record(
        OBJECTIVE, loaded.id, objective.close(loaded.state, its_cycle, progress=progress)
    )


def check_in_on_key_result(unit: Unit, command: CheckIn) -> Loaded[Objective]:
    """KeyResultCheckedIn. Raises what `check_in.check_in` raises."""
    loaded, its_cycle = _objective(unit, command)
    event = check_in.check_in(loaded.state, its_cycle, command.said, now=unit.now)
    return unit.record(OBJECTIVE, loaded.id, event)


def link_key_result(unit: Unit, command: LinkKeyResult) -> Loaded[Objective]:
    """KeyResultLinked, and KeyResultMeasured if the KPI has a value already.

    Raises what `kpi_link.link` raises.
    """
    loaded, its_cycle = _objective(unit, command)
    heard = load_kpis(unit.index(), [command.link.kpi]).get(command.link.kpi)
    event = kpi_link.link(
        loaded.state,
        its_cycle,
        command.key_result_id,
        command.link,
        kpi=heard.kpi if heard else None,
    )
    assert heard is not None, "an unknown KPI was refused"
    unit.record(OBJECTIVE, loaded.id, event)
    measure(unit, loaded.id, command.key_result_id, heard)
    return unit.load(OBJECTIVE, loaded.id)


def unlink_key_result(unit: Unit, command: UnlinkKeyResult) -> Loaded[Objective]:
    """KeyResultUnlinked. Raises what `kpi_link.unlink` raises."""
    loaded, its_cycle = _objective(unit, command)
    event = kpi_link.unlink(loaded.state, its_cycle, key_result_id=command.key_result_id)
    return unit.record(OBJECTIVE, loaded.id, event)


def measure(unit: Unit, objective_id: UUID, key_result_id: UUID, heard: HeardKpi) -> None:
    """KeyResultMeasured, by the follower, where what the KPI says is news; else nothing."""
    found = unit.find(OBJECTIVE, objective_id)
    if found is None or heard.cause is None:
        return
    event = kpi_link.measure(found.state, key_result_id=key_result_id, kpi=heard.kpi)
    if event is not None:
        unit.record(OBJECTIVE, objective_id, event, context=_caused_by(unit, heard.cause))


def contributing(unit: Unit, objective_id: UUID) -> list[Objective]:
    """All objectives that contribute to this one, at any depth. Raises RollUpTooLargeError."""
    found = contributors(unit.index(), objective_id)
    return [unit.load(OBJECTIVE, each).state for each in found]


def _cycle(unit: Unit, command: Change) -> Loaded[Cycle]:
    require_admin(command.by)
    return unit.load(CYCLE, command.id).expect(command.version)


def _objective(unit: Unit, command: Change) -> tuple[Loaded[Objective], Cycle]:
    """The objective that is to be changed, and its cycle."""
    loaded = unit.load(OBJECTIVE, command.id)
    require_owner(loaded.state.owner, command.by)
    loaded.expect(command.version)
    return loaded, unit.load(CYCLE, loaded.state.cycle_id).state


def _caused_by(unit: Unit, cause: Cause) -> Context:
    """In the follower's name, as part of the story that moved the KPI."""
    return replace(
        unit.context,
        actor=FOLLOWER,
        reason=None,
        effective_at=unit.now,
        correlation_id=cause.correlation_id,
        causation_id=str(cause.event_id),
    )
