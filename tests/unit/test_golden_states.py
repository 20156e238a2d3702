"""A snapshot tells what the replay tells, also when the code that replays has changed since."""

from pathlib import Path

import pytest

from tests.golden import states
from tests.golden.states import (
    FILE,
    ChangedMeaningError,
    digests,
    read,
    require_same_meaning,
    write,
)


def test_no_event_has_changed_its_meaning_without_a_new_snapshot_version() -> None:
    kept, found = read(FILE), digests()
    require_same_meaning(kept, found)
    assert kept == found, (
        "A state has another structure, or an event is new: `python -m tests.golden.states`."
    )


def test_another_meaning_within_a_shape_is_refused_and_in_another_shape_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "states.json"
    monkeypatch.setattr(states, "digests", lambda: {"pile.1.a": {"stone.added.v1": "x"}})
    write(file)
    monkeypatch.setattr(states, "digests", lambda: {"pile.1.a": {"stone.added.v1": "y"}})
    with pytest.raises(ChangedMeaningError, match="bump the `snapshot_version` of pile"):
        write(file)
    assert read(file) == {"pile.1.a": {"stone.added.v1": "x"}}
    monkeypatch.setattr(states, "digests", lambda: {"pile.2.a": {"stone.added.v1": "y"}})
    write(file)
    assert read(file) == {"pile.2.a": {"stone.added.v1": "y"}}
