"""Plans taken in and given out over HTTP, over a real database."""

from typing import Any

import httpx
import pytest

from services.chassis.postgres import connection
from services.goals import queries
from services.goals.api.plan_schemas import ImportedPlanShape
from services.goals.exchange.plan import MAX_PLAN_OBJECTIVES, ExportedPlan
from tests.integration.goals.conftest import (
    COVERAGE,
    Caller,
    Json,
    Service,
    check_ins,
    problem,
)

CYCLE: Json = {
    "name": "2026 Q4",
    "starts_on": "2024-01-01",
    "ends_on": "2028-12-31",
    "cadence": "custom",
    "check_in_rhythm": "biweekly",
}


def plan(*objectives: Json, **changes: Any) -> Json:
    return {"format": "cairn.plan.v1", "cycle": CYCLE, "objectives": list(objectives), **changes}


def objective(key: str, *aligned_to: str, **changes: Any) -> Json:
    return {
        "key": key,
        "title": f"Objective {key}",
        "owner": {"kind": "team", "id": "quality"},
        "aligned_to": [{"objective": each} for each in aligned_to],
        "key_results": [{**COVERAGE, "key": "coverage"}],
        **changes,
    }


async def send_csv(caller: Caller, text: str | bytes, **parameters: Any) -> httpx.Response:
    return await caller._client.post(
        "/v1/plans",
        content=text,
        params=parameters,
        headers={**caller._headers, "Content-Type": "text/csv"},
    )


async def head(service: Service) -> int:
    return await service.goals.log.head()


def findings(response: httpx.Response) -> list[tuple[str, str, Any]]:
    return [
        (each["severity"], each["code"], each["pointer"] or (each["row"], each["field"]))
        for each in response.json()["findings"]
    ]


async def test_a_whole_plan_is_brought_in_by_the_events_of_its_steps(service: Service) -> None:
    # The parent comes later in the plan.
    sent = plan(
        objective("child", "parent"),
        objective("parent", labels=["quality"], delegates=[{"kind": "person", "id": "u-1"}]),
        reason="As agreed.",
    )
    answer = await service.admin.post("/plans", sent)
    assert answer.status_code == 201, answer.text
    imported = answer.json()
    assert ImportedPlanShape.model_validate(imported).model_dump(mode="json") == imported
    assert (imported["created"], imported["already_there"]) == (2, 0)
    assert imported["cycle"]["created"]
    events = (await service.auditor.get("/events")).json()["items"]
    assert [each["type"].split(".", 2)[2] for each in events] == [
        "cycle.planned.v1",
        "objective.drafted.v1",
        "key_result.added.v1",
        "objective.drafted.v1",
        "key_result.added.v1",
        "objective.aligned.v1",
    ]
    contexts = [each["data"]["context"] for each in events]
    assert len({each["command_id"] for each in contexts}) == 1
    assert {each["reason"] for each in contexts} == {"As agreed."}
    child, parent = imported["objectives"]
    shown = (await service.reader.get(f"/objectives/{child['id']}")).json()
    assert [each["objective_id"] for each in shown["alignments"]] == [parent["id"]]


async def test_the_same_plan_makes_nothing_twice(service: Service) -> None:
    sent = plan(objective("child", "parent"), objective("parent"))
    first = (await service.admin.post("/plans", sent)).json()
    end = await head(service)
    again = await service.admin.post("/plans", sent)
    assert again.status_code == 200
    assert (again.json()["created"], again.json()["already_there"]) == (0, 2)
    assert [each["id"] for each in again.json()["objectives"]] == [
        each["id"] for each in first["objectives"]
    ]
    assert await head(service) == end
    # What is new in it is made, below what was there.
    more = plan(objective("child", "parent"), objective("parent"), objective("third", "child"))
    answer = (await service.admin.post("/plans", more)).json()
    assert [each["created"] for each in answer["objectives"]] == [False, False, True]
    third = (await service.reader.get(f"/objectives/{answer['objectives'][2]['id']}")).json()
    assert third["alignments"][0]["objective_id"] == first["objectives"][0]["id"]


