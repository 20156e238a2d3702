"""The alignment tree at a terminal."""

from typing import Any

import pytest

from deploy.local.tree_text import TITLE_CHARACTERS, TreeText

YEAR = {"id": "y", "name": "2026", "starts_on": "2026-01-01", "ends_on": "2026-12-31"}
QUARTER = {"id": "q", "name": "2026 Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"}
NAMES = {"y": "2026", "q": "2026 Q1"}


def node(title: str, **other: Any) -> dict[str, Any]:
    return {
        "state": "active",
        "verdict": None,
        "score": None,
        "id": f"id of {title}",
        "cycle_id": "q",
        "title": title,
        "depth": 0,
        "progress": 0.5,
        "pace": -0.1,
        "owner": {"kind": "team", "id": "team-web"},
        "key_results": [],
        **other,
    }


def key_result(kind: str, **other: Any) -> dict[str, Any]:
    return {
        "title": "Measured",
        "type": kind,
        "value": 1.0,
        "unit": "",
        "progress": 0.5,
        "pace": 0.2,
        "source": "manual",
        "kpi": None,
        "score": None,
        "computed_score": None,
        **other,
    }


def tree(*nodes: Any, truncated: bool = False) -> dict[str, Any]:
    return {"nodes": list(nodes), "truncated": truncated}


def shown(*nodes: Any, truncated: bool = False) -> list[str]:
    return list(TreeText(NAMES).tree(tree(*nodes, truncated=truncated)))


def measured(kind: str, **other: Any) -> str:
    """What is said of one key result, behind its bar."""
    above = node("Objective", key_results=[key_result(kind, **other)])
    _, line = TreeText(NAMES, key_results=True).tree(tree(above))
    return line.rpartition("   ")[2]


def test_a_line_shows_depth_progress_and_pace() -> None:
    (line,) = shown(node("Improve the homepage", depth=1, progress=0.62, pace=0.05))
    assert line.startswith("  Improve the homepage ")
    assert "██████░░░░  62%    +5" in line
    assert line.endswith("id of Improve the homepage  team:team-web")


def test_a_steady_pace_is_not_a_little_behind() -> None:
    (line,) = shown(node("Steady", pace=-0.001))
    assert " +0 " in line


@pytest.mark.parametrize("state", ["draft", "proposed", "postponed", "abandoned"])
def test_what_is_not_being_worked_on_says_its_state_and_has_no_pace(state: str) -> None:
    (line,) = shown(node("Printed catalogue", state=state, pace=-0.57))
    assert line.startswith(f"Printed catalogue ({state}) ")
    assert "-57" not in line


def test_what_is_closed_says_how_it_ended() -> None:
    (line,) = shown(node("Shut", state="closed", verdict="partial", progress=0.4, score=0.6))
    assert line.startswith("Shut (partial) ")
    assert "██████░░░░  60%   " in line


def test_an_objective_without_progress_says_so_and_keeps_the_columns() -> None:
    lines = shown(
        node("Without", progress=None, pace=None),
        node("Not begun", progress=0.0, state="draft"),
        node("Late", progress=0.0, pace=-0.574),
    )
    without, not_begun, late = lines
    assert "no progress yet" in without
    assert "no progress yet" in not_begun
    assert "░░░░░░░░░░   0%   -57" in late
    assert len({line.index("id of") for line in lines}) == 1


def test_a_long_title_is_cut_before_its_state_and_a_cut_tree_says_so() -> None:
    long, given_up, more = shown(
        node("x" * 80, progress=1.0, pace=0.4),
        node("y" * 80, state="abandoned"),
        truncated=True,
    )
    assert "x…  ██████████ 100%" in long
    assert given_up[:TITLE_CHARACTERS].endswith("y… (abandoned)")
    assert more.startswith("There is more")


