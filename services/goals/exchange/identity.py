"""Ids that follow from keys: the same plan, sent again into the same cycle, names the same things.

Ids are made by RFC 9562, version 5. What follows from a key is found again by it although nobody
kept the key.
"""

from datetime import date
from typing import Final
from uuid import UUID, uuid5

from services.goals.domain.definition import Definition
from services.goals.domain.events import Milestone, PhasedTarget
from services.goals.exchange.plan import PlannedKeyResult, PlannedObjective

_PLANS: Final = UUID("5f0c2a4e-9b1d-4a7c-8e36-d2417b90c5fa")


def cycle_id(name: str, starts_on: date) -> UUID:
    """The id of a cycle that a plan brings with it."""
    return uuid5(_PLANS, f"cycle/{starts_on.isoformat()}/{name}")


def name_of(objective: PlannedObjective) -> str:
    """What an objective is known by in its cycle: its key, or else its owner and title."""
    if objective.key is not None:
        return objective.key
    return f"{objective.owner.kind}:{objective.owner.id}/{objective.title}"


def objective_id(cycle: UUID, name: str) -> UUID:
    """The id of the objective that is known by this name in that cycle."""
    return uuid5(cycle, name)


def key_result_name(key_result: PlannedKeyResult, number: int) -> str:
    """What a key result is known by in its objective: its key, or else its number from 1."""
    return key_result.key or str(number)


def key_result_id(objective: UUID, name: str) -> UUID:
    """The id of the key result that is known by this name in that objective."""
    return uuid5(objective, name)


def as_id(key: str) -> UUID | None:
    """The id that a key is, if it is one."""
    try:
        return UUID(key)
    except ValueError:
        return None


def definition(planned: PlannedKeyResult, key_result: UUID) -> Definition:
    """What a key result of that id is to reach; its milestones are known by their numbers."""
    return Definition(
        title=planned.title,
        type=planned.type,
        baseline=planned.baseline,
        target=planned.target,
        stretch=planned.stretch,
        lower=planned.lower,
        upper=planned.upper,
        milestones=tuple(
            Milestone(id=uuid5(key_result, str(number)), title=each.title, weight=each.weight)
            for number, each in enumerate(planned.milestones, 1)
        ),
        phased_targets=tuple(
            PhasedTarget(on=each.on, value=each.value) for each in planned.phased_targets
        ),
        unit=planned.unit,
        weight=planned.weight,
        due_on=planned.due_on,
    )
