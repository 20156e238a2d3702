"""The numbers of a dashboard, worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.projections.cycle_dashboard.query import Standing
from services.projections.cycle_dashboard.summary import (
    by_owner,
    changed,
    furthest_behind,
    summarise,
)
from services.projections.okrs.cycles import term

# Ten days, of which the first five are over.
HALF = term(date(2026, 1, 1), date(2026, 1, 10), datetime(2026, 1, 6, tzinfo=UTC))
FIRST_DAYS_END = HALF.at - timedelta(days=3)


def standing(title: str = "", **fields: Any) -> Standing:
    known: dict[str, Any] = {
        "id": uuid4(),
        "title": title,
        "owner_kind": "team",
        "owner_id": "sales",
        "state": "active",
        **fields,
    }
    return Standing(**known)


def test_progress_is_the_mean_of_what_has_one() -> None:
    summary = summarise(
        [standing(progress=0.25), standing(progress=0.75), standing(progress=None)], HALF
    )
    assert (summary.progress, summary.pace) == (0.5, 0.0)


def test_what_does_not_count_is_counted_by_state_alone() -> None:
    mute = {"progress": 0.0, "key_results": 3, "off_track": 3, "unchecked": 3}
    summary = summarise(
        [
            standing(progress=0.5, key_results=2, on_track=1),
            *(
                standing(state=state, **mute)
                for state in ("draft", "proposed", "postponed", "abandoned")
            ),
            standing(state="closed", progress=1.0, key_results=1, unchecked=1),
        ],
        HALF,
    )
    assert summary.objectives == 6
    assert summary.by_state == {
        "draft": 1,
        "proposed": 1,
        "active": 1,
        "postponed": 1,
        "abandoned": 1,
        "closed": 1,
    }
    assert summary.key_results == 3
    assert summary.by_status == {"on_track": 1, "at_risk": 0, "off_track": 0, "none": 2}
    assert summary.progress == 0.75
    # What is closed needs no check-in any more.
    assert summary.unchecked == 0


def test_the_pace_says_a_status_beside_what_people_say() -> None:
    summary = summarise(
        [
            standing(progress=0.45, key_results=1, off_track=1),
            standing(progress=0.3),
            standing(progress=0.0),
            standing(progress=None),
            standing(state="draft", progress=1.0),
        ],
        HALF,
    )
    assert summary.by_computed_status == {"on_track": 1, "at_risk": 1, "off_track": 1, "none": 1}
    assert (summary.pace, summary.computed_status) == (-0.25, "at_risk")
    assert summary.by_status["off_track"] == 1
    assert summarise([], HALF).computed_status is None


def test_what_has_ended_is_expected_no_further_than_when_it_ended() -> None:
    ended = standing(state="closed", progress=0.2, ended_at=FIRST_DAYS_END)
    alone = summarise([ended], HALF)
    assert (alone.pace, alone.computed_status) == (0.0, "on_track")
    assert alone.by_computed_status == {"on_track": 1, "at_risk": 0, "off_track": 0, "none": 0}
    both = summarise([ended, standing(progress=0.2), standing(progress=None)], HALF)
    assert both.pace == pytest.approx(0.2 - (0.2 + 0.5) / 2)
    assert both.by_computed_status == {"on_track": 1, "at_risk": 0, "off_track": 1, "none": 1}


def test_confidence_is_the_mean_over_key_results_not_over_objectives() -> None:
    summary = summarise(
        [
            standing(confidences=1, confidence=0.2),
            standing(confidences=3, confidence=0.6),
            standing(confidences=0, confidence=None),
        ],
        HALF,
    )
    assert summary.confidence == pytest.approx(0.5)  # (0.2 + 3 * 0.6) / 4


def test_nothing_has_no_progress() -> None:
    summary = summarise([], HALF)
    assert (summary.objectives, summary.progress, summary.pace) == (0, None, None)
    assert summary.confidence is None


def test_owners_are_told_apart_by_kind_and_id() -> None:
    owners = by_owner(
        [
            standing(owner_kind="team", owner_id="x", progress=1.0),
            standing(owner_kind="person", owner_id="x", progress=0.0),
            standing(owner_kind="team", owner_id="x", progress=0.5),
        ],
        HALF,
    )
    assert [(kind, owner, summary.progress) for kind, owner, summary in owners] == [
        ("person", "x", 0.0),
        ("team", "x", 0.75),
    ]


def test_only_active_objectives_can_be_behind() -> None:
    found = furthest_behind(
        [
            standing("a little", progress=0.4),
            standing("much", progress=0.1),
            standing("ahead", progress=0.6),
            standing("exactly there", progress=0.5),
            standing("draft", state="draft", progress=0.0),
            standing("closed", state="closed", progress=0.0),
            standing("nothing to measure", progress=None),
        ],
        HALF,
        limit=10,
    )
    assert [(each.title, pace) for each, pace in found] == [
        ("much", -0.4),
        ("a little", pytest.approx(-0.1)),
    ]


def test_no_more_are_listed_than_asked_for() -> None:
    everything = [standing(str(number), progress=0.0) for number in range(5)]
    assert len(furthest_behind(everything, HALF, limit=3)) == 3


def test_changes_come_by_the_size_of_the_move() -> None:
    found = changed(
        [
            standing("same", progress=0.5, progress_before=0.5, state_before="active"),
            standing("small", progress=0.6, progress_before=0.5, state_before="active"),
            standing("back", progress=0.1, progress_before=0.5, state_before="active"),
            standing("state", progress=0.5, progress_before=0.5, state_before="draft"),
            standing("new", id=UUID(int=1), progress=None),
        ]
    )
    assert [each.title for each in found] == ["back", "small", "new", "state"]