def test_what_stands_below_another_cycle_names_its_own() -> None:
    lines = shown(
        node("Company's year", cycle_id="y"),
        node("Quarter", depth=1),
        node("Team", depth=2),
        node("Company's next", cycle_id="y"),
    )
    assert [line.endswith("2026 Q1") for line in lines] == [False, True, False, False]


def test_of_several_cycles_the_longest_comes_first_and_nothing_comes_twice() -> None:
    below = node("Quarter", depth=0)
    trees = {
        "q": tree(below, node("Team", depth=1), node("Alone")),
        "y": tree(node("Year", cycle_id="y"), {**below, "depth": 1}, node("Team", depth=2)),
    }
    lines = list(TreeText(NAMES).forest([QUARTER, YEAR], lambda cycle_id: trees[cycle_id]))
    heads = [line.split("  ")[0] or line.strip().split("  ")[0] for line in lines]
    assert heads == ["2026", "Year", "Quarter", "Team", "2026 Q1", "Alone"]


def test_a_cycle_whose_objectives_were_all_shown_is_not_named_again() -> None:
    below = node("Quarter", depth=1)
    trees = {"q": tree({**below, "depth": 0}), "y": tree(node("Year", cycle_id="y"), below)}
    lines = list(TreeText(NAMES).forest([QUARTER, YEAR], lambda cycle_id: trees[cycle_id]))
    assert "2026 Q1" not in lines


def test_a_cycle_without_objectives_is_named() -> None:
    assert list(TreeText(NAMES).forest([QUARTER], lambda _: tree())) == ["2026 Q1"]


def test_key_results_are_shown_below_their_objective() -> None:
    above = node("Objective", depth=1, key_results=[key_result("binary")])
    assert len(shown(above)) == 1
    _, line = TreeText(NAMES, key_results=True).tree(tree(above))
    assert line.startswith("  - Measured ")
    assert "█████░░░░░  50%   +20" in line


def test_a_key_result_of_what_has_ended_has_no_pace() -> None:
    above = node("Objective", state="abandoned", key_results=[key_result("binary")])
    _, line = TreeText(NAMES, key_results=True).tree(tree(above))
    assert "+20" not in line


@pytest.mark.parametrize(
    ("band", "said"),
    [
        ({"lower": 99.99, "upper": None}, "99.996 %, 6 of 7 times at least 99.99"),
        ({"lower": None, "upper": 100}, "99.996 %, 6 of 7 times at most 100"),
        ({"lower": 99.99, "upper": 100}, "99.996 %, 6 of 7 times from 99.99 to 100"),
    ],
)
def test_what_is_maintained_says_how_often_it_was(band: dict[str, Any], said: str) -> None:
    tally = {"in_band": 6, "measured": 7}
    assert measured("maintain", value=99.996, unit="%", tally=tally, **band) == said


def test_each_type_says_how_it_stands_in_its_own_way() -> None:
    way = {"baseline": 120_000, "target": 150_000}
    assert measured("increase", value=131_250.0, unit="users", **way) == (
        "131,250 users, from 120,000 to 150,000"
    )
    milestones = [{"title": "French", "done": True}, {"title": "Polish", "done": False}]
    assert measured("milestones", milestones=milestones) == "1 of 2 done: French"
    assert measured("milestones", milestones=milestones[1:]) == "0 of 1 done"
    assert measured("binary") == "done"
    assert measured("binary", value=0.0) == "not done yet"


def test_it_says_where_a_value_comes_from() -> None:
    way = {"baseline": 4.0, "target": 3.4}
    assert measured("decrease", value=3.7, unit="%", kpi="customers.churn", **way) == (
        "3.7 %, from 4 to 3.4, by customers.churn"
    )
    assert measured("increase", value=None, source="aligned") == "by what contributes"
    assert measured("increase", value=None, source="computed") == "nothing said yet"


def test_a_score_that_was_set_by_hand_is_shown() -> None:
    assert measured("binary", score=0.75, computed_score=1.0) == "done; scored 75%"
    assert measured("binary", score=1.0, computed_score=1.0) == "done"
