"""Scores over HTTP: computed or set with a reason, set anew, and what was learned."""

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
    of,
    problem,
)

LEARNED: Json = {
    "worked": "Pairing.",
    "did_not_work": "Testing on Fridays.",
    "carry_on": "The new suite.",
}


def override(objective: Json, score: float, index: int = 0) -> Json:
    key_result_id = objective["key_results"][index]["id"]
    return {"key_result_id": key_result_id, "score": score, "reason": "A fair helped."}


async def test_closing_scores_the_objective(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle, COVERAGE, BUGS, ambition="aspirational")
    await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    await service.changed(objective, of(objective, "check-ins", 1), {"value": 24})
    closed = await service.changed(objective, "close")
    assert closed["state"] == "closed"
    assert [each["score"] for each in closed["key_results"]] == [0.5, 0.8]
    assert [each["computed_score"] for each in closed["key_results"]] == [0.5, 0.8]
    assert closed["outcome"] == {"score": pytest.approx((0.5 + 3 * 0.8) / 4), "verdict": "achieved"}
    assert ObjectiveShape.model_validate(closed).model_dump(mode="json") == closed
    assert await service.shown(objective) == closed


async def test_key_results_of_all_types_are_scored(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), UPTIME, LANGUAGES, RESPONSIVE, COVERAGE
    )
    japanese = objective["key_results"][1]["milestones"][2]["id"]
    said: list[tuple[int, dict[str, Any]]] = [
        (0, {"value": 99.995}),
        (0, {"value": 99.5}),
        (0, {"value": 99.99}),
        (0, {"value": 100}),
        (1, {"milestones_done": [japanese]}),
        (2, {"done": True}),
        (3, {"value": 120}),
    ]
    for index, each in said:
        await service.changed(objective, of(objective, "check-ins", index), each)
    closed = await service.changed(objective, "close")
    assert [each["score"] for each in closed["key_results"]] == [0.75, 0.5, 1.0, 1.0]
    assert closed["outcome"] == {"score": 0.8125, "verdict": "partial"}


@pytest.mark.parametrize(
    ("ambition", "score", "verdict"),
    [
        ("committed", 1.0, "achieved"),
        ("committed", 0.999, "partial"),
        ("committed", 0.4, "partial"),
        ("committed", 0.39, "missed"),
        ("aspirational", 0.7, "achieved"),
        ("aspirational", 0.69, "partial"),
        ("aspirational", 0.0, "missed"),
    ],
)
async def test_the_verdict_goes_by_the_ambition(
    service: Service, ambition: str, score: float, verdict: str
) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle, ambition=ambition)
    body = {"overrides": [override(objective, score)]}
    closed = await service.changed(objective, "close", body)
    assert closed["outcome"] == {"score": score, "verdict": verdict}


async def test_a_score_is_set_by_hand_with_a_reason(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), COVERAGE, BUGS)
    await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    body = {"overrides": [override(objective, 1.0)], "retrospective": LEARNED, **REASON}
    closed = await service.changed(objective, "close", body)
    first, second = closed["key_results"]
    assert (first["score"], first["computed_score"]) == (1.0, 0.5)
    assert first["score_reason"] == "A fair helped."
    assert (second["score"], second["computed_score"], second["score_reason"]) == (0, 0, None)
    assert closed["outcome"]["score"] == 0.25
    assert closed["retrospective"] == LEARNED
    told = [each["sentence"] for each in (await service.history(objective))[-2:]]
    assert "set by hand: 1 instead of 0.5 (A fair helped.)" in told[0]
    assert told[1].startswith("lea wrote down what worked: Pairing.")


