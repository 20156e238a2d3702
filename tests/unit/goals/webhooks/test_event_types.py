"""Which types a pattern names, and which patterns name nothing."""

import pytest

from services.goals.webhooks.errors import UnknownEventTypeError
from services.goals.webhooks.event_types import PUBLISHED_TYPES, is_wanted, refuse_unknown_types

CLOSED = "cairn.goals.objective.closed.v1"


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (CLOSED, True),
        ("*", True),
        ("cairn.goals.*", True),
        ("cairn.goals.objective.*", True),
        ("cairn.goals.*.closed.v1", True),
        ("cairn.goals.objective.closed", False),
        ("cairn.goals.key_result.*", False),
        ("objective.closed.v1", False),
    ],
)
def test_a_star_stands_for_anything(pattern: str, wanted: bool) -> None:
    assert is_wanted(CLOSED, ["cairn.none", pattern]) is wanted


def test_without_a_pattern_nothing_is_wanted() -> None:
    assert not is_wanted(CLOSED, [])


def test_every_published_type_can_be_asked_for() -> None:
    refuse_unknown_types(sorted(PUBLISHED_TYPES))


@pytest.mark.parametrize(
    "pattern", ["cairn.goals.objective.closd.v1", "cairn.metrics.*", "cairn.goals.*.v2", ""]
)
def test_what_matches_no_published_type_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(UnknownEventTypeError, match="No published event"):
        refuse_unknown_types([CLOSED, pattern])
