"""The alignment tree at a terminal."""

from typing import Any

from deploy.local.tree_text import tree_lines


def node(
    title: str,
    *,
    depth: int = 0,
    progress: float | None,
    pace: float | None,
    state: str = "active",
) -> Any:
    return {
        "state": state,
        "id": "7b8b92d3",
        "title": title,
        "depth": depth,
        "progress": progress,
        "pace": pace,
        "owner": {"kind": "team", "id": "team-web"},
    }


def shown(*nodes: Any, truncated: bool = False) -> list[str]:
    return list(tree_lines({"nodes": nodes, "truncated": truncated}))


def test_a_line_shows_depth_progress_and_pace() -> None:
    (line,) = shown(node("Improve the homepage", depth=1, progress=0.62, pace=0.05))
    assert line.startswith("  Improve the homepage ")
    assert "██████░░░░  62%    +5" in line
    assert line.endswith("7b8b92d3  team:team-web")


def test_what_is_not_being_worked_on_says_its_state() -> None:
    given_up, active = shown(
        node("Shut", progress=0.5, pace=-0.1, state="abandoned"),
        node("Open", progress=0.5, pace=-0.1),
    )
    assert given_up.endswith("team:team-web  abandoned")
    assert active.endswith("team:team-web")


def test_an_objective_without_progress_says_so_and_keeps_the_columns() -> None:
    without, behind = shown(
        node("Draft", progress=None, pace=None), node("Late", progress=0.0, pace=-0.574)
    )
    assert "no progress yet" in without
    assert "░░░░░░░░░░   0%   -57" in behind
    assert without.index("7b8b92d3") == behind.index("7b8b92d3")


def test_a_long_title_is_cut_and_a_cut_tree_says_so() -> None:
    line, more = shown(node("x" * 80, progress=1.0, pace=0.4), truncated=True)
    assert "x…  ██████████ 100%" in line
    assert more.startswith("There is more")
