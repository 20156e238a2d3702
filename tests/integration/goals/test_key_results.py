"""Key results over HTTP: five types defined, measured each in its way, revised and removed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.goals.api.objective_schemas import ObjectiveShape
from tests.integration.goals.conftest import (
    BUGS,
    COVERAGE,
    LANGUAGES,
    REASON,
    RESPONSIVE,
    UPTIME,
    Json,
    Service,
    objective_body,
    of,
    problem,
)

ALL_TYPES = (COVERAGE, BUGS, UPTIME, LANGUAGES, RESPONSIVE)

REFUSED: list[tuple[Json, str]] = [
    ({**COVERAGE, "target": 70}, "key-result-target"),
    ({**COVERAGE, "target": 60}, "key-result-target"),
    ({**COVERAGE, "target": None}, "key-result-target"),
    ({**COVERAGE, "stretch": 80}, "key-result-target"),
    ({**COVERAGE, "lower": 1}, "key-result-target"),
    ({**BUGS, "stretch": 30}, "key-result-target"),
    ({**BUGS, "target": 50}, "key-result-target"),
    ({**COVERAGE, "type": "maintain"}, "key-result-target"),
    ({**UPTIME, "lower": None}, "key-result-target"),
    ({**UPTIME, "upper": 99}, "key-result-target"),
    ({**UPTIME, "stretch": 100}, "key-result-target"),
    ({**LANGUAGES, "milestones": []}, "key-result-target"),
    ({**LANGUAGES, "milestones": [{"title": "French", "weight": 0}]}, "key-result-target"),
    (
        {
            **LANGUAGES,
            "milestones": [{"id": str(uuid4()), "title": title} for title in "ab"]
            + [{"id": "7c6d5b9e-7d56-4a3e-b9a2-05c9ab7b4a10", "title": "c"}] * 2,
        },
        "key-result-target",
    ),
    ({**RESPONSIVE, "target": 1}, "key-result-target"),
    ({**RESPONSIVE, "milestones": [{"title": "Phones"}]}, "key-result-target"),
    (
        {
            **COVERAGE,
            "phased_targets": [
                {"on": "2026-02-01", "value": 80},
                {"on": "2026-02-01", "value": 85},
            ],
        },
        "key-result-target",
    ),
    (
        {**BUGS, "phased_targets": [{"on": "2030-06-30", "value": 30}]},
        "key-result-target",
    ),
    ({**UPTIME, "phased_targets": [{"on": "2026-02-01", "value": 99}]}, "key-result-target"),
    ({**COVERAGE, "type": "guess"}, "invalid-request"),
    ({name: COVERAGE[name] for name in ("title", "baseline", "target")}, "invalid-request"),
    ({**COVERAGE, "target": "90"}, "invalid-request"),
    ({**COVERAGE, "target": True}, "invalid-request"),
    ({**COVERAGE, "weight": -1}, "invalid-request"),
    ({**COVERAGE, "weight": 1_000_001}, "invalid-request"),
    ({**COVERAGE, "due_on": "soon"}, "invalid-request"),
    ({**COVERAGE, "due_on": 1_767_225_600}, "invalid-request"),
    ({**COVERAGE, "due_on": "9999-12-31"}, "invalid-request"),
    ({**COVERAGE, "unit": "\x00"}, "invalid-request"),
    ({**COVERAGE, "title": ""}, "invalid-request"),
    ({**COVERAGE, "title": "\x1b]0;"}, "invalid-request"),
    ({**COVERAGE, "wieght": 1}, "invalid-request"),
    ({**LANGUAGES, "milestones": [{"title": "French", "done": True}]}, "invalid-request"),
    ({**LANGUAGES, "milestones": [{"title": "x"}] * 51}, "invalid-request"),
    (
        {**COVERAGE, "phased_targets": [{"on": "2026-02-01", "value": 80}] * 61},
        "invalid-request",
    ),
]


async def test_key_results_of_all_types_are_defined(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle(), *ALL_TYPES)
    assert ObjectiveShape.model_validate(drafted).model_dump(mode="json") == drafted
    for given, shown in zip(ALL_TYPES, drafted["key_results"], strict=True):
        told = {name: shown[name] for name in given if name != "milestones"}
        assert told == {name: given[name] for name in told}
        assert (shown["value"], shown["progress"], shown["source"]) == (None, 0, "computed")
        assert (shown["in_band"], shown["attainment"]) == (None, None)
    listed = drafted["key_results"][3]["milestones"]
    assert [(each["title"], each["weight"], each["done"]) for each in listed] == [
        ("French", 1, False),
        ("German", 1, False),
        ("Japanese", 2, False),
    ]
    assert len({each["id"] for each in listed}) == 3
    assert drafted["key_results"][2]["tally"] == {"measured": 0, "in_band": 0}
    assert drafted["key_results"][0]["tally"] is None


async def test_a_key_result_that_nobody_spoke_of_has_not_moved(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    key_result = objective["key_results"][0]
    shown = {name: key_result[name] for name in ("value", "attainment", "progress", "source")}
    assert shown == {"value": None, "attainment": None, "progress": 0.0, "source": "computed"}
    assert 0 < key_result["expected"] < 1
    assert key_result["pace"] == -key_result["expected"]


async def test_a_key_result_is_added(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle(), COVERAGE)
    response = await service.change(drafted, "key-results", BUGS)
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/objectives/{drafted['id']}?version=3"
    assert [each["title"] for each in response.json()["key_results"]] == [
        COVERAGE["title"],
        BUGS["title"],
    ]


async def test_a_key_result_that_makes_no_sense_is_refused(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle)
    for key_result, refusal in REFUSED:
        body = objective_body(cycle["id"], COVERAGE, key_result)
        response = await service.lead.post("/objectives", body)
        assert problem(response) == (422, refusal), key_result
        response = await service.change(drafted, "key-results", key_result)
        assert problem(response) == (422, refusal), key_result
    assert len((await service.reader.get("/objectives")).json()["items"]) == 1
    assert (await service.shown(drafted))["version"] == 1


async def test_the_number_of_key_results_is_bounded(service: Service) -> None:
    cycle = await service.active_cycle()
    body = objective_body(cycle["id"], *[COVERAGE] * 21)
    assert problem(await service.lead.post("/objectives", body)) == (422, "invalid-request")
    full = await service.draft(cycle, *[COVERAGE] * 20)
    response = await service.change(full, "key-results", COVERAGE)
    assert problem(response) == (409, "too-many-key-results")


async def test_a_key_result_is_called_and_counted_otherwise(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), COVERAGE, BUGS)
    await service.changed(objective, of(objective, "check-ins"), {"value": 90})
    step = of(objective, "revise", 1)
    body = {"title": "Bugs", "unit": "bugs", "weight": 0, "due_on": None}
    revised = await service.changed(objective, step, body)
    shown = revised["key_results"][1]
    assert {name: shown[name] for name in body} == body
    assert (shown["target"], shown["stretch"]) == (20, 10)
    assert revised["progress"] == 1.0  # what weighs nothing is shown, but not counted
    assert shown["progress"] == 0.0
    for change, refusal in (
        ({}, (409, "nothing-changes")),
        (body, (409, "nothing-changes")),
        ({"title": None}, (422, "invalid-request")),
        ({"weight": -1}, (422, "invalid-request")),
        ({"weight": "1"}, (422, "invalid-request")),
        ({"target": 15}, (422, "invalid-request")),
    ):
        assert problem(await service.change(objective, step, change)) == refusal
    stranger = await service.change(objective, f"key-results/{uuid4()}/revise", body)
    assert problem(stranger) == (404, "key-result-not-found")


async def test_the_target_of_work_that_has_begun_moves_with_a_reason(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    step = of(drafted, "retarget")
    await service.changed(drafted, step, {"target": 95})
    await service.changed(drafted, "activate")
    await service.changed(drafted, of(drafted, "check-ins"), {"value": 80})
    refused = await service.change(drafted, step, {"target": 110, "baseline": 60})
    assert problem(refused) == (422, "reason-required")
    body = {"target": 100, "baseline": 60, "stretch": 120, **REASON}
    shown = (await service.changed(drafted, step, body))["key_results"][0]
    assert (shown["baseline"], shown["target"], shown["stretch"]) == (60, 100, 120)
    assert (shown["value"], shown["progress"]) == (80, 0.5)
    entry = (await service.history(drafted))[-1]
    assert entry["reason"] == REASON["reason"]
    assert "increase from 60 to 100 % (was: increase from 70 to 95 %)" in entry["sentence"]
    path = f"/key_results/{shown['id']}/definition"
    changes = {each["path"]: (each["before"], each["after"]) for each in entry["changes"]}
    assert changes[f"{path}/target"] == (95, 100)
    assert changes[f"{path}/baseline"] == (70, 60)
    # The old target stands in the old versions.
    old = await service.shown(drafted, version=4)
    assert old["key_results"][0]["target"] == 95
    for change, refusal in (
        ({"target": 100}, (409, "nothing-changes")),
        ({"target": 50}, (422, "key-result-target")),
        ({"target": None}, (422, "key-result-target")),
        ({"lower": 5}, (422, "key-result-target")),
        ({"unit": "bugs"}, (422, "invalid-request")),
    ):
        assert problem(await service.change(drafted, step, {**change, **REASON})) == refusal
    # Without the stretch again: what is sent as null is taken away.
    shown = (await service.changed(drafted, step, {"stretch": None, **REASON}))["key_results"][0]
    assert (shown["stretch"], shown["target"]) == (None, 100)


async def test_a_type_is_fixed_once_somebody_checked_in(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    step = of(objective, "retarget")
    decrease = {"type": "decrease", "baseline": 40, "target": 20}
    shown = (await service.changed(objective, step, {**decrease, **REASON}))["key_results"][0]
    assert {name: shown[name] for name in decrease} == decrease
    await service.changed(objective, of(objective, "check-ins"), {"value": 30})
    band = {"type": "maintain", "baseline": None, "target": None, "upper": 30}
    refused = await service.change(objective, step, {**band, **REASON})
    assert problem(refused) == (409, "key-result-type-fixed")
    assert refused.json()["key_result_type"] == "decrease"


async def test_a_checklist_keeps_what_is_done_of_what_it_keeps(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), LANGUAGES)
    french, german, _ = objective["key_results"][0]["milestones"]
    done = {"milestones_done": [french["id"], german["id"]]}
    answer = await service.changed(objective, of(objective, "check-ins"), done)
    assert answer["key_result"]["progress"] == 0.5
    kept = [{"id": french["id"], "title": "Canadian French"}, {"title": "Spanish"}]
    body = {"milestones": kept, **REASON}
    shown = (await service.changed(objective, of(objective, "retarget"), body))["key_results"][0]
    assert [(each["title"], each["done"]) for each in shown["milestones"]] == [
        ("Canadian French", True),
        ("Spanish", False),
    ]
    assert shown["milestones"][0]["id"] == french["id"]
    assert (shown["value"], shown["progress"]) == (0.5, 0.5)
    gone = await service.change(objective, of(objective, "check-ins"), done)
    assert problem(gone) == (422, "milestone-not-found")
    assert german["id"] in gone.json()["detail"]


async def test_a_key_result_is_removed_and_its_history_stays(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE, BUGS, UPTIME)
    first, second, third = (of(drafted, "remove", index) for index in range(3))
    assert len((await service.changed(drafted, first))["key_results"]) == 2
    assert problem(await service.change(drafted, first)) == (404, "key-result-not-found")
    await service.changed(drafted, "activate")
    assert problem(await service.change(drafted, second)) == (422, "reason-required")
    left = await service.changed(drafted, second, REASON)
    assert [each["title"] for each in left["key_results"]] == [UPTIME["title"]]
    assert problem(await service.change(drafted, third, REASON)) == (409, "last-key-result")
    assert "removed the key result “Bugs found" in (await service.history(drafted))[-1]["sentence"]
    assert len((await service.shown(drafted, version=4))["key_results"]) == 3


async def test_a_key_result_that_others_serve_is_not_removed(service: Service) -> None:
    cycle = await service.active_cycle()
    parent = await service.draft(cycle, COVERAGE, BUGS)
    child = await service.draft(cycle, COVERAGE)
    below = {"objective_id": parent["id"], "key_result_id": parent["key_results"][0]["id"]}
    await service.changed(child, "align", below)
    refused = await service.change(parent, of(parent, "remove"))
    assert problem(refused) == (409, "key-result-has-children")
    assert refused.json()["aligned"] == [child["id"]]
    await service.changed(parent, of(parent, "remove", 1))  # the other one is nobody's
    await service.changed(child, "unalign", below)
    await service.changed(parent, of(parent, "remove"))


async def test_what_has_ended_holds_no_key_result_back(service: Service) -> None:
    cycle = await service.active_cycle()
    parent = await service.draft(cycle, COVERAGE, BUGS)
    child = await service.draft(cycle, COVERAGE)
    below = {"objective_id": parent["id"], "key_result_id": parent["key_results"][0]["id"]}
    await service.changed(child, "align", below)
    await service.changed(child, "abandon", REASON)
    left = await service.changed(parent, of(parent, "remove"))
    assert [each["title"] for each in left["key_results"]] == [BUGS["title"]]


async def test_attainment_beyond_the_target_is_stretch(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), BUGS)
    answer = await service.changed(objective, of(objective, "check-ins"), {"value": 10})
    assert answer["key_result"]["attainment"] == 1.5
    assert answer["key_result"]["progress"] == 1.0


async def test_what_is_expected_follows_the_phased_targets(service: Service) -> None:
    phases = [{"on": "2024-01-31", "value": 88}, {"on": "2024-02-29", "value": 89}]
    cycle = await service.active_cycle()
    objective = await service.active_objective(
        cycle, {**COVERAGE, "phased_targets": phases}, COVERAGE
    )
    by_phases, straight = objective["key_results"]
    assert by_phases["phased_targets"] == phases
    assert 0.95 <= by_phases["expected"] < 1
    assert straight["expected"] == objective["expected"] < 0.95
    early = await service.shown(objective)
    body = {"phased_targets": [], **REASON}
    await service.changed(objective, of(objective, "retarget"), body)
    now = await service.shown(objective)
    assert early["key_results"][0]["phased_targets"] == phases
    assert now["key_results"][0]["expected"] == now["key_results"][1]["expected"]


async def test_a_key_result_may_outlive_its_cycle(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), {**COVERAGE, "due_on": "2040-12-31"}, COVERAGE
    )
    later, sooner = objective["key_results"]
    assert later["due_on"] == "2040-12-31"
    assert 0 < later["expected"] < sooner["expected"]


async def test_what_is_due_within_the_cycle_is_expected_by_then(service: Service) -> None:
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    objective = await service.active_objective(
        await service.active_cycle(), {**COVERAGE, "due_on": yesterday}
    )
    assert date.fromisoformat(yesterday) < datetime.now(UTC).date()
    assert objective["key_results"][0]["expected"] == 1.0
    assert objective["key_results"][0]["computed_status"] == "off_track"


async def test_weights_say_how_much_a_key_result_counts(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), COVERAGE, BUGS, {**RESPONSIVE, "weight": 0}
    )
    said: list[dict[str, Any]] = [{"value": 90}, {"value": 40}, {"done": True}]
    for index, each in enumerate(said):
        await service.changed(objective, of(objective, "check-ins", index), each)
    assert (await service.shown(objective))["progress"] == pytest.approx(1 / 4)
