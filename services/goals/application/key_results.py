"""Key results: defined, checked in on, linked to KPIs."""

from dataclasses import replace

from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.loading import objective_to_change
from services.goals.application.measuring import measure
from services.goals.commands import (
    AddKeyResult,
    ChangeKeyResult,
    CheckIn,
    CorrectCheckIn,
    LinkKeyResult,
    RedefineKeyResult,
)
from services.goals.domain import check_in, key_results, kpi_link
from services.goals.domain.check_in import Statement
from services.goals.domain.errors import CheckInNotFoundError
from services.goals.domain.objective import Objective
from services.goals.persistence.alignments import aligned_to_key_result
from services.goals.persistence.check_ins import find_check_in
from services.goals.persistence.kpis import load_kpis
from services.goals.persistence.log import OBJECTIVE


def add_key_result(unit: Unit, command: AddKeyResult) -> Loaded[Objective]:
    """KeyResultAdded. Raises what `key_results.add` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = key_results.add(loaded.state, command.definition, key_result_id=command.key_result_id)
    return unit.record(OBJECTIVE, loaded.id, event)


def revise_key_result(unit: Unit, command: RedefineKeyResult) -> Loaded[Objective]:
    """KeyResultRevised. Raises what `key_results.revise` raises."""
    loaded, _ = objective_to_change(unit, command)
    stands = loaded.state.key_result(command.key_result_id).definition
    wanted = replace(stands, **command.changes)
    event = key_results.revise(loaded.state, command.key_result_id, wanted)
    return unit.record(OBJECTIVE, loaded.id, event)


def retarget_key_result(unit: Unit, command: RedefineKeyResult) -> Loaded[Objective]:
    """KeyResultRetargeted. Raises what `key_results.retarget` raises."""
    loaded, _ = objective_to_change(unit, command)
    stands = loaded.state.key_result(command.key_result_id).definition
    wanted = replace(stands, **command.changes)
    event = key_results.retarget(
        loaded.state, command.key_result_id, wanted, reason=unit.context.reason
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def remove_key_result(unit: Unit, command: ChangeKeyResult) -> Loaded[Objective]:
    """KeyResultRemoved. Raises what `key_results.remove` raises."""
    loaded, _ = objective_to_change(unit, command)
    aligned = aligned_to_key_result(unit.index(), loaded.id, command.key_result_id)
    event = key_results.remove(
        loaded.state, command.key_result_id, aligned=aligned, reason=unit.context.reason
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def check_in_on_key_result(unit: Unit, command: CheckIn) -> Loaded[Objective]:
    """KeyResultCheckedIn. Raises what `check_in.check_in` raises."""
    loaded, its_cycle = objective_to_change(unit, command)
    event = check_in.check_in(
        loaded.state,
        its_cycle,
        command.said,
        effective_at=unit.context.effective_at,
        now=unit.now,
        reason=unit.context.reason,
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def correct_check_in(unit: Unit, command: CorrectCheckIn) -> Loaded[Objective]:
    """CheckInCorrected, about the same time as the check-in.

    Raises CheckInNotFoundError, and what `check_in.correct` raises.
    """
    loaded, _ = objective_to_change(unit, command)
    original = find_check_in(unit.index(), loaded.id, command.check_in_id)
    if original is None or original.key_result_id != command.key_result_id:
        raise CheckInNotFoundError(command.check_in_id)
    said = Statement(
        key_result_id=original.key_result_id,
        check_in_id=command.check_in_id,
        standing=None,
        confidence=original.confidence,
        status=original.status,
        comment=original.comment,
    )
    event = check_in.correct(
        loaded.state,
        replace(said, **command.changes),
        original=original,
        reason=unit.context.reason,
    )
    context = replace(unit.context, effective_at=original.effective_at)
    return unit.record(OBJECTIVE, loaded.id, event, context=context)


def link_key_result(unit: Unit, command: LinkKeyResult) -> Loaded[Objective]:
    """KeyResultLinked, and KeyResultMeasured if the KPI has a value already.

    KeyResultUnlinked before them where it follows another KPI. Raises what `kpi_link.link` raises.
    """
    loaded, _ = objective_to_change(unit, command)
    heard = load_kpis(unit.index(), [command.link.kpi]).get(command.link.kpi)
    events = kpi_link.link(
        loaded.state, command.key_result_id, command.link, kpi=heard.kpi if heard else None
    )
    assert heard is not None, "an unknown KPI was refused"
    unit.record(OBJECTIVE, loaded.id, *events)
    measure(unit, loaded.id, command.key_result_id, heard)
    return unit.load(OBJECTIVE, loaded.id)


def unlink_key_result(unit: Unit, command: ChangeKeyResult) -> Loaded[Objective]:
    """KeyResultUnlinked. Raises what `kpi_link.unlink` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = kpi_link.unlink(loaded.state, command.key_result_id)
    return unit.record(OBJECTIVE, loaded.id, event)
