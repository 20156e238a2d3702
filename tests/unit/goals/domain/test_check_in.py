"""Who may say what of a key result, about which time."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain.check_in import CLOCK_TOLERANCE, Statement, check_in
from services.goals.domain.errors import (
    CycleLockedError,
    EffectiveAtError,
    KeyResultNotFoundError,
    NumberRefusedError,
    ObjectiveStateError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CycleScoringStarted,
    KeyResultCheckedIn,
    KeyResultLinked,
)
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    NOW,
    PLANNED,
    a_cycle,
    an_objective,
)

SAID = Statement(
    key_result_id=COVERAGE,
    check_in_id=UUID(int=9),
    value=80,
    effective_at=NOW,
    confidence=0.6,
    status="on_track",
    comment="The new suite is in.",
)
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")
SECOND = timedelta(seconds=1)


def test_a_check_in_on_an_active_objective_is_taken_down() -> None:
    assert check_in(an_objective(*ACTIVE), ACTIVE_CYCLE, SAID, now=NOW) == KeyResultCheckedIn(
        key_result_id=COVERAGE,
        check_in_id=UUID(int=9),
        value=80,
        confidence=0.6,
        status="on_track",
        comment="The new suite is in.",
    )


def test_a_last_check_in_is_taken_while_the_cycle_is_scored() -> None:
    scoring = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted())
    assert check_in(an_objective(*ACTIVE), scoring, SAID, now=NOW)


@pytest.mark.parametrize(
    ("given", "allowed"), [((DRAFTED, COVERAGE_ADDED), "activate it"), (CLOSED, "read it")]
)
def test_only_an_active_objective_is_checked_in_on(given: tuple[Event, ...], allowed: str) -> None:
    with pytest.raises(ObjectiveStateError, match=allowed):
        check_in(an_objective(*given), ACTIVE_CYCLE, SAID, now=NOW)


def test_a_check_in_in_a_closed_cycle_is_refused() -> None:
    locked = a_cycle(PLANNED, CycleActivated(), CycleScoringStarted(), CycleClosed())
    with pytest.raises(CycleLockedError):
        check_in(an_objective(*ACTIVE), locked, SAID, now=NOW)


def test_a_check_in_on_an_unknown_key_result_is_refused() -> None:
    with pytest.raises(KeyResultNotFoundError):
        check_in(an_objective(*ACTIVE), ACTIVE_CYCLE, replace(SAID, key_result_id=uuid4()), now=NOW)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(NumberRefusedError, match="value is a finite number"):
        check_in(an_objective(*ACTIVE), ACTIVE_CYCLE, replace(SAID, value=value), now=NOW)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_beyond_certainty_is_refused(confidence: float) -> None:
    with pytest.raises(NumberRefusedError, match="confidence is a number from 0 to 1"):
        check_in(an_objective(*ACTIVE), ACTIVE_CYCLE, replace(SAID, confidence=confidence), now=NOW)


@pytest.mark.parametrize(
    "effective_at", [datetime(2026, 1, 1, tzinfo=UTC), NOW, NOW + CLOCK_TOLERANCE]
)
def test_a_check_in_is_about_any_time_from_the_cycle_s_beginning_to_now(
    effective_at: datetime,
) -> None:
    said = replace(SAID, effective_at=effective_at)
    assert check_in(an_objective(*ACTIVE), ACTIVE_CYCLE, said, now=NOW)


@pytest.mark.parametrize(
    "effective_at",
    [datetime(2026, 1, 1, tzinfo=UTC) - SECOND, NOW + CLOCK_TOLERANCE + SECOND],
)
def test_a_check_in_about_the_future_or_before_the_cycle_is_refused(
    effective_at: datetime,
) -> None:
    with pytest.raises(EffectiveAtError, match="when work in the cycle began"):
        check_in(
            an_objective(*ACTIVE), ACTIVE_CYCLE, replace(SAID, effective_at=effective_at), now=NOW
        )


@pytest.mark.parametrize("reason", [None, ""])
def test_a_linked_key_result_is_not_overridden_without_a_reason(reason: str | None) -> None:
    with pytest.raises(ReasonRequiredError, match=r"quality\.coverage") as refusal:
        check_in(an_objective(*ACTIVE, LINKED), ACTIVE_CYCLE, replace(SAID, reason=reason), now=NOW)
    assert refusal.value.extensions == {"kpi": "quality.coverage"}


def test_a_linked_key_result_is_overridden_with_a_reason() -> None:
    said = replace(SAID, reason="The probe is broken.")
    assert check_in(an_objective(*ACTIVE, LINKED), ACTIVE_CYCLE, said, now=NOW)
