"""Progress carried upwards, with numbers worked out by hand and against the plain arithmetic."""

from collections.abc import Collection
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import goals
from contracts.events import PublishedEvent
from contracts.progress import NO_TALLY, Part, aligned_progress, attained, clamp, weighted_mean
from services.projections.okrs.rows import Alignment, KeyResult, Objective, Progress
from tests.unit.projections.goals_log import GoalsLog, named
from tests.unit.projections.okrs.projected import Projected
from tests.unit.projections.random_logs import goals_logs

# A shared machine has no deadline.
on_any_machine = settings(deadline=None)


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    return log


def test_an_objective_is_the_weighted_mean_of_its_key_results(log: GoalsLog) -> None:
    log.objective("grow", {"a": 1.0, "b": 3.0})
    log.check_in("grow", "a", 25.0)
    log.check_in("grow", "b", 75.0)
    assert Projected(log).progress("grow") == 0.625  # (1*0.25 + 3*0.75) / 4


def test_children_join_with_their_weight(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0, "b": 3.0})
    log.objective("team", {"c": 1.0})
    log.align("team", "company", weight=4.0)
    log.check_in("company", "a", 25.0)
    log.check_in("company", "b", 75.0)
    log.check_in("team", "c", 100.0)
    projected = Projected(log)
    assert projected.progress("company") == 0.8125  # (0.25 + 3*0.75 + 4*1.0) / 8
    company = projected.okrs.progress.get(named("company"))
    assert company is not None
    assert company.own_progress == 0.625


def test_a_key_result_without_a_value_stands_where_its_children_stand(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0, "b": 1.0})
    log.objective("one", {"c": 1.0})
    log.objective("two", {"d": 1.0})
    log.align("one", "company", "a", weight=1.0)
    log.align("two", "company", "a", weight=3.0)
    log.check_in("one", "c", 100.0)
    log.check_in("two", "d", 20.0)
    log.check_in("company", "b", 80.0)
    projected = Projected(log)
    fed = projected.okrs.key_result(named("a"))
    assert fed is not None
    assert (fed.progress, fed.source, fed.value, fed.attainment) == (0.4, "aligned", None, None)
    assert projected.progress("company") == pytest.approx(0.6)  # (0.4 + 0.8) / 2

    log.check_in("company", "a", 10.0)
    said = Projected(log).okrs.key_result(named("a"))
    assert said is not None
    assert (said.progress, said.source) == (0.1, "manual")


def test_a_key_result_falls_back_when_its_last_child_leaves(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0})
    log.objective("one", {"c": 1.0})
    log.align("one", "company", "a")
    log.check_in("one", "c", 100.0)
    assert Projected(log).progress("company") == 1.0
    log.unalign("one", "company", "a")
    projected = Projected(log)
    left = projected.okrs.key_result(named("a"))
    assert left is not None
    assert (left.progress, left.source) == (0.0, "computed")
    assert projected.progress("company") == 0.0


def test_a_child_with_several_parents_moves_each_of_them_once(log: GoalsLog) -> None:
    # base feeds left and right, which both feed top: top must see both of them moved.
    for name in ("top", "left", "right", "base"):
        log.objective(name, {f"{name}-kr": 1.0})
    log.align("left", "top")
    log.align("right", "top")
    log.align("base", "left")
    log.align("base", "right", weight=3.0)
    log.check_in("base", "base-kr", 100.0)
    projected = Projected(log)
    assert projected.progress("left") == 0.5  # (0 + 1) / 2
    assert projected.progress("right") == 0.75  # (0 + 3) / 4
    assert projected.progress("top") == pytest.approx(1.25 / 3)
    versions = projected.versions()[Progress, named("top")]
    assert [version.row.progress for version in versions] == [None, 0.0, pytest.approx(1.25 / 3)]


def test_a_draft_does_not_count_until_it_is_activated(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0})
    log.objective("team", {"c": 1.0}, active=False)
    log.align("team", "company")
    log.check_in("company", "a", 100.0)
    assert Projected(log).progress("company") == 1.0
    log.activate("team")
    assert Projected(log).progress("company") == 0.5


@pytest.mark.parametrize(
    "ways_out",
    [
        [goals.ObjectivePostponed],
        [goals.ObjectiveAbandoned],
        [goals.ObjectivePostponed, goals.ObjectiveAbandoned],
    ],
)
def test_a_child_nobody_works_on_any_more_does_not_count(
    log: GoalsLog, ways_out: list[type[PublishedEvent]]
) -> None:
    log.objective("company", {"a": 1.0})
    log.objective("team", {"c": 1.0})
    log.align("team", "company")
    log.check_in("company", "a", 100.0)
    assert Projected(log).progress("company") == 0.5
    for fact in ways_out:
        log.of("team", fact)
    assert Projected(log).progress("company") == 1.0
    log.of("team", goals.ObjectiveReopened, state="draft")
    log.of("team", goals.ObjectiveProposed)
    assert Projected(log).progress("company") == 1.0
    log.activate("team")
    assert Projected(log).progress("company") == 0.5


