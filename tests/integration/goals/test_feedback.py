"""Feedback over HTTP: anybody who may write comments and takes note, in whatever state it is."""

from typing import Any
from uuid import uuid4

from services.goals.api.feedback_schemas import FeedbackPage
from services.goals.api.objective_schemas import ObjectiveShape
from tests.integration.goals.conftest import COVERAGE, REASON, Json, Service, of, problem


async def feedback(service: Service, objective: Json, **wanted: Any) -> Json:
    response = await service.reader.get(f"/objectives/{objective['id']}/comments", **wanted)
    page: Json = response.json()
    return page


async def test_anybody_who_may_write_comments(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    guest = service.caller("gus", "goals:read goals:write", kind="service")
    path = f"/objectives/{objective['id']}/comments"
    response = await guest.post(path, {"text": "With or without the sale?"})
    assert response.status_code == 201
    commented = response.json()
    assert ObjectiveShape.model_validate(commented).model_dump(mode="json") == commented
    assert response.headers["etag"] == '"4"'
    assert response.headers["location"] == f"/v1/objectives/{objective['id']}?version=4"
    assert (commented["comments"], commented["acknowledgements"]) == (1, 0)
    page = await feedback(service, objective)
    assert FeedbackPage.model_validate(page).model_dump(mode="json") == page
    (item,) = page["items"]
    assert (item["kind"], item["text"]) == ("comment", "With or without the sale?")
    assert item["by"] == {"id": "gus", "kind": "service"}
    assert (item["check_in_id"], item["version"]) == (None, 4)
    assert "gus commented: With or without" in (await service.history(objective))[-1]["sentence"]


async def test_a_check_in_is_commented_and_taken_note_of(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    said = await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    about = {"check_in_id": said["check_in_id"]}
    path = f"/objectives/{objective['id']}"
    await service.lead.done(f"{path}/comments", {"text": "Well done.", **about})
    await service.lead.done(f"{path}/acknowledge", about)
    await service.lead.done(f"{path}/comments", {"text": "And now?"})
    items = (await feedback(service, objective, check_in_id=said["check_in_id"]))["items"]
    assert [(each["kind"], each["text"]) for each in items] == [
        ("comment", "Well done."),
        ("acknowledgement", None),
    ]
    assert len((await feedback(service, objective))["items"]) == 3
    other = await service.active_objective(await service.active_cycle())
    for unknown in (str(uuid4()), said["check_in_id"]):
        for step, body in (("comments", {"text": "Which?"}), ("acknowledge", {})):
            response = await service.lead.post(
                f"/objectives/{other['id']}/{step}", {**body, "check_in_id": unknown}
            )
            assert problem(response) == (404, "check-in-not-found")


async def test_everybody_takes_note_of_a_thing_once(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    said = await service.changed(objective, of(objective, "check-ins"), {"value": 80})
    path = f"/objectives/{objective['id']}/acknowledge"
    for body, version in (
        (None, 5),
        ({}, 5),
        ({"check_in_id": None}, 5),
        ({"check_in_id": said["check_in_id"]}, 6),
        ({"check_in_id": said["check_in_id"]}, 6),
    ):
        response = await service.lead.post(path, body)
        assert response.status_code == 200
        assert response.json()["version"] == version
        assert response.headers["etag"] == f'"{version}"'
    other = service.caller("gus", "goals:write")
    assert (await other.done(path))["acknowledgements"] == 3


async def test_what_has_ended_is_talked_about_as_well(service: Service) -> None:
    cycle = await service.active_cycle()
    draft, gone = await service.draft(cycle, COVERAGE), await service.active_objective(cycle)
    await service.changed(gone, "abandon", REASON)
    await service.moved(cycle, "start-scoring", "close")
    for objective in (draft, gone):
        path = f"/objectives/{objective['id']}"
        await service.lead.done(f"{path}/comments", {"text": "A pity."})
        await service.lead.done(f"{path}/acknowledge")


async def test_feedback_is_listed_in_pages_oldest_first(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}/comments"
    for number in range(5):
        await service.lead.done(path, {"text": f"{number}"})
    first = await feedback(service, objective, limit=3)
    second = await feedback(service, objective, limit=3, cursor=first["next"])
    assert [each["text"] for each in (*first["items"], *second["items"])] == list("01234")
    assert second["next"] is None
    assert problem(await service.reader.get(path, cursor="x")) == (422, "malformed-cursor")
    nothing = await service.reader.get(f"/objectives/{uuid4()}/comments")
    assert problem(nothing) == (404, "not-found")


async def test_a_comment_that_says_nothing_is_refused(service: Service) -> None:
    objective = await service.draft(await service.active_cycle())
    path = f"/objectives/{objective['id']}/comments"
    for body in ({"text": ""}, {}, {"text": "x" * 10_001}, {"text": "\x00"}, {"text": 7}):
        assert problem(await service.lead.post(path, body)) == (422, "invalid-request")
    unknown = await service.lead.post(f"/objectives/{uuid4()}/comments", {"text": "Hello?"})
    assert problem(unknown) == (404, "not-found")
    reading = await service.reader.post(path, {"text": "May I?"})
    assert problem(reading) == (403, "missing-scope")


async def test_a_comment_sent_twice_under_one_key_is_made_once(service: Service) -> None:
    objective = await service.draft(await service.active_cycle())
    path = f"/objectives/{objective['id']}/comments"
    answers = [await service.lead.done(path, {"text": "Once."}, key="c1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert len((await feedback(service, objective))["items"]) == 1
