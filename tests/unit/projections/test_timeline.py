"""Versions of rows: no two alike in a row, one per moment, the same however they came in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.timeline import Ended, Removed, Timeline, Version
from tests.unit.projections.stored_versions import StoredVersions

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_row_holds_until_the_next_one() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    assert timeline.get("a") == "active"
    removed, ended, added = timeline.rewrite(at(5))
    assert (removed, ended) == ([], [])
    assert added == [Version("draft", at(0), at(5)), Version("active", at(5), None)]


def test_an_equal_row_opens_no_version() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "draft", at(5))
    assert timeline.rewrite(at(5)).added == [Version("draft", at(0), None)]


def test_of_one_moment_the_last_row_counts() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    timeline.put("a", "closed", at(5))
    assert timeline.rewrite(at(5)).added == [
        Version("draft", at(0), at(5)),
        Version("closed", at(5), None),
    ]


def test_a_change_undone_within_its_moment_leaves_nothing() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    timeline.put("a", "draft", at(5))
    assert timeline.rewrite(at(5)).added == [Version("draft", at(0), None)]


def test_a_row_can_end_and_begin_again() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "aligned", at(0))
    timeline.put("a", None, at(1))
    assert timeline.get("a") is None
    timeline.put("a", "aligned", at(2))
    assert timeline.rewrite(at(2)).added == [
        Version("aligned", at(0), at(1)),
        Version("aligned", at(2), None),
    ]


def test_the_rewrite_ends_what_held_and_adds_what_followed() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), None)])
    timeline.put("a", "active", at(5))
    assert timeline.rewrite(at(5)) == (
        [],
        [Ended("a", at(0), at(5))],
        [Version("active", at(5), None)],
    )


def test_what_ended_in_the_last_moment_can_be_taken_up_again() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), at(5)), Version("active", at(5), None)])
    timeline.put("a", "draft", at(5))
    removed, ended, added = timeline.rewrite(at(5))
    assert removed == [Removed("a", at(5)), Removed("a", at(0))]
    assert ended == []
    assert added == [Version("draft", at(0), None)]


def test_nothing_is_written_twice_or_for_what_did_not_change() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), None)])
    timeline.put("a", "draft", at(5))
    assert timeline.rewrite(at(5)) == ([], [], [])
    timeline.put("a", "active", at(6))
    timeline.rewrite(at(6))
    assert timeline.rewrite(at(6)) == ([], [], [])


rows_in_moments = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.integers(0, 1), st.sampled_from("kcf")),
    max_size=30,
)


@settings(deadline=None)
@given(rows_in_moments)
def test_versions_do_not_depend_on_how_rows_were_cut_into_batches(
    steps: list[tuple[str | None, int, str]],
) -> None:
    whole: Timeline[str, str] = Timeline()
    stored: StoredVersions[str, str] = StoredVersions()
    memory: Timeline[str, str] = Timeline()
    moment = 0
    for row, passed, cut in steps:
        moment += passed
        whole.put("a", row, at(moment))
        memory.put("a", row, at(moment))
        if cut == "k":
            continue
        stored.write(memory.rewrite(at(moment)), lambda _: "a")
        if cut == "f":  # another process goes on, with nothing in memory
            memory = Timeline()
            memory.load("a", stored.last(at(moment)))
    stored.write(memory.rewrite(at(moment)), lambda _: "a")
    expected: StoredVersions[str, str] = StoredVersions()
    expected.write(whole.rewrite(at(moment)), lambda _: "a")
    assert stored.versions == expected.versions
