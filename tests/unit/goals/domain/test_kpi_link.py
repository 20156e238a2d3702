"""Key results that follow a KPI: linked, measured when there is news, unlinked."""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain.errors import (
    AlreadyLinkedError,
    KeyResultNotFoundError,
    KpiRetiredError,
    KpiUnknownError,
    NotLinkedError,
    ObjectiveStateError,
)
from services.goals.domain.events import KeyResultLinked, KeyResultMeasured, KeyResultUnlinked
from services.goals.domain.key_result import Link
from services.goals.domain.kpi_link import Kpi, KpiValue, link, measure, unlink
from services.goals.domain.objective import Objective
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    NOW,
    an_objective,
    checked_in,
    then,
)

DAY = timedelta(days=1)
KPI = "quality.coverage"
WANTED = Link(kpi=KPI, reading="period")
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi=KPI, reading="period")
VALUE = KpiValue(
    definition=1, period=80, latest=82, period_start=NOW - DAY, period_end=NOW, metrics_position=10
)


def says(value: KpiValue = VALUE, **changes: object) -> Kpi:
    return Kpi(key=KPI, value=replace(value, **changes))  # type: ignore[arg-type]


def news(objective: Objective, kpi: Kpi) -> KeyResultMeasured | None:
    return measure(objective, key_result_id=COVERAGE, kpi=kpi)


def followed(*values: Kpi) -> Objective:
    """An active objective whose key result follows the KPI, after it said these values."""
    state = an_objective(*ACTIVE, LINKED)
    for each in values:
        event = news(state, each)
        assert event is not None
        state = then(state, event)
    return state


@pytest.mark.parametrize("given", [(DRAFTED, COVERAGE_ADDED), ACTIVE])
def test_a_key_result_is_linked_until_its_objective_is_closed(
    given: tuple[Event, ...],
) -> None:
    objective = an_objective(*given)
    event = link(objective, ACTIVE_CYCLE, COVERAGE, WANTED, kpi=Kpi(key=KPI))
    assert event == LINKED
    assert then(objective, event).key_result(COVERAGE).link == WANTED


def test_an_unknown_kpi_is_named() -> None:
    with pytest.raises(KpiUnknownError, match=KPI) as refusal:
        link(an_objective(*ACTIVE), ACTIVE_CYCLE, COVERAGE, WANTED, kpi=None)
    assert refusal.value.extensions == {"kpi": KPI}


def test_a_retired_kpi_is_not_followed() -> None:
    with pytest.raises(KpiRetiredError):
        link(an_objective(*ACTIVE), ACTIVE_CYCLE, COVERAGE, WANTED, kpi=Kpi(key=KPI, retired=True))


def test_a_key_result_follows_one_kpi_at_a_time() -> None:
    with pytest.raises(AlreadyLinkedError, match="Unlink it first"):
        link(followed(), ACTIVE_CYCLE, COVERAGE, Link(kpi="b", reading="latest"), kpi=Kpi(key="b"))


def test_only_what_is_there_and_open_is_linked() -> None:
    with pytest.raises(KeyResultNotFoundError):
        link(an_objective(*ACTIVE), ACTIVE_CYCLE, uuid4(), WANTED, kpi=Kpi(key=KPI))
    with pytest.raises(ObjectiveStateError):
        link(an_objective(*CLOSED), ACTIVE_CYCLE, COVERAGE, WANTED, kpi=Kpi(key=KPI))


def test_unlinking_ends_the_following_and_keeps_the_value() -> None:
    measured = followed(says())
    event = unlink(measured, ACTIVE_CYCLE, key_result_id=COVERAGE)
    assert event == KeyResultUnlinked(key_result_id=COVERAGE, kpi=KPI)
    after = then(measured, event).key_result(COVERAGE)
    assert (after.link, after.measurement) == (None, None)
    assert after.current == measured.key_result(COVERAGE).current


def test_what_is_not_linked_is_not_unlinked() -> None:
    with pytest.raises(NotLinkedError):
        unlink(an_objective(*ACTIVE), ACTIVE_CYCLE, key_result_id=COVERAGE)
    with pytest.raises(ObjectiveStateError):
        unlink(an_objective(*CLOSED), ACTIVE_CYCLE, key_result_id=COVERAGE)