async def test_a_score_that_makes_no_sense_is_refused(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    good = override(objective, 0.5)
    wrong: list[tuple[Any, tuple[int, str]]] = [
        ([good, good], (422, "override-refused")),
        ([{**good, "key_result_id": str(uuid4())}], (404, "key-result-not-found")),
        ([{**good, "reason": "  "}], (422, "invalid-request")),
        ([{**good, "reason": ""}], (422, "invalid-request")),
        ([{**good, "score": 1.1}], (422, "invalid-request")),
        ([{**good, "score": -0.1}], (422, "invalid-request")),
        ([{**good, "score": "1"}], (422, "invalid-request")),
        ([{"key_result_id": good["key_result_id"], "score": 1}], (422, "invalid-request")),
        ([good] * 21, (422, "invalid-request")),
        ("all", (422, "invalid-request")),
    ]
    for overrides, refusal in wrong:
        response = await service.change(objective, "close", {"overrides": overrides})
        assert problem(response) == refusal, overrides
    assert (await service.shown(objective))["state"] == "active"


async def test_what_counts_for_nothing_is_not_scored(service: Service) -> None:
    objective = await service.active_objective(
        await service.active_cycle(), {**COVERAGE, "weight": 0}
    )
    assert problem(await service.change(objective, "close")) == (409, "nothing-to-score")


async def test_a_closed_objective_is_scored_anew_with_a_reason(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle(), COVERAGE, BUGS)
    await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    body = {"overrides": [override(objective, 0.9)]}
    assert problem(await service.change(objective, "rescore", {**body, **REASON})) == (
        409,
        "objective-state",
    )
    await service.changed(objective, "close", body)
    assert problem(await service.change(objective, "rescore", body)) == (422, "invalid-request")
    again = await service.change(objective, "rescore", {**body, **REASON})
    assert problem(again) == (409, "nothing-changes")
    # What is not named goes back to what was computed.
    other = {"overrides": [override(objective, 1.0, 1)], **REASON}
    rescored = await service.changed(objective, "rescore", other)
    assert [each["score"] for each in rescored["key_results"]] == [0.5, 1.0]
    assert [each["computed_score"] for each in rescored["key_results"]] == [0.5, 0.0]
    assert rescored["outcome"] == {"score": 0.875, "verdict": "partial"}
    rescored = await service.changed(objective, "rescore", {"overrides": [], **REASON})
    assert [each["score"] for each in rescored["key_results"]] == [0.5, 0.0]
    entry = (await service.history(objective))[-1]
    assert "0.125 instead of 0.875" in entry["sentence"]
    assert entry["reason"] == REASON["reason"]


async def test_what_becomes_of_those_below_does_not_change_a_score(service: Service) -> None:
    cycle = await service.active_cycle()
    parent = await service.active_objective(cycle, COVERAGE, COVERAGE)
    child = await service.active_objective(cycle)
    below = {"objective_id": parent["id"], "key_result_id": parent["key_results"][0]["id"]}
    await service.changed(child, "align", below)
    await service.changed(child, of(child, "check-ins"), {"value": 86})
    await service.changed(parent, "close")
    await service.changed(child, "abandon", REASON)
    body = {"overrides": [override(parent, 0.6, 1)], **REASON}
    rescored = await service.changed(parent, "rescore", body)
    assert [each["score"] for each in rescored["key_results"]] == [0.8, 0.6]


async def test_a_score_of_a_closed_cycle_is_corrected(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.changed(objective, "close")
    await service.moved(cycle, "start-scoring", "close")
    body = {"overrides": [override(objective, 1.0)], **REASON}
    assert (await service.changed(objective, "rescore", body))["outcome"]["score"] == 1.0
    assert (await service.history(objective))[-1]["after_closing"] is True


async def test_what_was_learned_is_written_down_once_there_is_something(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    step = "write-retrospective"
    assert problem(await service.change(drafted, step, LEARNED)) == (409, "objective-state")
    await service.changed(drafted, "activate")
    assert (await service.changed(drafted, step, LEARNED))["retrospective"] == LEARNED
    assert problem(await service.change(drafted, step, LEARNED)) == (409, "nothing-changes")
    await service.changed(drafted, "close")
    rewritten = await service.changed(drafted, step, {"worked": "Everything."})
    assert rewritten["retrospective"] == {
        "worked": "Everything.",
        "did_not_work": "",
        "carry_on": "",
    }
    refused = await service.change(drafted, step, {"learned": "Nothing."})
    assert problem(refused) == (422, "invalid-request")
    gone = await service.active_objective(cycle)
    await service.changed(gone, "abandon", REASON)
    assert (await service.changed(gone, step, LEARNED))["retrospective"] == LEARNED
