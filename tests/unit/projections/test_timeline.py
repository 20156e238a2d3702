"""Versions of rows: no two alike in a row, one per moment, the same however they came in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.timeline import Timeline, Version

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_row_holds_until_the_next_one() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    assert timeline.versions("a") == [
        Version("draft", at(0), at(5)),
        Version("active", at(5), None),
    ]
    assert timeline.get("a") == "active"


def test_an_equal_row_opens_no_version() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "draft", at(5))
    assert timeline.versions("a") == [Version("draft", at(0), None)]


def test_of_one_moment_the_last_row_counts() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    timeline.put("a", "closed", at(5))
    assert timeline.versions("a") == [
        Version("draft", at(0), at(5)),
        Version("closed", at(5), None),
    ]


def test_a_change_undone_within_its_moment_leaves_nothing() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "draft", at(0))
    timeline.put("a", "active", at(5))
    timeline.put("a", "draft", at(5))
    assert timeline.versions("a") == [Version("draft", at(0), None)]


def test_a_row_can_end_and_begin_again() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.put("a", "aligned", at(0))
    timeline.put("a", None, at(1))
    assert timeline.get("a") is None
    timeline.put("a", "aligned", at(2))
    assert timeline.versions("a") == [
        Version("aligned", at(0), at(1)),
        Version("aligned", at(2), None),
    ]


def test_the_rewrite_ends_what_held_and_adds_what_followed() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), None)])
    timeline.put("a", "active", at(5))
    rewrite = timeline.rewrite()
    assert rewrite.removed == []
    assert rewrite.ended == [("a", at(0), at(5))]
    assert rewrite.added == [Version("active", at(5), None)]


def test_what_ended_in_the_last_moment_can_be_taken_up_again() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), at(5)), Version("active", at(5), None)])
    timeline.put("a", "draft", at(5))
    rewrite = timeline.rewrite()
    assert sorted(rewrite.removed) == [("a", at(0)), ("a", at(5))]
    assert rewrite.ended == []
    assert rewrite.added == [Version("draft", at(0), None)]


def test_nothing_is_written_for_what_did_not_change() -> None:
    timeline: Timeline[str, str] = Timeline()
    timeline.load("a", [Version("draft", at(0), None)])
    timeline.put("a", "draft", at(5))
    assert timeline.rewrite() == ([], [], [])


class Stored:
    """A table: the versions by key and beginning."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, datetime], Version[str]] = {}

    def write(self, timeline: Timeline[str, str]) -> None:
        removed, ended, added = timeline.rewrite()
        for key, since in removed:
            del self.versions[key, since]
        for key, since, until in ended:
            version = self.versions[key, since]
            assert version.valid_to is None
            self.versions[key, since] = version._replace(valid_to=until)
        for version in added:
            assert ("a", version.valid_from) not in self.versions
            self.versions["a", version.valid_from] = version

    def load(self, since: datetime) -> Timeline[str, str]:
        versions = sorted(self.versions.values(), key=lambda version: version.valid_from)
        timeline: Timeline[str, str] = Timeline()
        timeline.load("a", [v for v in versions if v.valid_to is None or v.valid_to >= since])
        return timeline


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
    stored = Stored()
    memory: Timeline[str, str] = Timeline()
    moment = 0
    for row, passed, cut in steps:
        moment += passed
        whole.put("a", row, at(moment))
        memory.put("a", row, at(moment))
        if cut == "k":
            continue
        stored.write(memory)
        memory.settle(at(moment))
        if cut == "f":  # another process goes on, with nothing in memory
            memory = stored.load(at(moment))
    stored.write(memory)
    expected = {("a", version.valid_from): version for version in whole.versions("a")}
    assert stored.versions == expected
