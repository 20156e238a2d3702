"""What is expected of key results, beside the documents that they are kept as."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import orjson
import pytest

from services.projections.alignment_tree.pace import (
    DOCUMENT_SEPARATOR,
    key_results,
    standing,
)
from services.projections.okrs.cycles import term
from services.projections.okrs.rows import Cycle, KeyResult, PhasedTarget
from tests.unit.projections.goals_log import Q1, named

# Ten days, of which the first five are over.
CYCLE = Cycle(
    cycle_id=Q1,
    name="Ten days",
    starts_on=date(2026, 1, 1),
    ends_on=date(2026, 1, 10),
    cadence="custom",
    check_in_rhythm="weekly",
)
HALF_WAY = datetime(2026, 1, 6, tzinfo=UTC)


def document(name: str = "users", **fields: Any) -> str:
    known = {
        "key_result_id": named(name),
        "objective_id": named("grow"),
        "title": name,
        "type": "increase",
        "baseline": 0.0,
        "target": 100.0,
        **fields,
    }
    return msgspec.json.encode(KeyResult(**known)).decode()


def shown(*documents: str, at: datetime | None = HALF_WAY) -> list[dict[str, Any]]:
    now = None if at is None else term(CYCLE.starts_on, CYCLE.ends_on, at)
    fragment = key_results(DOCUMENT_SEPARATOR.join(documents) or None, now)
    found: list[dict[str, Any]] = orjson.loads(orjson.dumps(fragment))
    return found


def test_a_document_is_completed_by_how_the_key_result_stands() -> None:
    whole = document(title='Line\nbreak, "quote" and }', progress=0.3)
    (found,) = shown(whole)
    assert (found.pop("expected"), found.pop("pace")) == (0.5, pytest.approx(-0.2))
    assert found.pop("computed_status") == "at_risk"
    assert found == orjson.loads(whole)


def test_every_key_result_is_completed_and_none_is_fine_as_well() -> None:
    found = shown(document("a", progress=0.5), document("b", progress=0.0))
    assert [(each["title"], each["computed_status"]) for each in found] == [
        ("a", "on_track"),
        ("b", "off_track"),
    ]
    assert shown() == []


def test_a_due_date_says_when_all_is_expected() -> None:
    early, late = shown(document(due_on=date(2026, 1, 5)), document(due_on=date(2026, 1, 20)))
    assert (early["expected"], late["expected"]) == (1.0, 0.25)


def test_phases_say_what_is_expected_on_the_way() -> None:
    phases = (PhasedTarget(date(2026, 1, 5), 20.0), PhasedTarget(date(2026, 1, 7), 90.0))
    (by_the_cycle,) = shown(document(phased_targets=phases, progress=0.2))
    assert (by_the_cycle["expected"], by_the_cycle["pace"]) == (0.2, 0.0)
    (by_its_due_date,) = shown(document(phased_targets=phases, due_on=date(2026, 1, 5)))
    assert by_its_due_date["expected"] == 1.0


def test_without_a_cycle_nothing_is_expected() -> None:
    (found,) = shown(document(progress=0.3), at=None)
    assert (found["expected"], found["pace"], found["computed_status"]) == (None, None, None)


def test_no_progress_has_no_pace() -> None:
    assert standing(None, 0.5) == {"expected": 0.5, "pace": None, "computed_status": None}
