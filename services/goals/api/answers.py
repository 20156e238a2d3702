"""Answers to commands, rendered inside the append transaction so that they are kept with it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.chassis.eventstore.unit import Answer, Loaded, Unit
from services.chassis.responses import to_json
from services.goals.api.rendering import (
    aligned_document,
    checked_in_document,
    closed_cycle_document,
    cycle_document,
    objective_document,
)
from services.goals.application.measuring import contributing
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import RollUpTooLargeError
from services.goals.domain.objective import Objective
from services.goals.domain.rollup import ObjectiveProgress, roll_up
from services.goals.persistence.lists import LeftOpen
from services.goals.persistence.log import CYCLE
from services.goals.queries import View

OK: Final = 200
CREATED: Final = 201


def planned_answer(loaded: Loaded[Cycle]) -> Answer:
    """The cycle as it was planned."""
    return replace(cycle_answer(loaded), status=CREATED, location=f"/v1/cycles/{loaded.id}")


def cycle_answer(loaded: Loaded[Cycle]) -> Answer:
    """The cycle as the command left it."""
    return Answer(OK, to_json(cycle_document(loaded)), etag=loaded.version)


def closed_cycle_answer(loaded: Loaded[Cycle], left_open: LeftOpen) -> Answer:
    """The cycle as it was closed, and what that leaves open."""
    document = closed_cycle_document(loaded, left_open)
    return Answer(OK, to_json(document), etag=loaded.version)


def aligned_answer(aligned: Sequence[Loaded[Objective]]) -> Answer:
    """Where the objectives are aligned now."""
    return Answer(OK, to_json({"aligned": [aligned_document(each) for each in aligned]}))


def drafted_answer(unit: Unit, loaded: Loaded[Objective]) -> Answer:
    """The objective as it was written down."""
    answer = objective_answer(unit, loaded)
    return replace(answer, status=CREATED, location=f"/v1/objectives/{loaded.id}")


def added_answer(unit: Unit, loaded: Loaded[Objective]) -> Answer:
    """The objective with what was added to it."""
    return replace(objective_answer(unit, loaded), status=CREATED, location=_location(loaded))


def objective_answer(unit: Unit, loaded: Loaded[Objective]) -> Answer:
    """The objective as the command left it."""
    view = View(_cycle(unit, loaded), unit.now, _rolled_up(unit, loaded.state))
    return Answer(OK, to_json(objective_document(loaded, view)), etag=loaded.version)


def checked_in_answer(
    unit: Unit, loaded: Loaded[Objective], *, key_result_id: UUID, check_in_id: UUID
) -> Answer:
    """The key result as the check-in left it."""
    view = View(_cycle(unit, loaded), unit.now, None)
    document = checked_in_document(
        loaded, view, key_result_id=key_result_id, check_in_id=check_in_id
    )
    return Answer(CREATED, to_json(document), etag=loaded.version, location=_location(loaded))


def _location(loaded: Loaded[Objective]) -> str:
    """Where the objective is to be found as this command left it, for good."""
    return f"/v1/objectives/{loaded.id}?version={loaded.version}"


def _cycle(unit: Unit, loaded: Loaded[Objective]) -> Cycle:
    return unit.load(CYCLE, loaded.state.cycle_id).state


def _rolled_up(unit: Unit, objective: Objective) -> ObjectiveProgress | None:
    try:
        return roll_up(objective, contributing(unit, objective.id))
    except RollUpTooLargeError:
        return None
