"""Alignment over HTTP: what it allows, and what children make of their parents' progress."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.goals.api.objective_schemas import BulkAlignedShape
from services.goals.persistence import alignments
from tests.integration.goals.conftest import (
    COVERAGE,
    REASON,
    Json,
    Service,
    check_ins,
    objective_body,
    problem,
)


async def align(
    service: Service,
    child: Json,
    parent: Json,
    *,
    key_result: int | None = None,
    kind: str = "contributes",
    weight: float = 1.0,
) -> Json:
    """Align the child as it stands, and give it as it stands then."""
    return await service.lead.done(
        f"/objectives/{child['id']}/align",
        below(parent, key_result=key_result) | {"kind": kind, "weight": weight},
        version=await version(service, child),
    )


def below(parent: Json, *, key_result: int | None = None) -> Json:
    body = {"objective_id": parent["id"]}
    if key_result is not None:
        body["key_result_id"] = parent["key_results"][key_result]["id"]
    return body


async def version(service: Service, objective: Json) -> int:
    found: int = (await shown(service, objective))["version"]
    return found


async def shown(service: Service, objective: Json, **at: str) -> Json:
    found: Json = (await service.reader.get(f"/objectives/{objective['id']}", **at)).json()
    return found


async def at(service: Service, cycle: Json, value: float) -> Json:
    """An active objective whose test coverage went from 70 to `value` on its way to 90."""
    objective = await service.active_objective(cycle)
    await service.lead.done(check_ins(objective), {"value": value}, version=3)
    return objective


async def test_an_objective_is_aligned_and_unaligned(service: Service) -> None:
    cycle = await service.active_cycle()
    parent, child = await service.draft(cycle, COVERAGE), await service.draft(cycle, COVERAGE)
    aligned = await align(service, child, parent, key_result=0, weight=2)
    assert aligned["alignments"] == [
        {
            "objective_id": parent["id"],
            "key_result_id": parent["key_results"][0]["id"],
            "kind": "contributes",
            "weight": 2,
        }
    ]
    path = f"/objectives/{child['id']}/unalign"
    unaligned = await service.lead.done(path, below(parent, key_result=0), version=3)
    assert unaligned["alignments"] == []
    again = await service.lead.post(path, below(parent, key_result=0), version=4)
    assert problem(again) == (409, "not-aligned")
    await align(service, child, parent, key_result=0)  # and back again


async def test_what_cannot_be_a_parent_is_refused(service: Service) -> None:
    cycle = await service.active_cycle()
    later = await service.active_cycle(starts_on="2029-01-01", ends_on="2029-12-31")
    child, parent = await service.draft(cycle, COVERAGE), await service.draft(cycle, COVERAGE)
    apart = await service.draft(later)
    closed = await at(service, cycle, 90)
    await service.lead.done(f"/objectives/{closed['id']}/close", version=4)
    stranger = {"objective_id": str(uuid4())}
    not_its_key_result = {"objective_id": parent["id"], "key_result_id": str(uuid4())}
    for body, refusal in (
        (stranger, (422, "unknown-parent")),
        ({"objective_id": cycle["id"]}, (422, "unknown-parent")),
        (not_its_key_result, (422, "unknown-parent")),
        (below(closed), (409, "parent-closed")),
        (below(apart), (409, "cycles-apart")),
        (below(child), (409, "alignment-circle")),
        ({**below(parent), "weight": -1}, (422, "invalid-request")),
        ({**below(parent), "kind": "blocks"}, (422, "invalid-request")),
    ):
        response = await service.lead.post(f"/objectives/{child['id']}/align", body, version=2)
        assert problem(response) == refusal
    await align(service, child, parent)
    again = await service.lead.post(f"/objectives/{child['id']}/align", below(parent), version=3)
    assert problem(again) == (409, "already-aligned")
    done = await service.lead.post(f"/objectives/{closed['id']}/align", below(parent), version=5)
    assert problem(done) == (409, "objective-state")


async def test_a_circle_is_refused_at_any_length_and_of_either_kind(service: Service) -> None:
    cycle = await service.active_cycle()
    top, middle, bottom = [await service.draft(cycle, COVERAGE) for _ in range(3)]
    await align(service, middle, top, kind="supports")
    await align(service, bottom, middle, key_result=0)
    for parent in (middle, bottom):
        response = await service.lead.post(
            f"/objectives/{top['id']}/align", below(parent), version=2
        )
        assert problem(response) == (409, "alignment-circle")
    # Once the chain is cut, the other way round is no circle.
    path = f"/objectives/{middle['id']}/unalign"
    await service.lead.done(path, below(top), version=3)
    await align(service, top, bottom)


async def test_a_key_result_without_a_value_stands_where_its_children_stand(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    parent = await service.active_objective(cycle, COVERAGE, COVERAGE)
    first, second = await at(service, cycle, 75), await at(service, cycle, 90)
    await align(service, first, parent, key_result=0, weight=3)
    await align(service, second, parent, key_result=0)
    found = await shown(service, parent)
    fed, other = found["key_results"]
    assert (fed["source"], fed["value"], fed["attainment"]) == ("aligned", None, None)
    assert fed["progress"] == pytest.approx((3 * 0.25 + 1.0) / 4)
    assert other["source"] == "computed"
    assert found["progress"] == pytest.approx(fed["progress"] / 2)
    # An answer to a command says the same as a query.
    answered = await service.lead.done(
        f"/objectives/{parent['id']}/key-results", COVERAGE, version=4
    )
    assert answered["key_results"][0]["progress"] == fed["progress"]


async def test_children_join_the_progress_of_their_parent_from_any_depth(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    top = await service.draft(cycle)
    middle = await service.active_objective(cycle)
    bottom = await at(service, cycle, 80)
    await align(service, middle, top)
    await align(service, bottom, middle, key_result=0)
    assert (await shown(service, top))["progress"] == 0.5
    supporting = await at(service, cycle, 90)
    await align(service, supporting, top, kind="supports")
    assert (await shown(service, top))["progress"] == 0.5


async def test_a_progress_names_the_newest_value_that_it_rests_on(service: Service) -> None:
    cycle = await service.active_cycle()
    parent, child = await service.active_objective(cycle), await service.active_objective(cycle)
    await align(service, child, parent, key_result=0)
    before = await shown(service, parent)
    assert (before["source"], before["position"]) == ("computed", None)
    said = await service.lead.done(check_ins(child), {"value": 80}, version=4)
    position = said["key_result"]["position"]
    after = await shown(service, parent)
    [fed] = after["key_results"]
    assert (after["source"], after["position"]) == ("computed", position)
    assert (fed["source"], fed["position"], fed["value"]) == ("aligned", position, None)


async def test_closing_scores_a_key_result_by_the_children_that_feed_it(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    parent = await service.active_objective(cycle)
    await align(service, await at(service, cycle, 86), parent, key_result=0)
    closed = await service.lead.done(f"/objectives/{parent['id']}/close", version=3)
    assert closed["key_results"][0]["score"] == pytest.approx(0.8)
    assert closed["outcome"]["verdict"] == "partial"


async def test_the_past_is_rolled_up_as_it_was(service: Service) -> None:
    cycle = await service.active_cycle()
    parent, child = await service.active_objective(cycle), await at(service, cycle, 75)
    await align(service, child, parent, key_result=0)
    before_check_in = datetime.now(UTC)
    await service.lead.done(check_ins(child), {"value": 80}, version=5)
    before_unaligning = datetime.now(UTC)
    path = f"/objectives/{child['id']}/unalign"
    await service.lead.done(path, below(parent, key_result=0), version=6)

    async def progress(**at: str) -> float:
        found: float = (await shown(service, parent, **at))["progress"]
        return found

    assert await progress() == 0.0
    assert await progress(as_of=before_unaligning.isoformat()) == 0.5
    assert await progress(as_of=before_check_in.isoformat()) == 0.25


async def test_what_is_too_large_to_roll_up_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignments, "MAX_CONTRIBUTORS", 1)
    cycle = await service.active_cycle()
    parent = await service.active_objective(cycle, COVERAGE, COVERAGE)
    await service.lead.done(check_ins(parent, 1), {"value": 80}, version=4)
    for _ in range(2):
        await align(service, await at(service, cycle, 90), parent, key_result=0)
    found = await shown(service, parent)
    assert [each["code"] for each in found["warnings"]] == ["not_rolled_up"]
    assert (found["progress"], found["pace"], found["position"]) == (None, None, None)
    fed, own = found["key_results"]
    assert (fed["source"], fed["progress"], fed["pace"]) == ("aligned", None, None)
    assert (own["source"], own["progress"]) == ("manual", 0.5)
    refused = await service.lead.post(f"/objectives/{parent['id']}/close", version=5)
    assert problem(refused) == (409, "roll-up-too-large")
    await service.lead.done(check_ins(parent, 0), {"value": 90}, version=5)
    closed = await service.lead.done(f"/objectives/{parent['id']}/close", version=6)
    assert closed["outcome"]["score"] == 0.75


async def test_more_ancestors_than_are_checked_are_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignments, "MAX_ANCESTORS", 1)
    cycle = await service.active_cycle()
    chain = [await service.draft(cycle) for _ in range(4)]
    await align(service, chain[1], chain[0])
    await align(service, chain[2], chain[1])
    response = await service.lead.post(
        f"/objectives/{chain[3]['id']}/align", below(chain[2]), version=1
    )
    assert problem(response) == (409, "alignment-depth")


async def test_the_number_of_parents_is_bounded(service: Service) -> None:
    cycle = await service.active_cycle()
    child = await service.draft(cycle)
    for _ in range(20):
        await align(service, child, await service.draft(cycle))
    response = await service.lead.post(
        f"/objectives/{child['id']}/align", below(await service.draft(cycle)), version=21
    )
    assert problem(response) == (409, "too-many-alignments")


async def test_an_objective_serves_several_parents_and_counts_in_each(service: Service) -> None:
    cycle = await service.active_cycle()
    one, other = await service.draft(cycle), await service.active_objective(cycle)
    child = await at(service, cycle, 80)
    await align(service, child, one, weight=2)
    await align(service, child, other, key_result=0)
    await align(service, child, other)  # below the objective and below its key result
    assert len((await shown(service, child))["alignments"]) == 3
    assert (await shown(service, one))["progress"] == 0.5
    assert (await shown(service, other))["progress"] == 0.5


async def test_an_alignment_changes_its_kind_and_weight_in_place(service: Service) -> None:
    cycle = await service.active_cycle()
    parent = await service.draft(cycle)
    first, second = await at(service, cycle, 80), await at(service, cycle, 90)
    await align(service, first, parent)
    await align(service, second, parent)
    assert (await shown(service, parent))["progress"] == 0.75
    before = datetime.now(UTC).isoformat()
    heavier = await align(service, second, parent, weight=3)
    assert [each["weight"] for each in heavier["alignments"]] == [3]
    assert (await shown(service, parent))["progress"] == pytest.approx((0.5 + 3) / 4)
    await align(service, second, parent, kind="supports")
    assert (await shown(service, parent))["progress"] == 0.5
    assert (await shown(service, parent, as_of=before))["progress"] == 0.75
    topics = [each["topic"] for each in (await service.history(second))[-4:]]
    assert topics == ["goals.objective.unaligned", "goals.objective.aligned"] * 2


async def test_an_alignment_moves_from_one_parent_to_another(service: Service) -> None:
    cycle = await service.active_cycle()
    old, new = await service.draft(cycle, COVERAGE), await service.draft(cycle, COVERAGE)
    child = await service.draft(cycle, COVERAGE)
    await align(service, child, old, key_result=0)
    source = {
        "from_objective_id": old["id"],
        "from_key_result_id": old["key_results"][0]["id"],
    }
    target = below(new) | {"kind": "supports"}
    moved = await service.changed(child, "realign", source | target | REASON)
    assert moved["alignments"] == [
        {"objective_id": new["id"], "key_result_id": None, "kind": "supports", "weight": 1}
    ]
    told = (await service.history(child))[-2:]
    assert [each["reason"] for each in told] == [REASON["reason"]] * 2
    for body, refusal in (
        (source | target, (409, "not-aligned")),
        ({"from_objective_id": new["id"]} | below(child), (409, "alignment-circle")),
        (
            {"from_objective_id": new["id"], "objective_id": str(uuid4())},
            (422, "unknown-parent"),
        ),
        (target, (422, "invalid-request")),
    ):
        assert problem(await service.change(child, "realign", body)) == refusal
    # A move that is refused leaves the alignment where it was.
    assert (await shown(service, child))["alignments"] == moved["alignments"]
    nowhere = {"from_objective_id": new["id"]} | below(new) | {"kind": "supports"}
    assert problem(await service.change(child, "realign", nowhere)) == (409, "already-aligned")
    moved = await service.changed(child, "realign", {**nowhere, "kind": "contributes"})
    assert moved["alignments"][0]["kind"] == "contributes"
    within = {"from_objective_id": new["id"]} | below(new, key_result=0)
    moved = await service.changed(child, "realign", within)
    assert moved["alignments"][0]["key_result_id"] == new["key_results"][0]["id"]


async def test_moving_an_alignment_makes_no_circle_through_what_it_leaves(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    top, middle, bottom = [await service.draft(cycle) for _ in range(3)]
    await align(service, middle, top)
    await align(service, bottom, middle)
    refused = await service.change(
        middle, "realign", {"from_objective_id": top["id"]} | below(bottom)
    )
    assert problem(refused) == (409, "alignment-circle")


def entry(child: Json, parent: Json, **changes: object) -> Json:
    """One of many alignments."""
    return {
        "child_id": child["id"],
        "version": child["version"],
        "objective_id": parent["id"],
        **changes,
    }


async def drafts(service: Service, cycle: Json, number: int) -> list[Json]:
    return [await service.draft(cycle) for _ in range(number)]


async def test_a_whole_tree_is_aligned_at_once(service: Service) -> None:
    cycle = await service.active_cycle()
    top, middle, left, right = await drafts(service, cycle, 4)
    body = {
        "alignments": [
            entry(left, middle, weight=2),
            entry(right, middle, kind="supports"),
            entry(right, top),
            entry(middle, top),
        ],
        **REASON,
    }
    response = await service.lead.post("/alignments", body, key="tree")
    assert response.status_code == 200
    answer = response.json()
    assert BulkAlignedShape.model_validate(answer).model_dump(mode="json") == answer
    assert [(each["id"], each["version"]) for each in answer["aligned"]] == [
        (left["id"], 2),
        (right["id"], 3),
        (middle["id"], 2),
    ]
    assert [each["kind"] for each in answer["aligned"][1]["alignments"]] == [
        "supports",
        "contributes",
    ]
    for each in answer["aligned"]:
        assert (await service.shown(each))["alignments"] == each["alignments"]
    (_, told) = await service.history(left)
    assert told["reason"] == REASON["reason"]
    again = await service.lead.post("/alignments", body, key="tree")
    assert again.content == response.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_of_many_alignments_all_are_made_or_none(service: Service) -> None:
    cycle = await service.active_cycle()
    later = await service.active_cycle(starts_on="2029-01-01", ends_on="2029-12-31")
    one, two, three = await drafts(service, cycle, 3)
    apart = await service.draft(later)
    theirs = await service.admin.done(
        "/objectives", objective_body(cycle["id"], owner={"kind": "team", "id": "sales"})
    )
    good = entry(two, one)
    for bad, refusal in (
        (entry(one, two), (409, "alignment-circle")),
        (entry(one, one), (409, "alignment-circle")),
        (entry(three, apart), (409, "cycles-apart")),
        (entry(three, {"id": str(uuid4())}), (422, "unknown-parent")),
        (entry(three, one, key_result_id=str(uuid4())), (422, "unknown-parent")),
        (entry({"id": str(uuid4()), "version": 1}, one), (404, "not-found")),
        (entry({**three, "version": 2}, one), (412, "precondition-failed")),
        (entry({**two, "version": 2}, three), (412, "precondition-failed")),
        (entry(theirs, one), (403, "not-owner")),
        (good, (409, "already-aligned")),
        (entry(three, one, weight=-1), (422, "invalid-request")),
        (entry(three, one, wieght=1), (422, "invalid-request")),
    ):
        for alignments_sent in ([good, bad], [bad, good]):
            response = await service.lead.post("/alignments", {"alignments": alignments_sent})
            assert problem(response) == refusal, bad
    for each in (one, two, three, theirs):
        assert (await service.shown(each))["version"] == 1
    for wrong in ({"alignments": []}, {}, {"alignments": good}):
        response = await service.lead.post("/alignments", wrong)
        assert problem(response) == (422, "invalid-request")


async def test_a_circle_within_the_bulk_or_closed_by_it_is_refused(service: Service) -> None:
    cycle = await service.active_cycle()
    one, two, three, four = await drafts(service, cycle, 4)
    ring = [entry(one, two), entry(two, three), entry(three, one)]
    response = await service.lead.post("/alignments", {"alignments": ring})
    assert problem(response) == (409, "alignment-circle")
    two = await align(service, two, one)
    closing = [entry(one, three), entry(three, four), entry(four, two)]
    response = await service.lead.post("/alignments", {"alignments": closing})
    assert problem(response) == (409, "alignment-circle")
    for each in (one, three, four):
        assert (await service.shown(each))["alignments"] == []
    await service.lead.done("/alignments", {"alignments": closing[:2]})


async def test_a_thousand_alignments_are_made_at_once_and_no_more(service: Service) -> None:
    cycle = await service.active_cycle()
    parents, children = await drafts(service, cycle, 20), await drafts(service, cycle, 50)
    body = {"alignments": [entry(child, parent) for child in children for parent in parents]}
    too_many = {"alignments": [*body["alignments"], entry(parents[0], parents[1])]}
    response = await service.lead.post("/alignments", too_many)
    assert problem(response) == (422, "invalid-request")
    answer = await service.lead.done("/alignments", body)
    assert {each["version"] for each in answer["aligned"]} == {21}
    assert len(answer["aligned"]) == 50
    refused = await service.change(parents[0], "align", below(children[0]))
    assert problem(refused) == (409, "alignment-circle")
    full = await service.change(children[0], "align", below(children[1]))
    assert problem(full) == (409, "too-many-alignments")


async def test_only_what_is_in_a_closed_cycle_is_marked_as_corrected(service: Service) -> None:
    closed, cycle = await service.active_cycle(), await service.active_cycle()
    old, new = await service.draft(closed), await service.draft(cycle)
    parent, other = await drafts(service, cycle, 2)
    await service.moved(closed, "start-scoring", "close")
    body = {"alignments": [entry(old, parent), entry(new, parent), entry(old, other)]}
    refused = await service.lead.post("/alignments", body)
    assert problem(refused) == (409, "cycle-locked")
    await service.lead.done("/alignments", {**body, **REASON})
    assert [each["after_closing"] for each in await service.history(old)] == [False, True, True]
    assert [each["after_closing"] for each in await service.history(new)] == [False, False]


async def test_a_moved_alignment_keeps_its_kind_and_weight_unless_others_are_sent(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    first, second, child = [await service.draft(cycle, COVERAGE) for _ in range(3)]
    below = {"objective_id": first["id"], "kind": "supports", "weight": 3}
    await service.changed(child, "align", below)
    move = {"from_objective_id": first["id"], "objective_id": second["id"]}
    (alignment,) = (await service.changed(child, "realign", move))["alignments"]
    assert (alignment["objective_id"], alignment["kind"]) == (second["id"], "supports")
    assert alignment["weight"] == 3
    back = {"from_objective_id": second["id"], "objective_id": first["id"], "weight": 2}
    (alignment,) = (await service.changed(child, "realign", back))["alignments"]
    assert (alignment["kind"], alignment["weight"]) == ("supports", 2)


async def test_who_answers_for_the_parent_parts_with_an_unwanted_child(service: Service) -> None:
    cycle = await service.active_cycle()
    board = {"kind": "team", "id": "board"}
    parent = await service.admin.done(
        "/objectives", {"cycle_id": cycle["id"], "title": "Be trusted", "owner": board}
    )
    child = await service.draft(cycle, COVERAGE)
    await service.changed(child, "align", {"objective_id": parent["id"], "weight": 1_000_000})
    stranger = service.caller("sid", "goals:read goals:write", teams=["sales"])
    above = service.caller("bea", "goals:read goals:write", teams=["board"])
    ended = {"objective_id": parent["id"], "reason": "It is not ours."}
    refused = await service.change(child, "unalign", ended, by=stranger)
    assert problem(refused) == (403, "not-owner")
    assert (await service.changed(child, "unalign", ended, by=above))["alignments"] == []


async def test_nothing_is_put_below_what_a_closed_cycle_holds(service: Service) -> None:
    cycle, other = await service.active_cycle(), await service.active_cycle()
    parent = await service.active_objective(cycle)
    child = await service.draft(other, COVERAGE)
    await service.moved(cycle, "start-scoring", "close")
    refused = await service.change(child, "align", {"objective_id": parent["id"], **REASON})
    assert problem(refused) == (409, "parent-closed")


async def test_a_refused_bulk_says_which_of_its_alignments_is_at_fault(service: Service) -> None:
    cycle = await service.active_cycle()
    top, one, two = [await service.draft(cycle, COVERAGE) for _ in range(3)]
    alignments = [
        {"child_id": each["id"], "version": each["version"], "objective_id": top["id"]}
        for each in (one, two)
    ]
    circle = {"child_id": top["id"], "version": top["version"], "objective_id": one["id"]}
    refused = await service.lead.post("/alignments", {"alignments": [*alignments, circle]})
    assert problem(refused) == (409, "alignment-circle")
    assert (refused.json()["index"], refused.json()["child_id"]) == (2, top["id"])
    alignments[1]["version"] = 99
    stale = await service.lead.post("/alignments", {"alignments": alignments})
    assert problem(stale) == (412, "precondition-failed")
    assert (stale.json()["index"], stale.json()["child_id"]) == (1, two["id"])
