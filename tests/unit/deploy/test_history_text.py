"""How a person reads an entry of an objective's history."""

from typing import Any

from deploy.local.history_text import entry_text

ENTRY: dict[str, Any] = {
    "version": 7,
    "position": 91,
    "topic": "goals.key_result.target_revised",
    "sentence": "Revised the target of Leads",
    "actor": {"id": "person-03", "kind": "human"},
    "reason": "a market was closed",
    "effective_at": "2026-02-01T00:00:00Z",
    "recorded_at": "2026-02-03T09:15:00Z",
    "changes": [
        {"path": "/key_results/0/target", "before": 140.0, "after": 120.0},
        {"path": "/key_results/0/stretch", "before": None, "after": 130.0},
    ],
}


def test_an_entry_says_who_what_when_why_and_what_changed() -> None:
    assert entry_text(ENTRY).splitlines() == [
        "   7  2026-02-03T09:15:00Z  person-03 (human)",
        "      Revised the target of Leads",
        "      true since 2026-02-01T00:00:00Z",
        "      /key_results/0/target: 140.0 -> 120.0",
        "      /key_results/0/stretch: nothing -> 130.0",
    ]


def test_what_is_not_there_to_say_is_left_out() -> None:
    plain = ENTRY | {"reason": None, "effective_at": ENTRY["recorded_at"], "changes": []}
    assert len(entry_text(plain).splitlines()) == 2
