"""A document read as a plan: everything that is wrong with it is found, each with its place."""

from typing import Any

import pytest

from services.goals.exchange.plan import MAX_PLAN_KEY_RESULTS, MAX_PLAN_OBJECTIVES
from services.goals.exchange.reading import ReadPlan, read_plan
from tests.unit.goals.exchange.plans import document, objective


def found(read: ReadPlan) -> list[tuple[str, str | None]]:
    return [(each.code, each.pointer) for each in read.findings]


def test_a_good_plan_is_read_without_findings() -> None:
    read = read_plan(document(objective(), reason="As agreed."))
    assert read.findings == []
    assert read.reason == "As agreed."
    assert [each.key for each in read.objectives] == ["homepage"]


@pytest.mark.parametrize("sent", [None, 1, "x", [], {}, {"format": "cairn.plan.v2"}])
def test_what_is_no_plan_is_told_so(sent: object) -> None:
    assert found(read_plan(sent)) == [("format", "/format")]


@pytest.mark.parametrize("objectives", [[], "x", {"a": 1}, None])
def test_a_plan_has_objectives(objectives: object) -> None:
    assert found(read_plan(document(objectives=objectives))) == [("no_objectives", "/objectives")]


def test_a_plan_has_its_bounds() -> None:
    many = [objective(key=str(each)) for each in range(MAX_PLAN_OBJECTIVES + 1)]
    assert found(read_plan(document(*many))) == [("too_many", "/objectives")]
    measured = objective(key_results=[{}] * (MAX_PLAN_KEY_RESULTS + 1))
    assert found(read_plan(document(measured))) == [("too_many", "/objectives")]


def test_all_faults_of_a_plan_are_found_at_once() -> None:
    read = read_plan(
        document(
            objective(title="", owner={"kind": "team"}),
            objective(
                key="b",
                key_results=[
                    {"title": "Leads", "type": "increase", "baseline": 1, "target": 1},
                    {"title": "Share", "type": "increase", "baseline": "x", "target": 2},
                ],
            ),
            objective(
                key="c",
                key_results=[
                    {"title": "Leads", "type": "increase", "baseline": 2, "target": 1},
                    {"title": "Uptime", "type": "maintain"},
                    {"title": "Done", "type": "binary", "target": 1},
                    {"title": "Steps", "type": "milestones", "link": {"kpi": "a.b"}},
                ],
            ),
            objective(key="d", sate="draft"),
            objective(key="e"),
            cycle={"id": "x"},
            reson="misspelt",
        )
    )
    assert found(read) == [
        ("extra_forbidden", "/reson"),
        ("uuid_parsing", "/cycle/id"),
        ("string_too_short", "/objectives/0/title"),
        ("missing", "/objectives/0/owner/id"),
        ("float_type", "/objectives/1/key_results/1/baseline"),
        ("key_result_target", "/objectives/2/key_results/0"),
        ("key_result_target", "/objectives/2/key_results/1"),
        ("key_result_target", "/objectives/2/key_results/2"),
        ("key_result_target", "/objectives/2/key_results/3"),
        ("extra_forbidden", "/objectives/3/sate"),
    ]
    assert [each.planned is not None for each in read.objectives] == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("key_result", "code"),
    [
        ({"type": "increase", "baseline": float("inf"), "target": 2}, "finite_number"),
        ({"type": "increase", "baseline": float("nan"), "target": 2}, "finite_number"),
        ({"type": "binary", "title": "a\0b"}, "not_a_line"),
        ({"type": "binary", "link": {"kpi": "a.b"}}, "not_measurable_by_kpi"),
        ({"type": "binary", "weight": -1}, "greater_than_equal"),
    ],
)
def test_a_key_result_is_judged_by_the_rules_of_every_other(
    key_result: dict[str, Any], code: str
) -> None:
    read = read_plan(document(objective(key_results=[{"title": "x", **key_result}])))
    assert [each.code for each in read.findings] == [code]


def test_the_same_key_twice_is_an_error() -> None:
    twice = [{"title": "x", "type": "binary", "key": "2"}, {"title": "y", "type": "binary"}]
    read = read_plan(document(objective(), objective(key_results=[]), objective(key_results=twice)))
    assert found(read) == [
        ("repeated_key", "/objectives/2/key_results/1/key"),
        ("repeated_key", "/objectives/1/key"),
    ]


def test_without_keys_owner_and_title_tell_objectives_apart() -> None:
    nameless = objective()
    del nameless["key"]
    other = {**nameless, "owner": {"kind": "team", "id": "team-shop"}}
    assert found(read_plan(document(nameless, other))) == []
    assert found(read_plan(document(nameless, nameless))) == [("repeated_key", "/objectives/1/key")]


def test_what_is_not_imported_is_told_of() -> None:
    key_results = [
        {"title": "x", "type": "binary", "value": 1, "progress": 1, "status": "on_track"}
    ]
    read = read_plan(document(objective(key_results=key_results)))
    assert [(each.severity, each.code) for each in read.findings] == [
        ("warning", "values_not_imported")
    ]


def test_a_mail_address_as_an_owner_is_warned_of() -> None:
    read = read_plan(document(objective(owner={"kind": "person", "id": "ann@example.org"})))
    assert [(each.severity, each.code, each.pointer) for each in read.findings] == [
        ("warning", "personal_data", "/objectives/0/owner")
    ]


def test_no_message_repeats_what_was_sent() -> None:
    secret = "hunter2"
    read = read_plan(
        document(
            objective(ambition=secret, labels=[secret.upper()], owner={"kind": secret, "id": "x"}),
            cycle={"id": secret, "starts_on": secret},
        )
    )
    assert len(read.findings) == 5
    assert not any(secret in each.message for each in read.findings)
