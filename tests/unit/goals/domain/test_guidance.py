"""Good practice is a warning."""

import pytest

from services.goals.domain.guidance import advice
from tests.unit.goals.given import DRAFTED, an_objective, key_result_added


@pytest.mark.parametrize(
    ("count", "codes"),
    [
        (0, ["few_key_results"]),
        (1, ["few_key_results"]),
        (2, []),
        (5, []),
        (6, ["many_key_results"]),
    ],
)
def test_two_to_five_key_results_are_good_practice(count: int, codes: list[str]) -> None:
    objective = an_objective(DRAFTED, *(key_result_added() for _ in range(count)))
    assert [each.code for each in advice(objective)] == codes


def test_an_objective_in_which_nothing_counts_is_pointed_out() -> None:
    shown = [key_result_added(weight=0) for _ in range(2)]
    assert [each.code for each in advice(an_objective(DRAFTED, *shown))] == ["no_key_result_counts"]