async def test_an_idempotency_key_gives_the_first_answer_again(service: Service) -> None:
    sent = plan(objective("one"))
    first = await service.admin.post("/plans", sent, key="plan-1")
    again = await service.admin.post("/plans", sent, key="plan-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await service.admin.post("/plans", plan(objective("two")), key="plan-1")
    assert problem(other) == (422, "idempotency-key-reused")


async def test_a_dry_run_answers_the_same_and_records_nothing(service: Service) -> None:
    sent = plan(objective("child", "parent"), objective("parent"))
    dry = await service.admin.post("/plans?dry_run=true&activate=true", sent)
    assert dry.status_code == 200
    assert await head(service) == 0
    wet = await service.admin.post("/plans?activate=true", sent)
    assert wet.json() == dry.json() | {"dry_run": False}


async def test_objectives_are_activated_where_that_is_allowed(service: Service) -> None:
    cycle = await service.active_cycle()
    sent = plan(objective("ready"), objective("bare", key_results=[]))
    answer = await service.lead.post(f"/plans?activate=true&cycle={cycle['id']}", sent)
    assert answer.status_code == 201, answer.text
    assert [each["state"] for each in answer.json()["objectives"]] == ["active", "draft"]
    assert findings(answer) == [("warning", "no_key_results", "/objectives/1")]


async def test_one_error_keeps_all_of_it_out_and_all_errors_are_told(service: Service) -> None:
    far = await service.active_cycle(name="Far", starts_on="2040-01-01", ends_on="2040-12-31")
    distant = await service.draft(far, COVERAGE)
    end = await head(service)
    sent = plan(
        objective("a", "b"),
        objective("b", "c"),
        objective("c", "a", "nobody", "a"),
        objective("d", title=""),
        objective("e", "d"),
        objective("f", distant["id"]),
        objective("g", aligned_to=[{"objective": "e", "key_result": "none"}, {"objective": "e"}]),
    )
    for path in ("/plans", "/plans?dry_run=true"):
        answer = await service.admin.post(path, sent)
        assert problem(answer) == (422, "plan-refused")
        assert findings(answer) == [
            ("error", "string_too_short", "/objectives/3/title"),
            ("error", "unknown_parent", "/objectives/2/aligned_to/1/objective"),
            ("error", "alignment_circle", "/objectives/2/aligned_to/0"),
            ("error", "alignment_circle", "/objectives/2/aligned_to/2"),
            ("error", "cycles_apart", "/objectives/5/aligned_to/0"),
            ("error", "unknown_parent", "/objectives/6/aligned_to/0"),
        ]
        assert answer.json()["findings_total"] == 6
        assert await head(service) == end


async def test_who_speaks_for_the_owners_may_bring_a_plan_in(service: Service) -> None:
    cycle = await service.active_cycle()
    path = f"/plans?cycle={cycle['id']}"
    others = objective("theirs", owner={"kind": "team", "id": "sales"})
    refused = await service.lead.post(path, plan(objective("ours"), others))
    assert problem(refused) == (403, "plan-not-allowed")
    assert findings(refused) == [("error", "not_owner", "/objectives/1/owner")]
    assert refused.json()["missing"] == ["team sales", "scope goals:admin"]
    wrong = objective("wrong", key_results=[{"title": "x", "type": "maintain"}])
    mixed = await service.lead.post(path, plan(wrong, others))
    assert problem(mixed) == (422, "plan-refused")
    assert (await service.lead.post(path, plan(objective("ours")))).status_code == 201
    planning = await service.lead.post("/plans", plan(objective("ours")))
    assert problem(planning) == (403, "plan-not-allowed")
    assert problem(await service.reader.post(path, plan(others))) == (403, "missing-scope")


async def test_the_cycle_is_found_by_its_name_or_id(service: Service) -> None:
    cycle = await service.active_cycle(name="Ours")
    for unseen in ("%20", "%E2%80%8B", "a%0Ab", ""):
        refused = await service.lead.post(f"/plans?cycle={unseen}", plan(objective("a")))
        assert problem(refused) == (422, "invalid-request")
    by_name = await service.lead.post("/plans?cycle=Ours", plan(objective("a")))
    assert by_name.json()["cycle"] == {"id": cycle["id"], "name": "Ours", "created": False}
    in_plan = await service.lead.post("/plans", plan(objective("b"), cycle={"name": "Ours"}))
    assert in_plan.json()["cycle"]["id"] == cycle["id"]
    await service.active_cycle(name="Ours")
    for wanted, code, pointer in (
        ({"name": "Ours"}, "ambiguous_cycle", "/cycle/name"),
        ({"name": "Nobody's"}, "unknown_cycle", "/cycle/name"),
        ({"id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01"}, "unknown_cycle", "/cycle/id"),
        ({}, "no_cycle", "/cycle"),
        (CYCLE | {"name": "X", "ends_on": "2023-01-01"}, "cycle_dates", "/cycle"),
    ):
        answer = await service.admin.post("/plans", plan(objective("c"), cycle=wanted))
        assert findings(answer) == [("error", code, pointer)], wanted


async def test_a_closed_cycle_is_told_of_once(service: Service) -> None:
    cycle = await service.active_cycle()
    imported = plan(objective("a"), objective("b"))
    assert (await service.admin.post(f"/plans?cycle={cycle['id']}", imported)).is_success
    await service.admin.done(f"/cycles/{cycle['id']}/start-scoring", version=2)
    more = plan(objective("a"), objective("x"), objective("y"))
    answer = await service.admin.post(f"/plans?cycle={cycle['id']}", more)
    assert ("error", "cycle_not_open", "/cycle") in findings(answer)
    assert [each[0] for each in findings(answer)].count("error") == 1
    # What is there already is no reason to refuse.
    again = await service.admin.post(f"/plans?cycle={cycle['id']}", imported)
    assert again.status_code == 200


async def test_an_export_comes_in_again_and_out_the_same(service: Service) -> None:
    cycle = await service.active_cycle(name="First")
    sent = plan(
        objective("parent", labels=["a", "b"], ambition="aspirational", description="=Why"),
        objective(
            "child",
            aligned_to=[
                {"objective": "parent", "key_result": "coverage", "weight": 2},
                {"objective": "parent", "kind": "supports"},
            ],
            key_results=[
                {"title": "Uptime", "type": "maintain", "lower": 99.5, "unit": "%"},
                {
                    "title": "Latency",
                    "type": "decrease",
                    "baseline": 9,
                    "target": 5,
                    "stretch": 4,
                    "phased_targets": [{"on": "2025-01-31", "value": 7}],
                },
                {
                    "title": "Languages",
                    "type": "milestones",
                    "milestones": [{"title": "German", "weight": 2}, {"title": "French"}],
                },
                {"title": "Responsive", "type": "binary", "due_on": "2027-01-01"},
            ],
        ),
    )
    path = f"/plans?activate=true&cycle={cycle['id']}"
    imported = (await service.lead.post(path, sent)).json()
    parent, _ = imported["objectives"]
    shown = (await service.reader.get(f"/objectives/{parent['id']}")).json()
    await service.lead.done(
        check_ins(shown),
        {"value": 80, "confidence": 0.7, "status": "on_track"},
        version=shown["version"],
    )
    exported = await service.reader.get(f"/cycles/{cycle['id']}/export")
    document = exported.json()
    assert ExportedPlan.model_validate(document).model_dump(mode="json") == document
    told = document["objectives"][0]["key_results"][0]
    assert (told["value"], told["progress"], told["confidence"]) == (80, 0.5, 0.7)
    assert document["objectives"][0]["state"] == "active"
    # Its own cycle has all of it.
    again = await service.lead.post("/plans", document)
    assert (again.status_code, again.json()["created"]) == (200, 0), again.text
    in_csv = await service.reader.get(f"/cycles/{cycle['id']}/export", format="csv")
    same = await send_csv(service.lead, in_csv.content)
    assert (same.status_code, same.json()["created"]) == (200, 0), same.text
    # Another cycle gets it anew, by either way.
    outcomes = []
    for name, form in (("Second", "json"), ("Third", "csv")):
        other = await service.active_cycle(name=name)
        response = (
            await service.lead.post(f"/plans?cycle={other['id']}", document)
            if form == "json"
            else await send_csv(service.lead, in_csv.content, cycle=other["id"])
        )
        assert response.status_code == 201, response.text
        copy = (await service.reader.get(f"/cycles/{other['id']}/export")).json()
        outcomes.append(essence(copy))
    assert outcomes == [essence(document)] * 2


def essence(document: Json) -> list[Json]:
    """A plan without what differs between copies: keys, and how things stand."""
    places = {each["key"]: at for at, each in enumerate(document["objectives"])}
    key_results = {
        key_result["key"]: (at, number)
        for at, each in enumerate(document["objectives"])
        for number, key_result in enumerate(each["key_results"])
    }
    dropped = ("key", "state", "progress", "score", "verdict", "value", "confidence", "status")
    return [
        {name: value for name, value in each.items() if name not in dropped}
        | {
            "aligned_to": [
                one
                | {
                    "objective": places[one["objective"]],
                    "key_result": key_results.get(one["key_result"]),
                }
                for one in each["aligned_to"]
            ],
            "key_results": [
                {name: value for name, value in one.items() if name not in dropped}
                for one in each["key_results"]
            ],
        }
        for each in document["objectives"]
    ]


async def test_an_export_is_of_a_moment_if_asked(service: Service) -> None:
    cycle = await service.active_cycle()
    await service.draft(cycle, COVERAGE, title="Before")
    newest = await service.goals.log.at(await head(service))
    assert newest is not None
    assert newest.recorded_at is not None
    await service.draft(cycle, COVERAGE, title="After")
    path = f"/cycles/{cycle['id']}/export"
    then = (await service.reader.get(path, as_of=newest.recorded_at.isoformat())).json()
    now = (await service.reader.get(path)).json()
    assert [each["title"] for each in then["objectives"]] == ["Before"]
    assert [each["title"] for each in now["objectives"]] == ["Before", "After"]


async def test_an_export_rolls_up_what_contributes_from_elsewhere(service: Service) -> None:
    cycle, other = await service.active_cycle(), await service.active_cycle(name="Other")
    parent = await service.active_objective(cycle, {"title": "Sum", "type": "binary"})
    child = await service.active_objective(other, COVERAGE)
    aligned = await service.lead.done(
        f"/objectives/{child['id']}/align",
        {"objective_id": parent["id"], "key_result_id": parent["key_results"][0]["id"]},
        version=child["version"],
    )
    await service.lead.done(check_ins(aligned), {"value": 85}, version=aligned["version"])
    document = (await service.reader.get(f"/cycles/{cycle['id']}/export")).json()
    assert [each["title"] for each in document["objectives"]] == [parent["title"]]
    assert document["objectives"][0]["progress"] == 0.75
    assert document["objectives"][0]["key_results"][0]["progress"] == 0.75


async def test_accept_chooses_the_format_and_the_parameter_goes_before_it(
    service: Service,
) -> None:
    cycle = await service.active_cycle()
    path = f"/cycles/{cycle['id']}/export"
    service.reader._headers["Accept"] = "text/csv"
    assert (await service.reader.get(path)).headers["content-type"].startswith("text/csv")
    named = await service.reader.get(path, format="json")
    assert named.headers["content-type"] == "application/json"
    assert "attachment" in named.headers["content-disposition"]
    del service.reader._headers["Accept"]
    assert (await service.reader.get(path)).headers["content-type"] == "application/json"
    assert problem(await service.reader.get(path, format="xml")) == (422, "invalid-request")
    nowhere = "/cycles/019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01/export"
    assert problem(await service.reader.get(nowhere)) == (404, "not-found")


async def test_an_export_has_its_bound(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_EXPORTED_OBJECTIVES", 1)
    cycle = await service.active_cycle()
    await service.draft(cycle, COVERAGE)
    path = f"/cycles/{cycle['id']}/export"
    assert (await service.reader.get(path)).is_success
    await service.draft(cycle, COVERAGE)
    assert problem(await service.reader.get(path)) == (422, "export-too-large")


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"", "application/json", (422, "invalid-request")),
        (b"{", "application/json", (422, "invalid-request")),
        (
            b'{"format": "cairn.plan.v1", "objectives": [1e309]}',
            "application/json",
            (422, "invalid-request"),
        ),
        (b"[]", "application/json", (422, "plan-refused")),
        (b"<plan/>", "application/xml", (415, "unknown-plan-type")),
        (b"", "text/csv", (422, "plan-refused")),
        ("Größe".encode("latin-1"), "text/csv", (422, "plan-refused")),
        (b"objective_title\nA\0\n", "text/csv", (422, "plan-refused")),
        (b'objective_title\n"A\n', "text/csv", (422, "plan-refused")),
    ],
)
async def test_what_is_no_plan_is_refused_with_a_reason(
    service: Service, content: bytes, media_type: str, expected: tuple[int, str]
) -> None:
    headers = {**service.admin._headers, "Content-Type": media_type}
    answer = await service.admin._client.post("/v1/plans", content=content, headers=headers)
    assert problem(answer) == expected


