"""What others wrote can be shown at a terminal without being obeyed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.history_text import entry_text
from deploy.local.printable import lines, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Umsatz +20 % 目標 👩‍💻", "Umsatz +20 % 目標 👩‍💻"),
        ("\x1b]0;pwned\x07", r"\x1b]0;pwned\x07"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b31m\x7f", r"\u009b31m\u007f"),
        ("\u202egpj.exe\u2029", r"\u202egpj.exe\u2029"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_spelt_out(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_a_line_stays_one_line_whatever_it_holds(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert lines(text).count("\n") == text.count("\n")


@given(st.text(st.characters(codec="utf-8")))
def test_json_stays_what_it_was(text: str) -> None:
    document = json.dumps({"title": text}, ensure_ascii=False, indent=2)
    assert json.loads(lines(document)) == {"title": text}


def test_an_entry_of_a_history_has_no_lines_but_its_own() -> None:
    entry = {
        "version": 1,
        "actor": {"id": "a\x1b[31m", "kind": "human"},
        "sentence": "Drafted\n   2  forged",
        "recorded_at": "2026-02-03T09:15:00Z",
        "effective_at": "2026-02-03T09:15:00Z",
        "changes": [],
    }
    shown = entry_text(entry)
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
