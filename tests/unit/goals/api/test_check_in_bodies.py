"""What requests may say, and what is made of it."""

import pytest
from pydantic import ValidationError

from services.goals.api.check_in_bodies import CheckInBody


def check_in(effective_at: str) -> CheckInBody:
    return CheckInBody.model_validate({"value": 1.0, "effective_at": effective_at})


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2026-02-02T09:00:00+02:00", "2026-02-02T07:00:00+00:00"),
        ("2026-02-01T22:30:00-05:00", "2026-02-02T03:30:00+00:00"),
        ("2026-02-02T09:00:00Z", "2026-02-02T09:00:00+00:00"),
    ],
)
def test_a_moment_told_in_any_zone_is_kept_in_utc(told: str, kept: str) -> None:
    effective_at = check_in(told).effective_at
    assert effective_at is not None
    assert effective_at.isoformat() == kept


@pytest.mark.parametrize(
    "moment",
    [
        "1970-01-01T00:00:00+00:01",
        "2999-12-31T00:00:00-00:01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_the_bounds_of_a_moment_hold_in_utc(moment: str) -> None:
    with pytest.raises(ValidationError, match="effective_at"):
        check_in(moment)


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "2999-12-31T01:00:00+01:00"])
def test_the_first_and_the_last_moment_are_taken(moment: str) -> None:
    assert check_in(moment).effective_at is not None
