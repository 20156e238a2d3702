"""Plans in files: what is sent for them, and how people read what comes back."""

import json
from pathlib import Path

import pytest

from deploy.local.plan_files import finding_lines, imported_lines, plan_body
from deploy.local.service_client import RequestFailedError


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_is_sent_as_what_its_name_says(tmp_path: Path) -> None:
    assert plan_body(file(tmp_path, "q.JSON", "{}"), None) == (b"{}", "application/json")
    assert plan_body(file(tmp_path, "q.csv", "a\n1"), None) == (b"a\n1", "text/csv")


def test_a_file_of_another_tool_goes_with_its_mapping(tmp_path: Path) -> None:
    mapping = file(tmp_path, "m.json", '{"preset": "peoplebox", "delimiter": ";"}')
    body, media_type = plan_body(file(tmp_path, "q.csv", "\ufeffä;b"), mapping)
    assert media_type == "application/json"
    assert json.loads(body) == {
        "format": "cairn.csv.v1",
        "csv": "ä;b",
        "preset": "peoplebox",
        "delimiter": ";",
    }


@pytest.mark.parametrize(
    ("plan", "mapping", "said"),
    [
        (b"\xff\xfe", b"{}", "UTF-8"),
        (b"a", b"{", "not JSON"),
        (b"a", b"[]", "not a JSON object"),
    ],
)
def test_what_cannot_be_sent_is_told_in_plain_words(
    tmp_path: Path, plan: bytes, mapping: bytes, said: str
) -> None:
    with pytest.raises(RequestFailedError, match=said):
        plan_body(file(tmp_path, "q.csv", plan), file(tmp_path, "m.json", mapping))
    with pytest.raises(RequestFailedError, match="No such file"):
        plan_body(tmp_path / "none.csv", None)


def test_findings_are_shown_as_a_table() -> None:
    findings = [
        {
            "severity": "error",
            "row": 3,
            "field": "target",
            "pointer": None,
            "code": "not_a_number",
            "message": "This is a number.",
        },
        {
            "severity": "warning",
            "row": None,
            "field": None,
            "pointer": "/cycle",
            "code": "x",
            "message": "Two\nlines.",
        },
    ]
    assert list(finding_lines(findings)) == [
        "         where          what          why",
        "error    row 3, target  not_a_number  This is a number.",
        "warning  /cycle         x             Two lines.",
    ]
    assert list(finding_lines([])) == []


@pytest.mark.parametrize(
    ("dry_run", "lines"),
    [
        (False, ["In the cycle Q1:", "  id  created, draft  Title (2 key results)"]),
        (
            True,
            ["Would go into the cycle Q1:", "  id  would be created, draft  Title (2 key results)"],
        ),
    ],
)
def test_what_an_import_led_to_is_shown(dry_run: bool, lines: list[str]) -> None:
    objective = {"id": "id", "title": "Title", "state": "draft", "created": True, "key_results": 2}
    answer = {"dry_run": dry_run, "cycle": {"name": "Q1"}, "objectives": [objective]}
    assert list(imported_lines(answer)) == lines
