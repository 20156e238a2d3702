"""Objectives: written down, revised, moved on, scored, carried over, talked about."""

from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from services.chassis.eventstore.errors import AggregateNotFoundError
from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.loading import (
    expected_cycle,
    mark_corrections,
    objective_to_change,
)
from services.goals.application.measuring import contributing, follow_kpis, measure_followed
from services.goals.commands import (
    AcknowledgeObjective,
    CarryObjectiveOver,
    ChangeObjective,
    CommentObjective,
    DelegateObjective,
    DraftObjective,
    ReassignObjective,
    ReviseObjective,
    ScoreObjective,
    WriteRetrospective,
)
from services.goals.domain import carry_over, feedback, lifecycle, objective, scoring
from services.goals.domain.authority import require_approver, require_owner
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import CheckInNotFoundError, UnknownCycleError
from services.goals.domain.events import Owner
from services.goals.domain.objective import Objective, Wording
from services.goals.domain.rollup import needs_contributors, roll_up
from services.goals.persistence.check_ins import find_check_in
from services.goals.persistence.feedback import has_acknowledged
from services.goals.persistence.log import CYCLE, OBJECTIVE

_WORDING_FIELDS: Final = ("title", "description", "ambition", "labels")


def draft_objective(unit: Unit, command: DraftObjective) -> Loaded[Objective]:
    """ObjectiveDrafted, and KeyResultAdded for each key result that it begins with.

    Raises UnknownCycleError, and what `objective.draft` raises.
    """
    require_owner(command.draft.owner, command.by)
    events = objective.draft(_named_cycle(unit, command.draft.cycle_id), command.draft)
    return unit.record(OBJECTIVE, command.objective_id, *events)


def revise_objective(unit: Unit, command: ReviseObjective) -> Loaded[Objective]:
    """ObjectiveRevised. Raises what `objective.revise` raises."""
    loaded, _ = objective_to_change(unit, command)
    stands = Wording(**{name: getattr(loaded.state, name) for name in _WORDING_FIELDS})
    event = objective.revise(loaded.state, replace(stands, **command.changes))
    return unit.record(OBJECTIVE, loaded.id, event)


def reassign_objective(unit: Unit, command: ReassignObjective) -> Loaded[Objective]:
    """ObjectiveReassigned, and ObjectiveDelegated: whom the old owner named, the new one did not.

    Raises what `objective.reassign` raises.
    """
    loaded, _ = objective_to_change(unit, command, delegates_may=False)
    if command.owner.kind == "company":
        # What nobody may draft in the company's name, nobody may bring under it by a gift.
        require_owner(command.owner, command.by)
    handed = unit.record(OBJECTIVE, loaded.id, objective.reassign(loaded.state, command.owner))
    if not handed.state.delegates:
        return handed
    return unit.record(OBJECTIVE, loaded.id, objective.delegate(handed.state, ()))


def delegate_objective(unit: Unit, command: DelegateObjective) -> Loaded[Objective]:
    """ObjectiveDelegated. Raises what `objective.delegate` raises."""
    loaded, _ = objective_to_change(unit, command, delegates_may=False)
    return unit.record(OBJECTIVE, loaded.id, objective.delegate(loaded.state, command.delegates))


def propose_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveProposed. Raises what `lifecycle.propose` raises."""
    loaded, _ = objective_to_change(unit, command)
    return unit.record(OBJECTIVE, loaded.id, lifecycle.propose(loaded.state))


def approve_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveApproved; in an active cycle ObjectiveActivated, and KeyResultMeasured.

    Raises NotApproverError, and what `lifecycle.approve` raises.
    """
    loaded = unit.load(OBJECTIVE, command.id)
    own = (loaded.state.owner, *loaded.state.delegates)
    require_approver(_owners_above(unit, loaded.state), command.by, own=own)
    its_cycle = expected_cycle(unit, loaded, command.version)
    unit.record(OBJECTIVE, loaded.id, *lifecycle.approve(loaded.state, its_cycle))
    return measure_followed(unit, loaded.id)


def return_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveReturned, by an approver or taken back by its owner.

    Raises NotOwnerError, and what `lifecycle.return_to_draft` raises.
    """
    loaded = unit.load(OBJECTIVE, command.id)
    may_as_well = (*loaded.state.delegates, *_owners_above(unit, loaded.state))
    require_owner(loaded.state.owner, command.by, may_as_well)
    expected_cycle(unit, loaded, command.version)
    event = lifecycle.return_to_draft(loaded.state, reason=unit.context.reason)
    return unit.record(OBJECTIVE, loaded.id, event)


def activate_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveActivated, and KeyResultMeasured where a KPI moved on while it was a draft.

    Raises what `lifecycle.activate` raises.
    """
    loaded, its_cycle = objective_to_change(unit, command)
    unit.record(OBJECTIVE, loaded.id, lifecycle.activate(loaded.state, its_cycle))
    return measure_followed(unit, loaded.id)


def postpone_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectivePostponed. Raises what `lifecycle.postpone` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = lifecycle.postpone(loaded.state, reason=unit.context.reason)
    return unit.record(OBJECTIVE, loaded.id, event)


