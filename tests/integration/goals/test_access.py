"""Who may do what, for which version, and how often: what is the same on every route."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.goals.conftest import (
    COVERAGE,
    Json,
    Service,
    check_ins,
    cycle_body,
    objective_body,
    of,
    problem,
)
from tests.integration.goals.documented import Operation, operations


async def written(service: Service) -> list[Operation]:
    """Every documented route that changes something."""
    return [each for each in operations(await service.document()) if each.method != "GET"]


async def test_no_route_answers_strangers_or_tokens_that_do_not_reach(service: Service) -> None:
    stranger, powerless = service.stranger(), service.caller("nil", "kpis:read")
    for each in operations(await service.document()):
        path, options = each.at_any(str(uuid4())), {"method": each.method, "version": 1}
        for asked in (path, f"{path}?unheard-of=1"):
            response = await stranger.post(asked, each.body, **options)
            assert problem(response) == (401, "unauthenticated"), each.name
            response = await powerless.post(asked, each.body, **options)
            assert problem(response) == (403, "missing-scope"), each.name
        missing = response.json()["missing_scope"]
        assert missing.startswith(("goals:", "audit:")), each.name
        if each.method != "GET":
            response = await service.reader.post(path, each.body, **options)
            assert problem(response) == (403, "missing-scope"), each.name
    assert problem(await service.lead.get("/events")) == (403, "missing-scope")


async def test_a_change_needs_the_version_it_is_made_for(service: Service) -> None:
    ids = await everything(service)
    admin = service.admin
    for each in await written(service):
        if not each.versioned or not set(each.parameters) <= set(ids):
            continue
        path, body, options = each.at(ids), each.body, {"method": each.method}
        response = await admin.post(path, body, **options)
        assert problem(response) == (428, "precondition-required"), each.name
        response = await admin.post(path, body, version=99, **options)
        assert problem(response) == (412, "precondition-failed"), each.name
        weak = await admin.post(path, body, headers={"If-Match": 'W/"3"'}, **options)
        assert problem(weak) == (412, "precondition-failed"), each.name
        garbled = await admin.post(path, body, headers={"If-Match": "3"}, **options)
        assert problem(garbled) == (400, "invalid-header"), each.name


async def test_what_is_not_there_is_not_changed(service: Service) -> None:
    for each in await written(service):
        if not each.parameters:
            continue
        options = {"method": each.method, "version": 1}
        response = await service.admin.post(each.at_any(str(uuid4())), each.body, **options)
        assert problem(response) == (404, "not-found"), each.name
        response = await service.admin.post(each.at_any("seven"), each.body, **options)
        assert problem(response) == (422, "invalid-request"), each.name


async def test_a_body_with_more_in_it_than_is_asked_for_is_refused(service: Service) -> None:
    for each in await written(service):
        if each.body is None:
            continue
        for more in ({"actor": {"id": "lea", "kind": "human"}}, {"by": "lea"}, {"id": "1"}):
            response = await service.admin.post(
                each.at_any(str(uuid4())), {**each.body, **more}, method=each.method, version=1
            )
            assert problem(response) == (422, "invalid-request"), each.name


async def everything(service: Service) -> dict[str, str]:
    """What is there to be changed, by the names of path parameters."""
    objective = await service.active_objective(await service.active_cycle())
    said = await service.changed(objective, of(objective, "check-ins"), {"value": 75})
    return {
        "cycle_id": objective["cycle_id"],
        "objective_id": objective["id"],
        "key_result_id": objective["key_results"][0]["id"],
        "check_in_id": said["check_in_id"],
    }


async def test_one_kind_of_thing_is_not_taken_for_another(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    cycle_id = objective["cycle_id"]
    wrong = await service.admin.post(f"/objectives/{cycle_id}/activate", version=2)
    assert problem(wrong) == (404, "not-found")
    wrong = await service.admin.post(f"/cycles/{objective['id']}/activate", version=3)
    assert problem(wrong) == (404, "not-found")
    for path in (f"/objectives/{cycle_id}", f"/objectives/{cycle_id}/history"):
        assert problem(await service.reader.get(path)) == (404, "not-found")
    assert problem(await service.reader.get(f"/cycles/{objective['id']}")) == (404, "not-found")


async def test_one_kind_of_thing_is_not_taken_for_another_by_a_fresh_process(
    service: Service, starting: Any
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    async with starting() as fresh:
        wrong = await fresh.admin.post(f"/objectives/{objective['cycle_id']}/close", version=2)
        assert problem(wrong) == (404, "not-found")
        body = objective_body(objective["id"])
        assert problem(await fresh.lead.post("/objectives", body)) == (422, "unknown-cycle")


@pytest.mark.parametrize(
    ("owner", "missing"),
    [
        ({"kind": "team", "id": "sales"}, ["team sales", "scope goals:admin"]),
        ({"kind": "person", "id": "bob"}, ["person bob", "scope goals:admin"]),
        ({"kind": "company", "id": "acme"}, ["scope goals:admin"]),
    ],
)
async def test_an_objective_is_its_owner_s_to_change(
    service: Service, owner: Json, missing: list[str]
) -> None:
    cycle = await service.active_cycle()
    body = objective_body(cycle["id"], COVERAGE, owner=owner)
    refused = await service.lead.post("/objectives", body)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == missing
    drafted = await service.admin.done("/objectives", body)
    refused = await service.lead.post(f"/objectives/{drafted['id']}/activate", version=2)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == missing
    await service.admin.done(f"/objectives/{drafted['id']}/activate", version=2)


async def test_a_person_changes_what_is_theirs(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE, owner={"kind": "person", "id": "lea"})
    await service.lead.done(f"/objectives/{drafted['id']}/activate", version=2)
    namesake = service.caller("gus", "goals:read goals:write", teams=["lea"])
    refused = await service.change(drafted, "close", by=namesake)
    assert problem(refused) == (403, "not-owner")


async def test_delegates_change_everything_but_whose_it_is(service: Service) -> None:
    cycle = await service.active_cycle()
    delegates = [{"kind": "person", "id": "ann"}, {"kind": "team", "id": "shop"}]
    drafted = await service.draft(cycle, COVERAGE, delegates=delegates)
    ann = service.caller("ann", "goals:read goals:write")
    shop = service.caller("sue", "goals:read goals:write", teams=["shop"])
    stranger = service.caller("sid", "goals:read goals:write", teams=["sales"])
    await service.changed(drafted, "revise", {"title": "Fewer bugs"}, by=ann)
    await service.changed(drafted, "activate", by=shop)
    await service.changed(drafted, of(drafted, "check-ins"), {"value": 80}, by=ann)
    refused = await service.change(drafted, "close", by=stranger)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == [
        "team quality",
        "person ann",
        "team shop",
        "scope goals:admin",
    ]
    for step, body in (
        ("reassign", {"owner": {"kind": "person", "id": "ann"}}),
        ("delegate", {"delegates": [{"kind": "person", "id": "sid"}]}),
    ):
        refused = await service.change(drafted, step, body, by=ann)
        assert problem(refused) == (403, "not-owner")
        assert refused.json()["missing"] == ["team quality", "scope goals:admin"]
    await service.changed(drafted, "delegate", {"delegates": []})
    refused = await service.change(drafted, "close", by=ann)
    assert problem(refused) == (403, "not-owner")


async def test_the_company_s_objective_is_changed_by_its_delegates(service: Service) -> None:
    cycle = await service.active_cycle()
    company, board = {"kind": "company", "id": "acme"}, {"kind": "team", "id": "board"}
    body = objective_body(cycle["id"], COVERAGE, owner=company, delegates=[board])
    # Nobody becomes a delegate of the company's by saying so.
    bea = service.caller("bea", "goals:read goals:write", teams=["board"])
    assert problem(await bea.post("/objectives", body)) == (403, "not-owner")
    drafted = await service.admin.done("/objectives", body)
    await service.changed(drafted, "activate", by=bea)
    acme = service.caller("acme", "goals:read goals:write", teams=["acme"])
    refused = await service.change(drafted, "close", by=acme)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == ["team board", "scope goals:admin"]


async def test_nothing_becomes_the_company_s_by_being_given_to_it(service: Service) -> None:
    cycle = await service.active_cycle()
    delegates = [{"kind": "person", "id": "lea"}]
    drafted = await service.draft(cycle, COVERAGE, delegates=delegates)
    company = {"owner": {"kind": "company", "id": "acme"}}
    refused = await service.change(drafted, "reassign", company)
    assert problem(refused) == (403, "not-owner")
    assert refused.json()["missing"] == ["scope goals:admin"]
    assert (await service.shown(drafted))["owner"] == {"kind": "team", "id": "quality"}
    given = await service.changed(drafted, "reassign", company, by=service.admin)
    assert given["owner"] == company["owner"]


async def test_every_step_is_refused_to_who_has_no_right_to_the_objective(
    service: Service,
) -> None:
    ids = await everything(service)
    stranger = service.caller("sid", "goals:read goals:write", teams=["sales"])
    shown = await service.shown({"id": ids["objective_id"]})
    for each in await written(service):
        if not each.versioned or not set(each.parameters) <= set(ids):
            continue
        response = await stranger.post(each.at(ids), each.body, version=shown["version"])
        status, slug = problem(response)
        assert (status, slug) in (
            (403, "not-owner"),
            (403, "not-approver"),
            (403, "admin-required"),
        ), each.name
        assert response.json()["missing"][-1] == "scope goals:admin", each.name
    again = await service.shown({"id": ids["objective_id"]})
    assert again["version"] == shown["version"]


async def test_the_actor_is_the_token_s_subject_whatever_is_sent_beside_it(
    service: Service,
) -> None:
    drafted = await service.draft(await service.active_cycle())
    await service.lead.done(
        f"/objectives/{drafted['id']}/comments",
        {"text": "It was root."},
        headers={"X-Actor": "root", "X-Forwarded-User": "root", "From": "root"},
    )
    assert (await service.history(drafted))[-1]["actor"] == {"id": "lea", "kind": "human"}


async def test_the_same_key_gets_the_first_answer_again(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    first = await service.lead.post(check_ins(objective), {"value": 80}, version=3, key="k1")
    again = await service.lead.post(check_ins(objective), {"value": 80}, version=3, key="k1")
    assert (again.status_code, again.content) == (201, first.content)
    for header in ("etag", "cairn-position", "location"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    shown = (await service.reader.get(f"/objectives/{objective['id']}")).json()
    assert shown["version"] == 4


async def test_the_same_key_with_another_request_is_refused(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    await service.lead.done(check_ins(objective), {"value": 80}, version=3, key="k1")
    for body, version in (({"value": 81}, 3), ({"value": 80}, 4)):
        response = await service.lead.post(check_ins(objective), body, version=version, key="k1")
        assert problem(response) == (422, "idempotency-key-reused")


async def test_a_key_belongs_to_its_caller(service: Service) -> None:
    first = await service.admin.done("/cycles", cycle_body(), key="k1")
    other = service.caller("other", "goals:write goals:admin")
    assert (await other.done("/cycles", cycle_body(), key="k1"))["id"] != first["id"]


async def test_creations_take_a_key_as_well(service: Service) -> None:
    cycle = await service.active_cycle()
    body = objective_body(cycle["id"], COVERAGE)
    ids = {(await service.lead.done("/objectives", body, key="k2"))["id"] for _ in range(2)}
    assert len(ids) == 1


async def test_a_refusal_is_not_kept_under_the_key(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle())
    path = f"/objectives/{drafted['id']}/activate"
    refused = await service.lead.post(path, version=1, key="k3")
    assert problem(refused) == (409, "no-key-results")
    await service.lead.done(f"/objectives/{drafted['id']}/key-results", COVERAGE, version=1)
    assert problem(await service.lead.post(path, version=1, key="k3")) == (
        412,
        "precondition-failed",
    )
    await service.lead.done(path, version=2, key="k3")


async def test_a_body_that_is_no_json_is_refused(service: Service) -> None:
    response = await service.admin.send_text("/cycles", "{")
    assert problem(response) == (422, "invalid-request")
    response = await service.admin.send_text("/cycles", '{"name": "\\ud800"}')
    assert problem(response) == (422, "invalid-request")
    response = await service.admin.send_text("/cycles", "[]")
    assert problem(response) == (422, "invalid-request")


async def test_the_reason_and_the_actor_are_kept(service: Service) -> None:
    robot = service.caller(
        "importer", "goals:write goals:read goals:admin", kind="service", teams=["quality"]
    )
    cycle = await service.active_cycle()
    drafted = await robot.done(
        "/objectives", objective_body(cycle["id"], reason="Moved from the old tool.")
    )
    (entry,) = (await robot.get(f"/objectives/{drafted['id']}/history")).json()["items"]
    assert entry["actor"] == {"id": "importer", "kind": "service"}
    assert entry["reason"] == "Moved from the old tool."
    assert entry["sentence"].endswith("Reason: Moved from the old tool.")