@pytest.mark.parametrize(("reading", "value"), [("period", 80.0), ("latest", 82.0)])
def test_a_link_takes_the_period_s_value_or_the_latest(reading: str, value: float) -> None:
    state = an_objective(*ACTIVE, replace(LINKED, reading=reading))  # type: ignore[arg-type]
    assert news(state, says()) == KeyResultMeasured(
        key_result_id=COVERAGE,
        kpi=KPI,
        value=value,
        period_start=VALUE.period_start,
        period_end=VALUE.period_end,
        metrics_position=10,
    )


def test_what_was_measured_already_is_no_news() -> None:
    assert news(followed(says()), says()) is None
    assert news(followed(says()), says(period=99.0)) is None  # same position: the same event
    assert news(followed(says()), says(period=99.0, metrics_position=9)) is None


def test_the_same_value_again_is_no_news() -> None:
    assert news(followed(says()), says(metrics_position=11)) is None


def test_another_value_of_the_same_period_is_news() -> None:
    assert news(followed(says()), says(period=81.0, metrics_position=11)) is not None


def test_a_later_value_of_the_same_or_a_later_period_is_the_kpi_s_value() -> None:
    same = replace(VALUE, period=81.0, metrics_position=11)
    later = replace(VALUE, period_start=NOW, metrics_position=12)
    kpi = Kpi(key=KPI).says(VALUE).says(same)
    assert kpi.value == same
    assert kpi.says(later).value == later


@pytest.mark.parametrize(
    "stale",
    [
        replace(VALUE, period=70.0, period_start=NOW - 2 * DAY, metrics_position=11),
        replace(VALUE, period=70.0, metrics_position=10),
        replace(VALUE, period=70.0, period_start=NOW, metrics_position=9),
    ],
    ids=["of an earlier period", "the same event again", "an event from before"],
)
def test_a_stale_value_does_not_overwrite(stale: KpiValue) -> None:
    assert says().says(stale) == says()


def test_a_new_definition_may_cut_its_periods_earlier() -> None:
    month = replace(VALUE, definition=2, period_start=NOW - 30 * DAY, metrics_position=11)
    assert says().says(month).value == month
    assert Kpi(key=KPI, value=month).says(replace(VALUE, metrics_position=12)).value == month


def test_a_retired_kpi_keeps_its_value() -> None:
    assert says().retire() == Kpi(key=KPI, retired=True, value=VALUE)


def test_a_later_period_is_news() -> None:
    later = says(period=85.0, period_start=NOW, period_end=NOW + DAY, metrics_position=11)
    assert news(followed(says()), later) is not None


def test_a_check_in_overrides_only_until_the_next_measurement() -> None:
    overridden = then(followed(says()), checked_in(50))
    again = news(overridden, says(metrics_position=11))
    assert again is not None
    assert again.value == 80


def test_the_first_measurement_replaces_what_was_said_by_hand() -> None:
    state = an_objective(*ACTIVE, checked_in(80), LINKED)
    assert news(state, says()) is not None


def test_after_linking_to_another_kpi_its_first_value_is_news() -> None:
    state = followed(says())
    state = then(state, unlink(state, ACTIVE_CYCLE, key_result_id=COVERAGE))
    state = then(state, replace(LINKED, kpi="other"))
    other = Kpi(key="other", value=replace(VALUE, metrics_position=3))
    assert measure(state, key_result_id=COVERAGE, kpi=other) is not None


@pytest.mark.parametrize(
    "objective",
    [an_objective(*CLOSED), an_objective(DRAFTED), an_objective(*ACTIVE)],
    ids=["closed", "no such key result", "not linked"],
)
def test_a_measurement_that_concerns_nothing_is_ignored(objective: Objective) -> None:
    assert news(objective, says()) is None


def test_another_kpi_and_one_without_a_value_say_nothing() -> None:
    assert news(followed(), Kpi(key=KPI)) is None
    assert news(followed(), Kpi(key="other", value=VALUE)) is None


def test_a_value_that_is_no_number_is_ignored() -> None:
    assert news(followed(), says(period=math.inf)) is None