def abandon_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveAbandoned. Raises what `lifecycle.abandon` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = lifecycle.abandon(loaded.state, reason=unit.context.reason)
    return unit.record(OBJECTIVE, loaded.id, event)


def reopen_objective(unit: Unit, command: ChangeObjective) -> Loaded[Objective]:
    """ObjectiveReopened, and KeyResultMeasured where a KPI moved on meanwhile.

    Raises what `lifecycle.reopen` raises.
    """
    loaded, its_cycle = objective_to_change(unit, command)
    event = lifecycle.reopen(loaded.state, its_cycle, reason=unit.context.reason)
    unit.record(OBJECTIVE, loaded.id, event)
    return measure_followed(unit, loaded.id)


def close_objective(unit: Unit, command: ScoreObjective) -> Loaded[Objective]:
    """ObjectiveClosed, and RetrospectiveWritten if there is one.

    Raises RollUpTooLargeError, and what `scoring.close` raises.
    """
    loaded, _ = objective_to_change(unit, command)
    family = contributing(unit, loaded.id) if needs_contributors(loaded.state) else []
    progress = roll_up(loaded.state, family).key_results
    event = scoring.close(loaded.state, progress=progress, overrides=command.overrides)
    closed = unit.record(OBJECTIVE, loaded.id, event)
    if command.retrospective is None:
        return closed
    written = scoring.write_retrospective(closed.state, command.retrospective)
    return unit.record(OBJECTIVE, loaded.id, written)


def rescore_objective(unit: Unit, command: ScoreObjective) -> Loaded[Objective]:
    """ObjectiveRescored. Raises what `scoring.rescore` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = scoring.rescore(
        loaded.state,
        progress=roll_up(loaded.state).key_results,
        overrides=command.overrides,
        reason=unit.context.reason,
    )
    return unit.record(OBJECTIVE, loaded.id, event)


def write_retrospective(unit: Unit, command: WriteRetrospective) -> Loaded[Objective]:
    """RetrospectiveWritten. Raises what `scoring.write_retrospective` raises."""
    loaded, _ = objective_to_change(unit, command)
    event = scoring.write_retrospective(loaded.state, command.retrospective)
    return unit.record(OBJECTIVE, loaded.id, event)


def carry_objective_over(unit: Unit, command: CarryObjectiveOver) -> Loaded[Objective]:
    """ObjectiveCarriedOver, and ObjectiveDrafted, KeyResultAdded for its successor; that is given.

    KeyResultLinked where the successor goes on to follow a KPI. Raises UnknownCycleError, and what
    `carry_over.carry_over`, `carry_over.successor` and `objective.draft` raise.
    """
    loaded, its_cycle = objective_to_change(unit, command)
    into = _named_cycle(unit, command.carry_over.cycle_id)
    event = carry_over.carry_over(
        loaded.state, its_cycle, into, command.carry_over, successor_id=command.successor_id
    )
    draft, origins = carry_over.successor(
        loaded.state, into, command.carry_over, key_result_ids=iter(uuid4, None)
    )
    if draft.owner != loaded.state.owner:
        # In another's name one drafts nothing, here no more than elsewhere.
        require_owner(draft.owner, command.by)
    unit.record(OBJECTIVE, loaded.id, event)
    mark_corrections(unit, into)
    successor = unit.record(OBJECTIVE, command.successor_id, *objective.draft(into, draft))
    if command.follow_kpis:
        links = {new_id: old.link for new_id, old in origins.items() if old.link is not None}
        follow_kpis(unit, successor.id, links)
    return unit.load(OBJECTIVE, successor.id)


def comment_objective(unit: Unit, command: CommentObjective) -> Loaded[Objective]:
    """ObjectiveCommented. Raises CheckInNotFoundError."""
    loaded = unit.load(OBJECTIVE, command.id)
    _require_check_in(unit, command.id, command.check_in_id)
    event = feedback.comment(command.comment_id, command.text, check_in_id=command.check_in_id)
    return unit.record(OBJECTIVE, loaded.id, event)


def acknowledge_objective(unit: Unit, command: AcknowledgeObjective) -> Loaded[Objective]:
    """ObjectiveAcknowledged, once for each actor. Raises CheckInNotFoundError."""
    loaded = unit.load(OBJECTIVE, command.id)
    _require_check_in(unit, command.id, command.check_in_id)
    before = has_acknowledged(
        unit.index(), command.id, command.check_in_id, actor_id=unit.context.actor.id
    )
    event = feedback.acknowledge(before=before, check_in_id=command.check_in_id)
    return loaded if event is None else unit.record(OBJECTIVE, loaded.id, event)


def _named_cycle(unit: Unit, cycle_id: UUID) -> Cycle:
    try:
        return unit.load(CYCLE, cycle_id).state
    except AggregateNotFoundError:
        raise UnknownCycleError(cycle_id) from None


def _owners_above(unit: Unit, proposed: Objective) -> list[Owner]:
    parents = [unit.load(OBJECTIVE, each.parent_objective_id) for each in proposed.alignments]
    return [each.state.owner for each in parents]


def _require_check_in(unit: Unit, objective_id: UUID, check_in_id: UUID | None) -> None:
    if check_in_id is not None and find_check_in(unit.index(), objective_id, check_in_id) is None:
        raise CheckInNotFoundError(check_in_id)
