from pathlib import Path

import pytest

from contracts.documents import MAX_DIFF_LINES, differences, publish, render, write


def test_rendering_keeps_order_and_letters_and_ends_the_last_line() -> None:
    assert render({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        render({"value": float("nan")})


def test_writing_makes_folders_and_leaves_equal_files_untouched(tmp_path: Path) -> None:
    path = tmp_path / "new" / "document.json"
    write({path: "text\n"})
    assert path.read_text() == "text\n"
    before = path.stat().st_mtime_ns
    write({path: "text\n"})
    assert path.stat().st_mtime_ns == before


def test_a_check_names_what_is_missing_or_stale_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale, missing = tmp_path / "stale.json", tmp_path / "missing.json"
    stale.write_text("old\n")
    assert publish({stale: "new\n", missing: "text\n"}, check=True) == 1
    said = capsys.readouterr().err
    assert f"--- {stale} (on disk)" in said
    assert "-old\n+new\n" in said
    assert f"--- {missing} (missing)" in said
    assert stale.read_text() == "old\n"
    assert not missing.exists()


def test_what_was_published_passes_the_check(tmp_path: Path) -> None:
    documents = {tmp_path / "a.json": "a\n"}
    assert publish(documents, check=False) == 0
    assert publish(documents, check=True) == 0


def test_a_long_difference_is_cut(tmp_path: Path) -> None:
    (difference,) = differences({tmp_path / "long.json": "line\n" * 100})
    lines = difference.splitlines()
    assert len(lines) == MAX_DIFF_LINES + 1
    assert lines[-1] == "... and 83 lines more"