def test_a_closed_child_still_counts(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0})
    log.objective("team", {"c": 1.0})
    log.align("team", "company")
    log.check_in("team", "c", 100.0)
    log.close("team", {"c": 1.0}, verdict="achieved")
    assert Projected(log).progress("company") == 0.5


def test_who_only_supports_is_not_counted(log: GoalsLog) -> None:
    log.objective("company", {"a": 1.0})
    log.objective("team", {"c": 1.0})
    log.align("team", "company", kind="supports")
    log.check_in("team", "c", 100.0)
    assert Projected(log).progress("company") == 0.0


def test_an_objective_without_key_results_is_what_its_children_are(log: GoalsLog) -> None:
    log.objective("company")
    log.objective("team", {"c": 1.0})
    assert Projected(log).progress("company") is None
    log.align("team", "company")
    log.check_in("team", "c", 30.0)
    assert Projected(log).progress("company") == 0.3


def test_a_weight_of_zero_is_shown_and_not_counted(log: GoalsLog) -> None:
    log.objective("grow", {"a": 0.0, "b": 1.0})
    log.check_in("grow", "a", 100.0)
    log.check_in("grow", "b", 50.0)
    assert Projected(log).progress("grow") == 0.5


def test_a_circle_seen_while_something_is_parked_ends(log: GoalsLog) -> None:
    log.objective("a", {"a-kr": 1.0})
    log.objective("b", {"b-kr": 1.0})
    log.align("a", "b")
    log.align("b", "a")
    log.check_in("a", "a-kr", 50.0)
    assert Projected(log).progress("a") is not None


def test_a_parent_that_is_not_known_yet_is_fed_when_it_comes(log: GoalsLog) -> None:
    """It is parked while its child already says that it contributes to it."""
    log.objective("child", {"kr": 1.0})
    log.align("child", "parent")
    log.check_in("child", "kr", 50.0)
    assert Projected(log).progress("child") == 0.5
    log.objective("parent")
    assert Projected(log).progress("parent") == 0.5


def test_a_deep_chain_is_carried_to_its_top(log: GoalsLog) -> None:
    names = [f"level-{depth}" for depth in range(2_000)]
    for name in names:
        log.objective(name)
    log.key_result(names[-1], "kr")
    for child, parent in zip(names[1:], names, strict=False):
        log.align(child, parent)
    log.check_in(names[-1], "kr", 75.0)
    assert Projected(log).progress(names[0]) == 0.75


def own_value(row: KeyResult) -> float | None:
    """What the key result has attained by its own value, from scratch."""
    if row.value is None:
        return None
    ends = {"baseline": row.baseline, "target": row.target}
    return attained(row.type, row.value, **ends, tally=row.tally or NO_TALLY)


def computed_at_once(rows: Collection[object], objective: Objective) -> float | None:
    """An objective's progress by its definition: from scratch, down to the last descendant."""
    objectives = {row.objective_id: row for row in rows if isinstance(row, Objective)}
    fed: dict[UUID | None, list[Part]] = {}
    for edge in (row for row in rows if isinstance(row, Alignment)):
        child = objectives[edge.child_id]
        if edge.parent_id == objective.objective_id and edge.kind == "contributes" and child.counts:
            part = Part(computed_at_once(rows, child), edge.weight)
            fed.setdefault(edge.parent_key_result_id, []).append(part)
    own = []
    for row in rows:
        if isinstance(row, KeyResult) and row.objective_id == objective.objective_id:
            value, children = own_value(row), fed.get(row.key_result_id, ())
            reached = aligned_progress(children).progress if value is None else clamp(value)
            own.append(Part(reached, row.weight))
    return weighted_mean([*own, *fed.get(None, ())])


@on_any_machine
@given(goals_logs())
def test_moving_step_by_step_gives_what_computing_all_at_once_gives(log: GoalsLog) -> None:
    projected = Projected(log)
    assert not projected.batches[0].parked
    rows = projected.rows().values()
    for row in rows:
        if isinstance(row, Objective):
            assert projected.progress(row.title) == computed_at_once(rows, row)


@on_any_machine
@given(goals_logs(), st.data())
def test_as_of_is_what_a_replay_up_to_then_gives(log: GoalsLog, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([event.time for event in log.events]))
    replayed = Projected([event for event in log.events if event.time <= at])
    assert Projected(log).as_of(at) == replayed.rows()


@on_any_machine
@given(goals_logs(), st.lists(st.integers(0, 60), max_size=4))
def test_versions_do_not_depend_on_how_events_were_cut_into_batches(
    log: GoalsLog, cuts: list[int]
) -> None:
    batches = Projected()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        batches.apply(log.events[start:end])
    assert batches.versions() == Projected(log).versions()


@on_any_machine
@given(goals_logs(), st.lists(st.integers(0, 60), min_size=1, max_size=4))
def test_events_delivered_again_change_nothing(log: GoalsLog, starts: list[int]) -> None:
    again = Projected(log)
    for start in starts:
        again.apply(log.events[start : start + 10])
    assert again.versions() == Projected(log).versions()
