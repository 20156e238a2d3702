"""Key results that follow a KPI: linked, measured when there is news, unlinked."""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.goals import ObjectiveState
from contracts.progress import Tally
from services.chassis.eventstore.context import Event
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    AlreadyLinkedError,
    KeyResultNotFoundError,
    KpiRetiredError,
    KpiUnknownError,
    NotLinkedError,
    NotMeasurableByKpiError,
)
from services.goals.domain.events import (
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultUnlinked,
    ObjectiveActivated,
    Owner,
)
from services.goals.domain.key_result import Link
from services.goals.domain.kpi_link import Kpi, KpiValue, link, measure, stop_following, unlink
from services.goals.domain.objective import Objective
from tests.unit.goals.given import (
    ACTIVE,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    IN_STATE,
    LANGUAGES,
    LATENCY,
    NOW,
    RESPONSIVE,
    UPTIME,
    an_objective,
    checked_in,
    in_work,
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


def after(state: Objective, *events: Event) -> Objective:
    """The objective after these events, one after the other."""
    for each in events:
        state = then(state, each)
    return state


@pytest.mark.parametrize("given", [(DRAFTED, COVERAGE_ADDED), ACTIVE])
def test_a_key_result_is_linked(given: tuple[Event, ...]) -> None:
    objective = an_objective(*given)
    events = link(objective, COVERAGE, WANTED, kpi=Kpi(key=KPI))
    assert events == [LINKED]
    assert after(objective, *events).key_result(COVERAGE).link == WANTED


@pytest.mark.parametrize("definition", [LATENCY, UPTIME], ids=lambda it: it.type)
def test_what_decreases_or_is_maintained_is_linked_too(definition: Definition) -> None:
    assert link(in_work(definition), COVERAGE, WANTED, kpi=Kpi(key=KPI)) == [LINKED]


@pytest.mark.parametrize("definition", [LANGUAGES, RESPONSIVE], ids=lambda it: it.type)
def test_what_is_no_number_follows_no_kpi(definition: Definition) -> None:
    with pytest.raises(NotMeasurableByKpiError, match="Link one of type increase") as refusal:
        link(in_work(definition), COVERAGE, WANTED, kpi=Kpi(key=KPI))
    assert refusal.value.extensions == {"key_result_type": definition.type}


def test_an_unknown_kpi_is_named() -> None:
    with pytest.raises(KpiUnknownError, match=KPI) as refusal:
        link(an_objective(*ACTIVE), COVERAGE, WANTED, kpi=None)
    assert refusal.value.extensions == {"kpi": KPI}


def test_a_retired_kpi_is_not_followed() -> None:
    with pytest.raises(KpiRetiredError):
        link(an_objective(*ACTIVE), COVERAGE, WANTED, kpi=Kpi(key=KPI, retired=True))


@pytest.mark.parametrize(
    "wanted", [Link(kpi="other", reading="period"), Link(kpi=KPI, reading="latest")]
)
def test_a_key_result_follows_one_kpi_in_one_way_at_a_time(wanted: Link) -> None:
    state = followed(says())
    events = link(state, COVERAGE, wanted, kpi=Kpi(key=wanted.kpi))
    assert events == [
        KeyResultUnlinked(key_result_id=COVERAGE, kpi=KPI),
        KeyResultLinked(key_result_id=COVERAGE, kpi=wanted.kpi, reading=wanted.reading),
    ]
    found = after(state, *events).key_result(COVERAGE)
    assert (found.link, found.measurement) == (wanted, None)
    assert found.current == state.key_result(COVERAGE).current


@pytest.mark.parametrize("kpi", [None, Kpi(key=KPI), Kpi(key=KPI, retired=True)])
def test_the_same_link_is_not_made_twice(kpi: Kpi | None) -> None:
    with pytest.raises(AlreadyLinkedError, match="in this way already") as refusal:
        link(followed(), COVERAGE, WANTED, kpi=kpi)
    assert refusal.value.extensions == {"kpi": KPI}


def test_only_what_is_there_is_linked() -> None:
    with pytest.raises(KeyResultNotFoundError):
        link(an_objective(*ACTIVE), uuid4(), WANTED, kpi=Kpi(key=KPI))
    with pytest.raises(KeyResultNotFoundError):
        unlink(an_objective(*ACTIVE), uuid4())


def test_unlinking_ends_the_following_and_keeps_the_value() -> None:
    measured = followed(says())
    event = unlink(measured, COVERAGE)
    assert event == KeyResultUnlinked(key_result_id=COVERAGE, kpi=KPI)
    found = then(measured, event).key_result(COVERAGE)
    assert (found.link, found.measurement) == (None, None)
    assert found.current == measured.key_result(COVERAGE).current


def test_what_is_not_linked_is_not_unlinked() -> None:
    with pytest.raises(NotLinkedError):
        unlink(an_objective(*ACTIVE), COVERAGE)


@pytest.mark.parametrize("state", ["draft", "proposed", "active", "postponed", "closed"])
def test_a_kpi_that_is_retired_is_followed_no_more_whatever_the_state(
    state: ObjectiveState,
) -> None:
    given = an_objective(*IN_STATE[state], LINKED)
    event = stop_following(given, COVERAGE, KPI)
    assert event == KeyResultUnlinked(key_result_id=COVERAGE, kpi=KPI)
    assert stop_following(then(given, event), COVERAGE, KPI) is None


def test_what_follows_another_kpi_or_is_gone_goes_on() -> None:
    assert stop_following(followed(), COVERAGE, "other") is None
    assert stop_following(followed(), uuid4(), KPI) is None


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
        definition=1,
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
        replace(
            VALUE,
            definition=2,
            period=70.0,
            period_start=NOW - 2 * DAY,
            period_end=NOW - DAY,
            metrics_position=11,
        ),
    ],
    ids=[
        "of an earlier period",
        "the same event again",
        "an event from before",
        "of an earlier period as a later definition cuts it",
    ],
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
    state = then(state, unlink(state, COVERAGE))
    state = then(state, replace(LINKED, kpi="other"))
    other = Kpi(key="other", value=replace(VALUE, metrics_position=3))
    assert measure(state, key_result_id=COVERAGE, kpi=other) is not None