async def test_findings_of_csv_name_rows_and_columns(service: Service) -> None:
    cycle = await service.active_cycle()
    text = (
        "objective_key,objective_title,owner_kind,owner_id,aligned_to,key_result_title,type,lower\n"
        "a,A,team,quality,b,Uptime,maintain,1\n"
        "b,B,team,quality,a; c,Uptime,maintain,x\n"
        "d,D,team,sales,,Uptime,binary,\n"
    )
    answer = await send_csv(service.lead, text, cycle=cycle["id"])
    assert problem(answer) == (422, "plan-refused")
    assert findings(answer) == [
        ("error", "not_a_number", (3, "lower")),
        ("error", "not_owner", (4, "owner_id")),
    ]
    mended = text.replace(",x\n", ",1\n")
    answer = await send_csv(service.admin, mended, cycle=cycle["id"])
    assert findings(answer) == [
        ("error", "unknown_parent", (3, "aligned_to")),
        ("error", "alignment_circle", (3, "aligned_to")),
    ]


async def test_key_results_are_linked_to_kpis_that_are_known(service: Service) -> None:
    cycle = await service.active_cycle()
    async with connection(service.goals.pool) as lent:
        await lent.execute("INSERT INTO goals.kpi_values (kpi, retired) VALUES ('a.b', false)")
    key_results = [
        {**COVERAGE, "link": {"kpi": "a.b", "reading": "latest"}},
        {**COVERAGE, "link": {"kpi": "no.body"}},
    ]
    answer = await service.lead.post(
        f"/plans?cycle={cycle['id']}", plan(objective("a", key_results=key_results))
    )
    assert answer.status_code == 201, answer.text
    assert findings(answer) == [("warning", "kpi_unknown", "/objectives/0/key_results/1/link")]
    exported = (await service.reader.get(f"/cycles/{cycle['id']}/export")).json()
    links = [each["link"] for each in exported["objectives"][0]["key_results"]]
    assert links == [{"kpi": "a.b", "reading": "latest"}, None]


async def test_as_large_a_plan_as_is_taken_is_brought_in_at_once(service: Service) -> None:
    many = [
        objective(str(number), *([str(number // 2)] if number > 1 else []))
        for number in range(1, MAX_PLAN_OBJECTIVES + 1)
    ]
    answer = await service.admin.post("/plans", plan(*many))
    assert answer.status_code == 201
    assert answer.json()["created"] == MAX_PLAN_OBJECTIVES
    again = await service.admin.post("/plans", plan(*many))
    assert again.json()["already_there"] == MAX_PLAN_OBJECTIVES
    cycle_id = answer.json()["cycle"]["id"]
    exported = await service.reader.get(f"/cycles/{cycle_id}/export")
    assert len(exported.json()["objectives"]) == MAX_PLAN_OBJECTIVES
