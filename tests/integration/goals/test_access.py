"""Who may do what, for which version, and how often: what is the same on every route."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.goals.conftest import (
    COVERAGE,
    Json,
    Service,
    check_ins,
    cycle_body,
    key_result_path,
    objective_body,
    problem,
)

CREATIONS: list[tuple[str, Json]] = [
    ("/cycles", cycle_body()),
    ("/objectives", objective_body(uuid4())),
]
CHANGES: list[tuple[Callable[[Json, Json], str], Json | None]] = [
    (lambda cycle, _: f"/cycles/{cycle['id']}/activate", None),
    (lambda cycle, _: f"/cycles/{cycle['id']}/start-scoring", None),
    (lambda cycle, _: f"/cycles/{cycle['id']}/close", None),
    (lambda _, objective: f"/objectives/{objective['id']}/key-results", COVERAGE),
    (
        lambda _, objective: f"/objectives/{objective['id']}/align",
        {"objective_id": str(uuid4())},
    ),
    (
        lambda _, objective: f"/objectives/{objective['id']}/unalign",
        {"objective_id": str(uuid4())},
    ),
    (lambda _, objective: f"/objectives/{objective['id']}/activate", None),
    (lambda _, objective: f"/objectives/{objective['id']}/close", None),
    (lambda _, objective: check_ins(objective), {"value": 80}),
    (lambda _, objective: f"{key_result_path(objective)}/link", {"kpi": "quality.coverage"}),
    (lambda _, objective: f"{key_result_path(objective)}/unlink", None),
]
NAMES = [path({"id": "c"}, {"id": "o", "key_results": [{"id": "k"}]}) for path, _ in CHANGES]
each_change = pytest.mark.parametrize(("path", "body"), CHANGES, ids=NAMES)


async def test_no_route_answers_strangers_or_tokens_that_do_not_reach(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    cycle = {"id": objective["cycle_id"]}
    posts = [*CREATIONS, *((path(cycle, objective), body) for path, body in CHANGES)]
    gets = ["/cycles", f"/cycles/{cycle['id']}", "/objectives", f"/objectives/{objective['id']}"]
    gets += [f"/objectives/{objective['id']}/history", "/events"]
    stranger, powerless = service.stranger(), service.caller("nil", "kpis:read")
    for path, body in posts:
        assert problem(await stranger.post(path, body, version=3)) == (401, "unauthenticated")
        response = await service.reader.post(path, body, version=3)
        assert problem(response) == (403, "missing-scope")
        assert response.json()["missing_scope"] == "goals:write"
    for path in gets:
        assert problem(await stranger.get(path)) == (401, "unauthenticated")
        assert problem(await powerless.get(path)) == (403, "missing-scope")
    assert problem(await service.lead.get("/events")) == (403, "missing-scope")


@each_change
async def test_a_change_needs_the_version_it_is_made_for(
    service: Service, path: Callable[[Json, Json], str], body: Json | None
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    target = path({"id": objective["cycle_id"]}, objective)
    admin = service.admin
    assert problem(await admin.post(target, body)) == (428, "precondition-required")
    assert problem(await admin.post(target, body, version=9)) == (412, "precondition-failed")
    weak = await admin.post(target, body, headers={"If-Match": 'W/"3"'})
    assert problem(weak) == (412, "precondition-failed")
    garbled = await admin.post(target, body, headers={"If-Match": "3"})
    assert problem(garbled) == (400, "invalid-header")


@each_change
async def test_what_is_not_there_is_not_changed(
    service: Service, path: Callable[[Json, Json], str], body: Json | None
) -> None:
    nothing: Any = {"id": str(uuid4()), "key_results": [{"id": str(uuid4())}]}
    response = await service.admin.post(path(nothing, nothing), body, version=1)
    assert problem(response) == (404, "not-found")
    garbled: Any = {"id": "seven", "key_results": [{"id": "eight"}]}
    response = await service.admin.post(path(garbled, garbled), body, version=1)
    assert problem(response) == (422, "invalid-request")


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
