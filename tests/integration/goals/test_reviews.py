"""Reviews over HTTP: opened by hand, acted on by who may, closed, listed, and told."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.goals.api.history_schemas import HistoryPage
from services.goals.api.review_schemas import ReviewPage, ReviewShape
from tests.integration.goals.conftest import Caller, Json, Service, key_result_path, problem
from tests.integration.goals.metrics_log import KPI, Following, defined, followed_by

BOB = {"kind": "person", "id": "bob"}
QUALITY = {"kind": "team", "id": "quality"}
ACTION: Json = {"title": "Test the order form", "owners": [BOB], "due_on": "2026-02-03"}


@pytest.fixture
def followed(service: Service) -> Following:
    return followed_by(service)


def bob(service: Service) -> Caller:
    return service.caller("bob", "goals:read goals:write")


async def opened(service: Service, **changes: Any) -> Json:
    """A review of an active objective."""
    objective = await service.active_objective(await service.active_cycle())
    body = {"objective_id": objective["id"], "concern": "It does not move.", **changes}
    return await service.lead.done("/reviews", body)


async def with_action(service: Service) -> tuple[Json, str]:
    """A review with one action, and the action's path."""
    review = await opened(service)
    path = f"/reviews/{review['id']}/actions"
    added = await service.lead.done(path, ACTION, version=1)
    return added, f"{path}/{added['actions'][0]['id']}"


