"""No refusal becomes a 500, and every kind of problem has a name of its own."""

from collections.abc import Iterator

import pytest

from services.chassis.eventstore.errors import EventLogError, LogBehindError
from services.chassis.problems import unmapped_errors
from services.goals.api.problems import PROBLEMS, documented
from services.goals.domain.errors import (
    GoalsError,
    KeyResultTargetError,
    NoKeyResultsError,
    NotAllowedError,
    NotOwnerError,
)

# Bases that are never raised themselves.
FAMILIES = {GoalsError, NotAllowedError}


def family(error_class: type[GoalsError]) -> Iterator[type[GoalsError]]:
    for subclass in error_class.__subclasses__():
        yield subclass
        yield from family(subclass)


@pytest.mark.parametrize("error_class", list(family(GoalsError)))
def test_every_refusal_of_the_domain_has_its_own_entry(error_class: type[GoalsError]) -> None:
    assert (error_class in PROBLEMS) != (error_class in FAMILIES)


def test_every_refusal_of_the_log_that_a_caller_can_meet_is_in_the_table() -> None:
    assert set(unmapped_errors(EventLogError, PROBLEMS)) == {EventLogError, LogBehindError}


def test_no_two_refusals_of_the_domain_are_the_same_kind_of_problem() -> None:
    slugs = [PROBLEMS[each].slug for each in family(GoalsError) if each in PROBLEMS]
    assert len(set(slugs)) == len(slugs)


def test_a_refusal_is_never_a_fault_of_the_service() -> None:
    assert all(
        400 <= PROBLEMS[each].status < 500 for each in family(GoalsError) if each in PROBLEMS
    )


def test_what_a_route_leads_to_is_documented_by_status() -> None:
    responses = documented(NotOwnerError, NoKeyResultsError, KeyResultTargetError)
    assert set(responses) == {403, 409, 422}
    assert "does not have the right form" in responses[422]["description"]


def test_a_refusal_says_what_is_allowed() -> None:
    assert "Add at least one" in str(NoKeyResultsError())
