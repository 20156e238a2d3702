import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts import generate
from contracts.documents import write
from contracts.generate import IncompatibleChangeError, documents, history, main
from contracts.json_schema import EVENTS

KIND = "cairn.goals.thing.happened.v1"
FIRST = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def with_optional(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    field = {"type": "string", "default": ""}
    return {**schema, "properties": {**schema["properties"], name: field}}


def publish(root: Path, schema: dict[str, Any]) -> None:
    write(documents(root, {KIND: schema}))


def current(root: Path) -> Any:
    return json.loads((root / "schemas" / f"{KIND}.json").read_text())


def test_the_first_shape_is_published_as_number_one(tmp_path: Path) -> None:
    publish(tmp_path, FIRST)
    assert history(tmp_path, KIND) == [FIRST]
    assert current(tmp_path) == FIRST


def test_a_compatible_shape_is_appended_and_the_old_one_kept(tmp_path: Path) -> None:
    shapes = [FIRST]
    for name in "bcdefghijk":
        shapes.append(with_optional(name, shapes[-1]))
    for schema in shapes:
        publish(tmp_path, schema)
    assert history(tmp_path, KIND) == shapes
    assert current(tmp_path) == shapes[-1]


def test_better_words_change_the_current_document_and_add_nothing_to_the_history(
    tmp_path: Path,
) -> None:
    publish(tmp_path, FIRST)
    publish(tmp_path, {**FIRST, "description": "Said better."})
    assert history(tmp_path, KIND) == [FIRST]
    assert current(tmp_path)["description"] == "Said better."


def test_a_shape_is_held_against_every_version_and_not_only_the_last(tmp_path: Path) -> None:
    publish(tmp_path, with_optional("b", FIRST))
    # As if somebody had slipped a break past the generator.
    slipped = tmp_path / "schemas" / "published" / KIND / "2.json"
    slipped.write_text(json.dumps(FIRST))
    with pytest.raises(IncompatibleChangeError, match=r"1\.json: b: was removed"):
        documents(tmp_path, {KIND: FIRST})


def test_a_published_type_cannot_be_withdrawn(tmp_path: Path) -> None:
    publish(tmp_path, FIRST)
    with pytest.raises(IncompatibleChangeError, match=f"{KIND} was published and is gone"):
        documents(tmp_path, {})


def test_generating_twice_gives_the_same_files_and_the_check_agrees(tmp_path: Path) -> None:
    assert main([], root=tmp_path) == 0
    once = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert len(once) == 2 * len(EVENTS) + 1
    assert main([], root=tmp_path) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == once
    assert main(["--check"], root=tmp_path) == 0


def test_the_check_fails_on_a_changed_file_and_leaves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], root=tmp_path)
    (tmp_path / "asyncapi.json").write_text("{}\n")
    assert main(["--check"], root=tmp_path) == 1
    assert "asyncapi.json (on disk)" in capsys.readouterr().err
    assert (tmp_path / "asyncapi.json").read_text() == "{}\n"


def test_a_break_fails_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], root=tmp_path)
    path = tmp_path / "schemas" / "published" / "cairn.goals.cycle.closed.v1" / "1.json"
    older = json.loads(path.read_text())
    older["properties"]["closed_by"] = {"type": "string"}
    path.write_text(json.dumps(older))
    (tmp_path / "asyncapi.json").unlink()
    assert main([], root=tmp_path) == 1
    assert "cairn.goals.cycle.closed.v1/1.json: closed_by: was removed" in capsys.readouterr().err
    assert not (tmp_path / "asyncapi.json").exists()


def test_the_command_ends_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(generate.__file__, run_name="__main__")
    assert end.value.code == 0
