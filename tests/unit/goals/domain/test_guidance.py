"""Good practice is a warning."""

from dataclasses import replace

import pytest

from services.chassis.eventstore.context import Event
from services.goals.domain import key_result as key_results
from services.goals.domain.definition import Definition
from services.goals.domain.guidance import advice
from tests.unit.goals.given import (
    COVERAGE,
    DRAFTED,
    LANGUAGES,
    LEADS,
    RESPONSIVE,
    an_objective,
    key_result_added,
)

TWO = (key_result_added(), key_result_added())


def codes(*events: Event) -> list[str]:
    return [each.code for each in advice(an_objective(*events))]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, ["few_key_results"]),
        (1, ["few_key_results"]),
        (2, []),
        (5, []),
        (6, ["many_key_results"]),
    ],
)
def test_two_to_five_key_results_are_good_practice(count: int, expected: list[str]) -> None:
    assert codes(DRAFTED, *(key_result_added() for _ in range(count))) == expected


def test_an_objective_in_which_nothing_counts_is_pointed_out() -> None:
    shown = [key_result_added(weight=0) for _ in range(2)]
    assert codes(DRAFTED, *shown) == ["no_key_result_counts"]
    assert codes(DRAFTED, *shown, key_result_added(weight=1e-9)) == []


@pytest.mark.parametrize(
    "title",
    [
        "Increase user engagement by 30%",
        "Increase sales revenue by 20 percent",
        "Grow 2,5 % faster",
        "Grow to 3 markets",
        "Become 10x better",
        "Cut the carbon footprint BY 1 part in ten",
    ],
)
def test_a_number_belongs_into_the_key_results(title: str) -> None:
    assert codes(replace(DRAFTED, title=title), *TWO) == ["numeric_title"]


@pytest.mark.parametrize(
    "title",
    [
        "Halve the bug rate",
        "Win the year 2026",
        "Be the first in 2 languages",
        "Pass ISO 27001",
        "Nearby 3rd parties",
        "Make our 4xx pages kind",
    ],
)
def test_a_number_that_measures_nothing_may_stand_in_the_title(title: str) -> None:
    assert codes(replace(DRAFTED, title=title), *TWO) == []


def activity(definition: Definition, title: str) -> Event:
    return key_results.define(replace(definition, title=title), key_result_id=COVERAGE)


@pytest.mark.parametrize("definition", [RESPONSIVE, LANGUAGES], ids=lambda it: it.type)
@pytest.mark.parametrize("title", ["Launch the shop", "Organise a fair", "roll out the app"])
def test_work_to_do_is_no_result(definition: Definition, title: str) -> None:
    objective = an_objective(DRAFTED, activity(definition, title), TWO[0])
    (warning,) = advice(objective)
    assert warning.code == "activity_key_results"
    assert f"“{title}”" in warning.detail


@pytest.mark.parametrize(
    ("definition", "title"),
    [
        (RESPONSIVE, "The shop is launched"),
        (RESPONSIVE, "Runtime is bounded"),
        (RESPONSIVE, "Donors are named"),
        (LEADS, "Launch parties"),
    ],
)
def test_what_work_brings_about_and_what_is_counted_is_a_result(
    definition: Definition, title: str
) -> None:
    assert codes(DRAFTED, activity(definition, title), TWO[0]) == []
