"""An objective's progress follows from it and from what contributes to it."""

import pytest

from services.goals.domain.events import ObjectiveActivated, ObjectiveAligned
from services.goals.domain.objective import Objective
from services.goals.domain.standing import needs_contributors, progress_of
from tests.unit.goals.given import (
    ACTIVE,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    an_objective,
    checked_in,
)


def child_of(parent: Objective, value: float, kind: str = "contributes") -> Objective:
    aligned = ObjectiveAligned(
        parent_objective_id=parent.id,
        parent_key_result_id=COVERAGE,
        kind=kind,  # type: ignore[arg-type]
        weight=1,
    )
    return an_objective(*ACTIVE, aligned, checked_in(value))


def test_a_key_result_without_a_value_takes_that_of_its_contributors() -> None:
    parent = an_objective(*ACTIVE)
    family = [child_of(parent, 75), child_of(parent, 85)]
    progress = progress_of(parent, family)
    assert progress.key_results[COVERAGE].source == "aligned"
    assert progress.key_results[COVERAGE].progress == pytest.approx((0.25 + 0.75) / 2)


def test_contributors_count_at_any_depth() -> None:
    parent = an_objective(*ACTIVE)
    between = an_objective(
        *ACTIVE,
        ObjectiveAligned(
            parent_objective_id=parent.id,
            parent_key_result_id=COVERAGE,
            kind="contributes",
            weight=1,
        ),
    )
    progress = progress_of(parent, [between, child_of(between, 80)])
    assert progress.progress == pytest.approx(0.5)


def test_a_supporting_child_is_not_counted() -> None:
    parent = an_objective(*ACTIVE)
    progress = progress_of(parent, [child_of(parent, 90, kind="supports")])
    assert progress.key_results[COVERAGE].source == "computed"


def test_a_draft_is_not_counted() -> None:
    parent = an_objective(*ACTIVE)
    aligned = ObjectiveAligned(
        parent_objective_id=parent.id,
        parent_key_result_id=COVERAGE,
        kind="contributes",
        weight=1,
    )
    draft = an_objective(DRAFTED, COVERAGE_ADDED, aligned)
    assert progress_of(parent, [draft]).key_results[COVERAGE].source == "computed"


def test_an_own_value_comes_first() -> None:
    parent = an_objective(*ACTIVE, checked_in(80))
    progress = progress_of(parent, [child_of(parent, 90)])
    assert progress.key_results[COVERAGE].source == "manual"
    assert progress.progress == 0.5


def test_only_a_key_result_without_a_value_needs_contributors() -> None:
    begun = (DRAFTED, COVERAGE_ADDED, ObjectiveActivated())
    assert needs_contributors(an_objective(*begun))
    assert not needs_contributors(an_objective(*begun, checked_in(80)))