async def test_a_review_is_opened_by_hand_and_shown(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    key_result = objective["key_results"][0]["id"]
    body = {
        "objective_id": objective["id"],
        "key_result_id": key_result,
        "concern": "It does not move.",
        "due_on": "2026-02-06",
        "reason": "Asked for on Monday.",
    }
    response = await service.lead.post("/reviews", body)
    assert response.status_code == 201
    review = response.json()
    assert response.headers["location"] == f"/v1/reviews/{review['id']}"
    assert response.headers["etag"] == '"1"'
    assert ReviewShape.model_validate(review).model_dump(mode="json") == review
    assert review["owner"] == QUALITY
    assert (review["key_result_id"], review["kpi"], review["breach"]) == (key_result, None, None)
    assert review["overdue"]
    shown = await service.reader.get(f"/reviews/{review['id']}")
    assert shown.json() == review
    assert shown.headers["cairn-position"] == response.headers["cairn-position"]


async def test_a_review_goes_from_open_to_closed_and_back(service: Service) -> None:
    review, action = await with_action(service)
    path, lead = f"/reviews/{review['id']}", service.lead
    assert review["actions"][0] | ACTION == review["actions"][0]
    assert (review["actions"][0]["state"], review["actions"][0]["overdue"]) == ("open", True)
    await lead.done(f"{path}/find-cause", {"cause": "Nobody had time."}, version=2)
    await lead.done(f"{path}/assign", {"owner": BOB, "due_on": "2999-02-06"}, version=3)
    revised = await lead.done(f"{action}/revise", {"owners": [QUALITY, BOB, QUALITY]}, version=4)
    assert revised["actions"][0]["owners"] == [QUALITY, BOB]
    assert revised["actions"][0]["title"] == ACTION["title"]
    left = await lead.post(f"{path}/close", {"resolution": "Solved."}, version=5)
    assert problem(left) == (409, "actions-left")
    assert left.json()["actions"] == [revised["actions"][0]["id"]]
    await lead.done(f"{action}/move", {"to": "done"}, version=5)
    closed = await lead.done(f"{path}/close", {"resolution": "Solved."}, version=6)
    assert (closed["state"], closed["resolution"], closed["overdue"]) == (
        "closed",
        "Solved.",
        False,
    )
    again = await lead.post(f"{path}/close", {"resolution": "Solved."}, version=7)
    assert problem(again) == (409, "review-state")
    assert again.json()["allowed"] == ["reopen"]
    assert problem(await lead.post(f"{path}/reopen", {}, version=7)) == (422, "invalid-request")
    reopened = await lead.done(f"{path}/reopen", {"reason": "It is back."}, version=7)
    assert (reopened["state"], reopened["owner"], reopened["version"]) == ("open", BOB, 8)


async def test_a_review_is_shown_as_it_was(service: Service) -> None:
    review = await opened(service)
    path = f"/reviews/{review['id']}"
    between = datetime.now(UTC).isoformat()
    await service.lead.done(f"{path}/find-cause", {"cause": "Nobody had time."}, version=1)
    for then in ({"version": 1}, {"as_of": between}):
        assert (await service.reader.get(path, **then)).json() == review
    both = await service.reader.get(path, version=1, as_of=between)
    assert problem(both) == (422, "conflicting-parameters")
    early = await service.reader.get(path, as_of="2020-01-01T00:00:00Z")
    assert problem(early) == (404, "not-found")


async def test_a_review_s_history_is_told(service: Service) -> None:
    review, action = await with_action(service)
    done = {"to": "done", "reason": "Merged."}
    await bob(service).done(f"{action}/move", done, version=2)
    path = f"/reviews/{review['id']}/history"
    page = (await service.reader.get(path)).json()
    assert HistoryPage.model_validate(page).model_dump(mode="json") == page
    assert [each["sentence"] for each in page["items"]] == [
        (
            f"lea opened a review of the objective {review['objective_id']} for the team quality: "
            "It does not move."
        ),
        (
            "lea added the action “Test the order form”, to be done by the person bob, due on "
            "2026-02-03."
        ),
        "bob moved the action “Test the order form” from open to done. Reason: Merged.",
    ]
    assert page["items"][-1]["changes"] == [
        {
            "path": f"/actions/{review['actions'][0]['id']}/state",
            "before": "open",
            "after": "done",
        }
    ]
    first = (await service.reader.get(path, limit=2)).json()
    rest = (await service.reader.get(path, cursor=first["next"])).json()
    assert [*first["items"], *rest["items"]] == page["items"]


async def test_an_action_s_owner_moves_it_and_changes_nothing_else(service: Service) -> None:
    review, action = await with_action(service)
    path = f"/reviews/{review['id']}"
    refused = [
        await bob(service).post(f"{action}/revise", {"title": "Less"}, version=2),
        await bob(service).post(f"{path}/close", {"resolution": "Done."}, version=2),
        await service.caller("eve", "goals:write").post(
            f"{action}/move", {"to": "done"}, version=2
        ),
    ]
    assert [problem(each) for each in refused] == [(403, "not-reviewer")] * 3
    assert refused[0].json()["missing"] == ["team quality", "scope goals:admin"]
    assert refused[2].json()["missing"] == ["team quality", "person bob", "scope goals:admin"]
    moved = await bob(service).done(f"{action}/move", {"to": "in_progress"}, version=2)
    assert moved["actions"][0]["state"] == "in_progress"


async def test_who_answers_for_the_review_or_its_objective_changes_it(service: Service) -> None:
    review = await opened(service, owner=BOB)
    path = f"/reviews/{review['id']}"
    delegate = service.caller("dan", "goals:read goals:write")
    early = await delegate.post(f"{path}/find-cause", {"cause": "A"}, version=1)
    assert problem(early) == (403, "not-reviewer")
    objective = (await service.reader.get(f"/objectives/{review['objective_id']}")).json()
    await service.lead.done(
        f"/objectives/{objective['id']}/delegate",
        {"delegates": [{"kind": "person", "id": "dan"}]},
        version=objective["version"],
    )
    callers = (bob(service), service.lead, delegate, service.admin)
    for version, caller in enumerate(callers, 1):
        await caller.done(f"{path}/find-cause", {"cause": f"Cause {version}"}, version=version)
    reading_only = service.caller("bob", "goals:read")
    refused = await reading_only.post(f"{path}/find-cause", {"cause": "B"}, version=5)
    assert problem(refused) == (403, "missing-scope")
    nobody = await service.stranger().post(f"{path}/find-cause", {"cause": "B"}, version=5)
    assert nobody.status_code == 401


async def test_who_does_not_answer_for_it_opens_no_review(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    body = {"objective_id": objective["id"], "concern": "It does not move.", "owner": BOB}
    assert problem(await bob(service).post("/reviews", body)) == (403, "not-reviewer")


async def test_the_same_is_reviewed_once_at_a_time(service: Service) -> None:
    review = await opened(service)
    body = {"objective_id": review["objective_id"], "concern": "Again."}
    twice = await service.lead.post("/reviews", body)
    assert problem(twice) == (409, "review-already-open")
    assert twice.json()["review_id"] == review["id"]
    path = f"/reviews/{review['id']}"
    await service.lead.done(f"{path}/close", {"resolution": "Solved."}, version=1)
    second = await service.lead.done("/reviews", body)
    reopening = await service.lead.post(f"{path}/reopen", {"reason": "Not solved."}, version=2)
    assert problem(reopening) == (409, "review-already-open")
    assert reopening.json()["review_id"] == second["id"]


async def test_a_kpi_is_reviewed_by_its_owner(followed: Following) -> None:
    service, body = followed.service, {"kpi": KPI, "concern": "It jumps."}
    assert problem(await service.lead.post("/reviews", body)) == (409, "kpi-unknown")
    await followed.hear(defined())
    assert problem(await bob(service).post("/reviews", body)) == (403, "not-reviewer")
    review = await service.lead.done("/reviews", body)
    assert (review["kpi"], review["objective_id"], review["owner"]) == (KPI, None, QUALITY)


async def test_a_key_result_is_reviewed_with_its_kpi(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    body = {
        "objective_id": objective["id"],
        "key_result_id": objective["key_results"][0]["id"],
        "concern": "It jumps.",
    }
    assert (await followed.service.lead.done("/reviews", body))["kpi"] == KPI


async def test_what_is_not_there_or_has_ended_is_not_reviewed(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    lead, nothing = service.lead, str(uuid4())
    concern = {"concern": "It does not move."}
    unknown = [
        await lead.post("/reviews", {"objective_id": nothing, **concern}),
        await lead.post(
            "/reviews", {"objective_id": objective["id"], "key_result_id": nothing, **concern}
        ),
    ]
    assert [problem(each) for each in unknown] == [(422, "unknown-subject")] * 2
    await lead.done(f"/objectives/{objective['id']}/close", version=3)
    ended = await lead.post("/reviews", {"objective_id": objective["id"], **concern})
    assert problem(ended) == (409, "subject-ended")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"concern": "Of nothing."},
        {"objective_id": str(uuid4()), "kpi": KPI, "concern": "Of two."},
        {"kpi": KPI, "key_result_id": str(uuid4()), "concern": "Of a key result of nothing."},
        {"objective_id": str(uuid4()), "concern": ""},
        {"objective_id": str(uuid4()), "concern": "a\u0000b"},
        {"kpi": "A B", "concern": "Of no key."},
        {"kpi": KPI, "concern": "Misspelt.", "duo_on": "2026-02-06"},
    ],
)
async def test_a_review_that_makes_no_sense_is_refused(service: Service, body: Json) -> None:
    assert problem(await service.lead.post("/reviews", body)) == (422, "invalid-request")


async def test_an_action_has_owners_and_a_title(service: Service) -> None:
    review, action = await with_action(service)
    path = f"/reviews/{review['id']}/actions"
    for body in (ACTION | {"owners": []}, ACTION | {"title": ""}, {"title": "Alone"}):
        assert problem(await service.lead.post(path, body, version=2)) == (422, "invalid-request")
    same = await service.lead.post(f"{action}/move", {"to": "open"}, version=2)
    assert problem(same) == (409, "action-state")
    unchanged = await service.lead.post(f"{action}/revise", {}, version=2)
    assert problem(unchanged) == (409, "nothing-changes")
    missing = await service.lead.post(f"{path}/{uuid4()}/move", {"to": "done"}, version=2)
    assert problem(missing) == (404, "action-not-found")


async def test_a_change_is_made_for_the_version_that_stands(service: Service) -> None:
    review, _ = await with_action(service)
    path, body = f"/reviews/{review['id']}/find-cause", {"cause": "Nobody had time."}
    assert problem(await service.lead.post(path, body)) == (428, "precondition-required")
    assert problem(await service.lead.post(path, body, version=1)) == (412, "precondition-failed")
    nowhere = await service.lead.post(f"/reviews/{uuid4()}/find-cause", body, version=1)
    assert problem(nowhere) == (404, "not-found")


async def test_a_repeated_request_takes_effect_once(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    body = {"objective_id": objective["id"], "concern": "It does not move."}
    first = await service.lead.post("/reviews", body, key="k1")
    second = await service.lead.post("/reviews", body, key="k1")
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    other = await service.lead.post("/reviews", body | {"concern": "Other."}, key="k1")
    assert problem(other) == (422, "idempotency-key-reused")
    path = f"/reviews/{first.json()['id']}/actions"
    added = [await service.lead.post(path, ACTION, version=1, key="k2") for _ in range(2)]
    assert added[0].content == added[1].content
    assert len(added[0].json()["actions"]) == 1


async def test_reviews_are_listed_in_pages_and_by_what_they_are(followed: Following) -> None:
    service = followed.service
    await followed.hear(defined())
    first = await opened(service, due_on="2026-02-06")
    second = await opened(service, owner=BOB, due_on="2999-02-06")
    third = await service.lead.done("/reviews", {"kpi": KPI, "concern": "It jumps."})
    await service.lead.done(f"/reviews/{first['id']}/find-cause", {"cause": "Time"}, version=1)
    await service.lead.done(f"/reviews/{third['id']}/close", {"resolution": "No."}, version=1)

    async def listed(**wanted: Any) -> list[str]:
        page = (await service.reader.get("/reviews", **wanted)).json()
        assert ReviewPage.model_validate(page).model_dump(mode="json") == page
        return [each["id"] for each in page["items"]]

    one, two, three = first["id"], second["id"], third["id"]
    assert await listed() == [one, two, three]
    assert await listed(state="open") == [one, two]
    assert await listed(objective=second["objective_id"]) == [two]
    assert await listed(kpi=KPI) == [three]
    assert await listed(owner="person:bob") == [two]
    assert await listed(due_before="2026-02-07") == [one]
    assert await listed(due_before="2026-02-06") == []
    assert await listed(overdue="true") == [one]
    assert await listed(overdue="true", state="closed") == []
    page = (await service.reader.get("/reviews", limit=2)).json()
    assert await listed(cursor=page["next"]) == [three]
    items = {each["id"]: each for each in (await service.reader.get("/reviews")).json()["items"]}
    assert (items[one]["version"], items[one]["overdue"], items[one]["owner"]) == (2, True, QUALITY)
    assert (items[three]["state"], items[three]["by_breach"]) == ("closed", False)
    assert problem(await service.reader.get("/reviews", overdu="true")) == (422, "invalid-request")
    assert problem(await service.reader.get("/reviews", cursor="x")) == (422, "malformed-cursor")


async def test_opening_waits_for_the_metrics_that_it_names(followed: Following) -> None:
    batch = followed.metrics.say(defined())
    opening = asyncio.create_task(
        followed.service.lead.done(
            "/reviews",
            {"kpi": KPI, "concern": "It jumps."},
            headers={"Cairn-Min-Position": f"metrics:{batch[-1].position}"},
        )
    )
    await followed.apply(batch)
    assert (await opening)["kpi"] == KPI


async def test_a_review_outlives_the_end_of_its_objective(service: Service) -> None:
    review, action = await with_action(service)
    objective = f"/objectives/{review['objective_id']}"
    await service.lead.done(f"{objective}/close", version=3)
    await service.lead.done(f"{action}/move", {"to": "dropped"}, version=2)
    closed = await service.lead.done(
        f"/reviews/{review['id']}/close", {"resolution": "Too late."}, version=3
    )
    assert closed["state"] == "closed"


async def test_two_reviews_of_a_key_result_and_its_objective_stand_beside_each_other(
    service: Service,
) -> None:
    review = await opened(service)
    objective = (await service.reader.get(f"/objectives/{review['objective_id']}")).json()
    body = {
        "objective_id": objective["id"],
        "key_result_id": key_result_path(objective).rpartition("/")[2],
        "concern": "This one most of all.",
    }
    other = await service.lead.done("/reviews", body)
    assert other["id"] != review["id"]
