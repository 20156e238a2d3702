"""What follows from KPIs and from below: measurements, and who contributes to an objective."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.chassis.eventstore.context import Actor, Context
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.domain import kpi_link
from services.goals.domain.events import KeyResultLinked
from services.goals.domain.key_result import Link
from services.goals.domain.objective import Objective
from services.goals.persistence.alignments import contributors
from services.goals.persistence.kpis import Cause, HeardKpi, load_kpis
from services.goals.persistence.log import CYCLE, OBJECTIVE

FOLLOWER: Final = Actor("cairn-goals-follower", "automation")


def measure(unit: Unit, objective_id: UUID, key_result_id: UUID, heard: HeardKpi) -> None:
    """KeyResultMeasured, by the follower, where what the KPI says is news; else nothing."""
    found = unit.find(OBJECTIVE, objective_id)
    if found is None or heard.cause is None:
        return
    event = kpi_link.measure(found.state, key_result_id=key_result_id, kpi=heard.kpi)
    if event is not None:
        unit.record(OBJECTIVE, objective_id, event, context=caused_by(unit, heard.cause))


def measure_followed(unit: Unit, objective_id: UUID) -> Loaded[Objective]:
    """KeyResultMeasured for every key result whose KPI says something new; the objective then.

    KeyResultUnlinked where the KPI was retired while nobody worked on the objective.
    """
    loaded = unit.load(OBJECTIVE, objective_id)
    followed = {each.link.kpi for each in loaded.state.key_results if each.link is not None}
    if followed:
        heard = load_kpis(unit.index(), followed)
        for each in loaded.state.key_results:
            if each.link is not None and each.link.kpi in heard:
                known = heard[each.link.kpi]
                measure(unit, loaded.id, each.id, known)
                if known.kpi.retired:
                    _let_go(unit, loaded.id, each.id, known.kpi.key, context=unit.context)
    return unit.load(OBJECTIVE, objective_id)


def follow_kpis(unit: Unit, objective_id: UUID, links: Mapping[UUID, Link]) -> None:
    """KeyResultLinked for each key result whose KPI is still measured."""
    if not links:
        return
    heard = load_kpis(unit.index(), {each.kpi for each in links.values()})
    for key_result_id, link in links.items():
        known = heard.get(link.kpi)
        if known is not None and not known.kpi.retired:
            event = KeyResultLinked(key_result_id=key_result_id, kpi=link.kpi, reading=link.reading)
            unit.record(OBJECTIVE, objective_id, event)


def stop_following(
    unit: Unit, objective_id: UUID, key_result_id: UUID, *, kpi: str, cause: Cause
) -> None:
    """KeyResultUnlinked, by the follower, where the key result follows that retired KPI."""
    _let_go(unit, objective_id, key_result_id, kpi, context=caused_by(unit, cause))


def contributing(unit: Unit, objective_id: UUID) -> list[Objective]:
    """All objectives that contribute to this one, at any depth. Raises RollUpTooLargeError."""
    found = contributors(unit.index(), objective_id)
    return [unit.load(OBJECTIVE, each).state for each in found]


def caused_by(unit: Unit, cause: Cause) -> Context:
    """In the follower's name, as part of the story that moved the KPI."""
    return replace(
        unit.context,
        actor=FOLLOWER,
        reason=None,
        effective_at=unit.now,
        correlation_id=cause.correlation_id,
        causation_id=str(cause.event_id),
    )


def _let_go(
    unit: Unit, objective_id: UUID, key_result_id: UUID, kpi: str, *, context: Context
) -> None:
    found = unit.find(OBJECTIVE, objective_id)
    if found is None:
        return
    event = kpi_link.stop_following(found.state, key_result_id, kpi)
    if event is not None:
        cycle = unit.load(CYCLE, found.state.cycle_id).state
        told = replace(
            context,
            actor=FOLLOWER,
            reason=f"The KPI {kpi} was retired.",
            after_closing=cycle.state == "closed",
        )
        unit.record(OBJECTIVE, objective_id, event, context=told)