@pytest.mark.parametrize("state", ["draft", "proposed", "postponed", "abandoned", "closed"])
def test_only_what_is_worked_on_is_measured(state: ObjectiveState) -> None:
    assert news(an_objective(*IN_STATE[state], LINKED), says()) is None


@pytest.mark.parametrize(
    "objective",
    [an_objective(DRAFTED, ObjectiveActivated()), an_objective(*ACTIVE)],
    ids=["no such key result", "not linked"],
)
def test_a_measurement_that_concerns_nothing_is_ignored(objective: Objective) -> None:
    assert news(objective, says()) is None


def test_another_kpi_and_one_without_a_value_say_nothing() -> None:
    assert news(followed(), Kpi(key=KPI)) is None
    assert news(followed(), Kpi(key="other", value=VALUE)) is None


def test_a_value_that_is_no_number_is_ignored() -> None:
    assert news(followed(), says(period=math.inf)) is None


def maintained(*values: Kpi) -> Objective:
    """An active objective whose uptime follows the KPI, after it said these values."""
    state = in_work(UPTIME, LINKED)
    for each in values:
        event = news(state, each)
        assert event is not None
        state = then(state, event)
    return state


def test_the_same_value_in_another_period_is_news_for_what_is_maintained() -> None:
    tomorrow = says(period_start=NOW, period_end=NOW + DAY, metrics_position=11)
    assert news(followed(says()), tomorrow) is None
    assert news(maintained(says()), tomorrow) is not None
    assert news(maintained(says()), says(metrics_position=11)) is None


def test_a_period_that_is_measured_often_counts_once() -> None:
    state = maintained(
        says(period=99.0),
        says(period=99.995, metrics_position=11),
        says(period=99.0, period_start=NOW, metrics_position=12),
        says(period=99.1, period_start=NOW, metrics_position=13),
    )
    assert state.key_result(COVERAGE).tally == Tally(measured=2, in_band=1)


def test_a_kpi_knows_its_owner() -> None:
    owner = Owner(kind="team", id="quality")
    assert says().owned_by(owner) == replace(says(), owner=owner)
