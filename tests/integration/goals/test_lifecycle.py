"""An objective's way over HTTP: proposed, approved, at work, put aside, taken up again."""

from typing import Any

import pytest

from tests.integration.goals.conftest import (
    COVERAGE,
    REASON,
    Json,
    Service,
    cycle_body,
    of,
    problem,
)

BOARD: Json = {"kind": "team", "id": "board"}


async def below_the_board(service: Service, cycle: Json) -> Json:
    """A draft of the team `quality` below an objective of the team `board`."""
    goal = await service.admin.done(
        "/objectives", {"cycle_id": cycle["id"], "title": "Be trusted", "owner": BOARD}
    )
    drafted = await service.draft(cycle, COVERAGE)
    return await service.changed(drafted, "align", {"objective_id": goal["id"]})


def topics(history: list[Json]) -> list[str]:
    return [each["topic"].removeprefix("goals.objective.") for each in history]


async def test_an_objective_is_activated_with_key_results_in_an_active_cycle(
    service: Service,
) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    drafted = await service.draft(planned, COVERAGE)
    assert problem(await service.change(drafted, "activate")) == (409, "cycle-not-active")
    await service.moved(planned, "activate")
    active = await service.changed(drafted, "activate")
    assert active["state"] == "active"
    assert active["activated_at"] == active["changed_at"]
    again = await service.change(drafted, "activate")
    assert problem(again) == (409, "objective-state")
    assert again.json()["step"] == "activate"
    assert again.json()["allowed"] == active["allowed"]
    empty = await service.draft(planned)
    for step in ("activate", "propose"):
        assert problem(await service.change(empty, step)) == (409, "no-key-results")


