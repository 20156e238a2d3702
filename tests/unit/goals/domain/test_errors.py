"""Refusals say what is allowed instead, in a text for people and in facts for programs."""

from uuid import UUID

import pytest

from services.goals.domain.errors import (
    AlignmentDepthError,
    CheckInNotFoundError,
    CycleNotActiveError,
    GoalsError,
    NotAllowedError,
    ObjectiveStateError,
    OverrideReasonRequiredError,
    ReasonRequiredError,
    RollUpTooLargeError,
    UnknownCycleError,
)
from services.goals.domain.objective import ALLOWED

STRANGER = UUID(int=91)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnknownCycleError(STRANGER), f"There is no cycle {STRANGER}. Plan it first"),
        (CheckInNotFoundError(STRANGER), f"no check-in {STRANGER}"),
        (RollUpTooLargeError(1_000), "More than 1000 objectives contribute"),
        (AlignmentDepthError(1_000), "More than 1000 objectives stand above"),
        (CycleNotActiveError("closed"), "taken up again while it is active or being scored"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_what_is_not_there_or_too_much_is_named(error: GoalsError, text: str) -> None:
    assert text in str(error)


def test_steps_are_named_as_people_say_them() -> None:
    error = ObjectiveStateError("closed", "add_key_result", ALLOWED["closed"])
    assert "so one cannot add key result" in str(error)
    assert "correct check in, rescore" in str(error)
    assert error.extensions["allowed"] == list(ALLOWED["closed"])


def test_an_override_without_a_reason_lacks_a_reason() -> None:
    error = OverrideReasonRequiredError("sales.leads")
    assert isinstance(error, ReasonRequiredError)
    assert str(error).endswith("until the next measurement needs a reason.")


def test_who_lacks_a_right_is_told_what_would_do() -> None:
    assert NotAllowedError("No.", missing=("team sales",)).extensions == {"missing": ["team sales"]}
