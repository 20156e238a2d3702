"""An objective's key results are added, revised, given another target, and removed."""

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain import key_result
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    KeyResultHasChildrenError,
    KeyResultNotFoundError,
    KeyResultTargetError,
    KeyResultTypeFixedError,
    LastKeyResultError,
    NothingChangesError,
    NotMeasurableByKpiError,
    NumberRefusedError,
    ReasonRequiredError,
    TooManyKeyResultsError,
)
from services.goals.domain.events import (
    KeyResultLinked,
    KeyResultRemoved,
    KeyResultRevised,
    PhasedTarget,
)
from services.goals.domain.key_results import add, remove, retarget, revise
from services.goals.domain.objective import MAX_KEY_RESULTS
from tests.unit.goals.given import (
    ACTIVE,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    LANGUAGES,
    LATENCY,
    LEADS,
    RESPONSIVE,
    UPTIME,
    an_objective,
    checked_in,
    in_work,
    key_result_added,
    only_key_result,
    then,
)

WHY = "The market moved."
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="sales.leads", reading="latest")


@pytest.mark.parametrize("given", [(DRAFTED,), ACTIVE])
def test_a_key_result_is_added(given: tuple[Event, ...]) -> None:
    added = UUID(int=40)
    event = add(an_objective(*given), LEADS, key_result_id=added)
    assert event == key_result.define(LEADS, key_result_id=added)
    assert then(an_objective(*given), event).key_result(added).definition == LEADS


def test_what_is_added_is_defined_well() -> None:
    with pytest.raises(KeyResultTargetError):
        add(an_objective(DRAFTED), replace(LEADS, target=None), key_result_id=uuid4())


def test_the_number_of_key_results_is_bounded() -> None:
    nearly = an_objective(DRAFTED, *(key_result_added() for _ in range(MAX_KEY_RESULTS - 1)))
    event = add(nearly, LEADS, key_result_id=uuid4())
    with pytest.raises(TooManyKeyResultsError, match="20 key results at most"):
        add(then(nearly, event), LEADS, key_result_id=uuid4())


@pytest.mark.parametrize(
    "change",
    [{"title": "New leads"}, {"unit": "people"}, {"weight": 0.0}, {"due_on": date(2026, 3, 1)}],
    ids="".join,
)
def test_a_key_result_is_called_and_counted_otherwise(change: dict[str, object]) -> None:
    wanted = replace(LEADS, **change)  # type: ignore[arg-type]
    event = revise(in_work(LEADS), COVERAGE, wanted)
    assert isinstance(event, KeyResultRevised)
    assert only_key_result(then(in_work(LEADS), event)).definition == wanted


def test_the_same_name_unit_weight_and_due_date_are_no_change() -> None:
    with pytest.raises(NothingChangesError):
        revise(in_work(LEADS), COVERAGE, replace(LEADS, target=900.0))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_key_result_is_not_given_a_weight_that_cannot_be_counted_with(weight: float) -> None:
    with pytest.raises(NumberRefusedError, match="weight"):
        revise(in_work(LEADS), COVERAGE, replace(LEADS, weight=weight))


@pytest.mark.parametrize(
    ("stands", "wanted"),
    [
        (LEADS, replace(LEADS, target=800.0)),
        (LEADS, replace(LEADS, baseline=400.0)),
        (LEADS, replace(LEADS, stretch=900.0)),
        (LEADS, replace(LEADS, phased_targets=(PhasedTarget(on=date(2026, 2, 1), value=600.0),))),
        (UPTIME, replace(UPTIME, upper=100.0)),
        (LANGUAGES, replace(LANGUAGES, milestones=LANGUAGES.milestones[:2])),
        (LEADS, replace(UPTIME, title="Leads", unit="leads")),
        (UPTIME, replace(LANGUAGES, title="Uptime", unit="%")),
        (LANGUAGES, replace(RESPONSIVE, title="Three languages")),
        (RESPONSIVE, replace(LATENCY, title="The design is responsive", unit="")),
    ],
)
def test_a_key_result_is_to_reach_something_else(stands: Definition, wanted: Definition) -> None:
    event = retarget(in_work(stands), COVERAGE, wanted, reason=WHY)
    assert only_key_result(then(in_work(stands), event)).definition == wanted