async def test_a_proposal_waits_for_approval_and_stays_as_it_is(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    proposed = await service.changed(drafted, "propose")
    assert (proposed["state"], proposed["approved_at"]) == ("proposed", None)
    assert "approve" in proposed["allowed"]
    assert problem(await service.change(drafted, "activate")) == (409, "not-approved")
    for step, body in (("revise", {"title": "Other"}), ("key-results", COVERAGE)):
        assert problem(await service.change(drafted, step, body)) == (409, "objective-state")


async def test_a_proposal_is_approved_from_above_and_begins_at_once(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await below_the_board(service, cycle)
    await service.changed(drafted, "propose")
    for who in (service.lead, service.caller("sid", "goals:read goals:write", teams=["sales"])):
        refused = await service.change(drafted, "approve", by=who)
        assert problem(refused) == (403, "not-approver")
        assert refused.json()["missing"] == ["team board", "scope goals:admin"]
    above = service.caller("bea", "goals:read goals:write", teams=["board"])
    approved = await service.changed(drafted, "approve", by=above)
    assert approved["state"] == "active"
    assert approved["approved_at"] == approved["activated_at"]
    history = await service.history(drafted)
    assert topics(history)[-3:] == ["proposed", "approved", "activated"]
    assert {each["actor"]["id"] for each in history[-2:]} == {"bea"}


async def test_nobody_approves_a_proposal_of_their_own_from_above(service: Service) -> None:
    cycle = await service.active_cycle()
    own = await service.active_objective(cycle)
    drafted = await service.draft(cycle, COVERAGE)
    await service.changed(drafted, "align", {"objective_id": own["id"]})
    await service.changed(drafted, "propose")
    refused = await service.change(drafted, "approve")
    assert problem(refused) == (403, "not-approver")
    assert refused.json()["missing"] == ["scope goals:admin"]
    taken_back = await service.changed(drafted, "return", {"reason": "It is not ready."})
    assert taken_back["state"] == "draft"


async def test_what_stands_below_nothing_is_approved_by_administrators(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle(), COVERAGE)
    await service.changed(drafted, "propose")
    refused = await service.change(drafted, "approve")
    assert problem(refused) == (403, "not-approver")
    assert refused.json()["missing"] == ["scope goals:admin"]
    approved = await service.changed(drafted, "approve", by=service.admin)
    assert approved["state"] == "active"


async def test_what_is_approved_before_its_cycle_begins_is_activated_later(
    service: Service,
) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    drafted = await service.draft(planned, COVERAGE)
    await service.changed(drafted, "propose")
    approved = await service.changed(drafted, "approve", by=service.admin)
    assert (approved["state"], approved["activated_at"]) == ("proposed", None)
    assert approved["approved_at"] is not None
    again = await service.change(drafted, "approve", by=service.admin)
    assert problem(again) == (409, "already-approved")
    assert problem(await service.change(drafted, "activate")) == (409, "cycle-not-active")
    await service.moved(planned, "activate")
    assert (await service.changed(drafted, "activate"))["state"] == "active"


async def test_a_proposal_is_returned_by_who_approves_or_taken_back_by_its_owner(
    service: Service,
) -> None:
    drafted = await below_the_board(service, await service.active_cycle())
    above = service.caller("bea", "goals:read goals:write", teams=["board"])
    for who in (above, service.lead, service.admin):
        await service.changed(drafted, "propose")
        returned = await service.changed(drafted, "return", REASON, by=who)
        assert (returned["state"], returned["approved_at"]) == ("draft", None)
    await service.changed(drafted, "propose")
    stranger = service.caller("sid", "goals:read goals:write", teams=["sales"])
    refused = await service.change(drafted, "return", REASON, by=stranger)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == ["team quality", "team board", "scope goals:admin"]
    assert problem(await service.change(drafted, "return")) == (422, "invalid-request")
    await service.changed(drafted, "return", REASON)
    again = await service.change(drafted, "return", REASON)
    assert problem(again) == (409, "objective-state")


async def test_an_approval_ends_with_the_proposal(service: Service) -> None:
    planned = await service.admin.done("/cycles", cycle_body())
    drafted = await service.draft(planned, COVERAGE)
    for step in ("return", "postpone", "abandon"):
        await service.changed(drafted, "propose")
        await service.changed(drafted, "approve", by=service.admin)
        gone = await service.changed(drafted, step, REASON)
        assert gone["approved_at"] is None
        if step != "return":
            await service.changed(drafted, "reopen", REASON)


@pytest.mark.parametrize(
    ("step", "state", "refused"),
    [
        ("postpone", "postponed", ["activate", "propose", "postpone", "close"]),
        ("abandon", "abandoned", ["activate", "propose", "postpone", "abandon", "close"]),
    ],
)
async def test_an_objective_is_put_aside_with_a_reason_and_taken_up_again(
    service: Service, step: str, state: str, refused: list[str]
) -> None:
    cycle = await service.active_cycle()
    draft, active = await service.draft(cycle, COVERAGE), await service.active_objective(cycle)
    await service.changed(active, of(active, "check-ins"), {"value": 80})
    for objective, again in ((draft, "draft"), (active, "active")):
        for body in (None, {}, {"reason": ""}, {"reason": " \n "}):
            response = await service.change(objective, step, body)
            assert problem(response) == (422, "invalid-request")
        aside = await service.changed(objective, step, REASON)
        assert aside["state"] == state
        assert aside["ended_at"] == aside["changed_at"]
        for other in refused:
            response = await service.change(objective, other, REASON)
            assert problem(response) == (409, "objective-state")
        response = await service.change(objective, of(objective, "check-ins"), {"value": 1})
        assert problem(response) == (409, "objective-state")
        assert problem(await service.change(objective, "reopen")) == (422, "invalid-request")
        back = await service.changed(objective, "reopen", REASON)
        assert (back["state"], back["ended_at"]) == (again, None)
        entry = (await service.history(objective))[-2]
        assert entry["reason"] == REASON["reason"]
    assert (await service.shown(active))["key_results"][0]["value"] == 80


async def test_what_was_put_aside_stands_where_it_stood(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    aside = await service.changed(objective, "postpone", REASON)
    assert (await service.shown(objective))["expected"] == aside["expected"]
    assert aside["overdue"] is False


async def test_reopening_a_closed_objective_makes_its_score_void(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.changed(objective, of(objective, "check-ins"), {"value": 90})
    closed = await service.changed(objective, "close")
    assert closed["outcome"] == {"score": 1.0, "verdict": "achieved"}
    await service.moved(cycle, "start-scoring")
    reopened = await service.changed(objective, "reopen", REASON)
    assert (reopened["state"], reopened["outcome"], reopened["ended_at"]) == ("active", None, None)
    assert reopened["key_results"][0]["score"] is None
    await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    assert (await service.changed(objective, "close"))["outcome"]["score"] == 0.5


async def test_work_is_not_taken_up_again_in_a_closed_cycle(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.changed(objective, "postpone", REASON)
    await service.moved(cycle, "start-scoring", "close")
    refused = await service.change(objective, "reopen", REASON)
    assert problem(refused) == (409, "cycle-not-active")
    await service.moved(cycle, "reopen")
    assert (await service.changed(objective, "reopen", REASON))["state"] == "active"


async def test_what_changes_in_a_closed_cycle_is_a_correction_with_a_reason(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    active, draft = await service.active_objective(cycle), await service.draft(cycle, COVERAGE)
    await service.moved(cycle, "start-scoring", "close")
    changes: list[tuple[Json, str, dict[str, Any]]] = [
        (active, of(active, "check-ins"), {"value": 80}),
        (active, "revise", {"title": "Fewer bugs"}),
        (active, "close", {}),
        (active, "write-retrospective", {"worked": "Tests."}),
        (draft, "key-results", COVERAGE),
        (draft, "delegate", {"delegates": [BOARD]}),
    ]
    for objective, step, body in changes:
        before = await service.shown(objective)
        refused = await service.change(objective, step, body)
        assert problem(refused) == (409, "cycle-locked")
        assert (await service.shown(objective))["version"] == before["version"]
        await service.changed(objective, step, {**body, **REASON})
        entry = (await service.history(objective))[-1]
        assert entry["after_closing"] is True
        assert entry["sentence"].startswith("After closing: lea ")
    assert (await service.history(active))[0]["after_closing"] is False


async def test_talking_about_it_is_no_correction(service: Service) -> None:
    cycle = await service.active_cycle()
    objective = await service.active_objective(cycle)
    await service.moved(cycle, "start-scoring", "close")
    await service.lead.done(f"/objectives/{objective['id']}/comments", {"text": "A pity."})
    await service.lead.done(f"/objectives/{objective['id']}/acknowledge")
    assert [each["after_closing"] for each in (await service.history(objective))[-2:]] == [
        False,
        False,
    ]