def test_another_target_leaves_name_unit_weight_and_due_date() -> None:
    wanted = replace(LEADS, target=800.0, title="Else", unit="x", weight=9.0)
    event = retarget(in_work(LEADS), COVERAGE, wanted, reason=WHY)
    after = only_key_result(then(in_work(LEADS), event)).definition
    assert after == replace(LEADS, target=800.0)


def test_the_same_target_is_no_change() -> None:
    with pytest.raises(NothingChangesError):
        retarget(in_work(LEADS), COVERAGE, replace(LEADS, title="Other", weight=2.0), reason=WHY)


@pytest.mark.parametrize("wanted", [replace(LEADS, target=400.0), replace(LEADS, type="decrease")])
def test_what_is_to_be_reached_from_now_on_is_defined_well(wanted: Definition) -> None:
    with pytest.raises(KeyResultTargetError):
        retarget(in_work(LEADS), COVERAGE, wanted, reason=WHY)


@pytest.mark.parametrize("stands", [LEADS, UPTIME, LANGUAGES, RESPONSIVE], ids=lambda it: it.type)
def test_the_type_is_fixed_once_somebody_checked_in(stands: Definition) -> None:
    given = in_work(stands, checked_in(1.0))
    with pytest.raises(KeyResultTypeFixedError, match=f"stays of type {stands.type}") as refusal:
        retarget(given, COVERAGE, LATENCY, reason=WHY)
    assert refusal.value.extensions == {"key_result_type": stands.type}


def test_the_target_may_move_after_a_check_in() -> None:
    assert retarget(
        in_work(LEADS, checked_in(600.0)), COVERAGE, replace(LEADS, target=900.0), reason=WHY
    )


@pytest.mark.parametrize("wanted", [LANGUAGES, RESPONSIVE], ids=lambda it: it.type)
def test_what_follows_a_kpi_stays_a_number(wanted: Definition) -> None:
    with pytest.raises(NotMeasurableByKpiError, match="increase, decrease or maintain") as refusal:
        retarget(in_work(LEADS, LINKED), COVERAGE, wanted, reason=WHY)
    assert refusal.value.extensions == {"key_result_type": wanted.type}
    assert retarget(in_work(LEADS, LINKED), COVERAGE, UPTIME, reason=WHY)


@pytest.mark.parametrize("reason", [None, ""])
def test_once_work_began_a_reason_is_given(reason: str | None) -> None:
    further = replace(LEADS, target=900.0)
    two = in_work(LEADS, key_result_added())
    with pytest.raises(ReasonRequiredError, match="Revising a target needs a reason"):
        retarget(two, COVERAGE, further, reason=reason)
    with pytest.raises(ReasonRequiredError, match="Removing a key result needs a reason"):
        remove(two, COVERAGE, aligned=(), reason=reason)


def test_a_draft_is_written_without_reasons() -> None:
    draft = an_objective(DRAFTED, COVERAGE_ADDED)
    assert retarget(draft, COVERAGE, replace(LEADS, target=900.0), reason=None)
    assert remove(draft, COVERAGE, aligned=(), reason=None)


def test_a_key_result_is_removed_even_while_it_follows_a_kpi() -> None:
    other = key_result_added()
    given = in_work(LEADS, other, LINKED)
    event = remove(given, COVERAGE, aligned=(), reason=WHY)
    assert event == KeyResultRemoved(key_result_id=COVERAGE)
    assert [each.id for each in then(given, event).key_results] == [other.key_result_id]


def test_what_is_worked_on_keeps_a_key_result() -> None:
    with pytest.raises(LastKeyResultError, match="Add another one first"):
        remove(in_work(LEADS), COVERAGE, aligned=(), reason=WHY)


def test_a_key_result_that_others_are_aligned_to_is_not_removed() -> None:
    below = [UUID(int=51), UUID(int=52)]
    with pytest.raises(KeyResultHasChildrenError, match="2 objective") as refusal:
        remove(in_work(LEADS, key_result_added()), COVERAGE, aligned=below, reason=WHY)
    assert refusal.value.extensions == {"aligned": below}


def test_a_key_result_that_is_not_there_is_not_changed() -> None:
    given, stranger = in_work(LEADS), uuid4()
    with pytest.raises(KeyResultNotFoundError, match=str(stranger)):
        revise(given, stranger, LATENCY)
    with pytest.raises(KeyResultNotFoundError):
        retarget(given, stranger, LATENCY, reason=WHY)
    with pytest.raises(KeyResultNotFoundError):
        remove(given, stranger, aligned=(), reason=WHY)
