"""Objectives over HTTP: written down, revised, handed on, listed, and shown as of any time."""

from typing import Any

import pytest

from services.goals.api.objective_schemas import ObjectivePage, ObjectiveShape
from tests.integration.goals.conftest import (
    BUGS,
    COVERAGE,
    REASON,
    Json,
    Service,
    check_ins,
    codes,
    objective_body,
    problem,
)


def as_documented(objective: Json) -> Json:
    return ObjectiveShape.model_validate(objective).model_dump(mode="json")


async def test_an_objective_is_drafted_with_its_key_results(service: Service) -> None:
    cycle = await service.active_cycle()
    response = await service.lead.post("/objectives", objective_body(cycle["id"], COVERAGE, BUGS))
    assert response.status_code == 201
    drafted = response.json()
    assert response.headers["location"] == f"/v1/objectives/{drafted['id']}"
    assert response.headers["etag"] == '"3"'
    assert drafted["state"] == "draft"
    assert [each["title"] for each in drafted["key_results"]] == [COVERAGE["title"], BUGS["title"]]
    assert drafted["key_results"][1]["due_on"] == "2030-06-30"
    assert drafted["warnings"] == []
    assert as_documented(drafted) == drafted
    shown = await service.reader.get(f"/objectives/{drafted['id']}")
    assert shown.headers["etag"] == '"3"'
    assert shown.headers["cairn-position"] == response.headers["cairn-position"] == "goals:5"
    assert shown.json() | {"expected": 0, "pace": 0, "key_results": 0} == drafted | {
        "expected": 0,
        "pace": 0,
        "key_results": 0,
    }


async def test_an_objective_is_shown_as_a_version_left_it(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    for version, value in ((3, 75), (4, 80)):
        await service.lead.done(check_ins(objective), {"value": value}, version=version)
    then = await service.reader.get(path, version=4)
    assert then.headers["etag"] == '"4"'
    assert then.json()["key_results"][0]["value"] == 75
    assert (await service.reader.get(path)).json()["key_results"][0]["value"] == 80
    refused = await service.reader.get(path, version=6)
    assert problem(refused) == (404, "version-not-found")
    assert refused.json()["newest"] == 5


async def test_an_objective_is_shown_as_it_was_known_at_a_moment(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    checked_in = await service.lead.done(check_ins(objective), {"value": 75}, version=3)
    await service.lead.done(check_ins(objective), {"value": 80}, version=4)
    moment = (await service.reader.get(path, version=checked_in["version"])).json()["changed_at"]
    then = await service.reader.get(path, as_of=moment)
    assert then.json()["version"] == 4
    assert then.json()["key_results"][0]["value"] == 75
    assert then.json()["expected"] <= (await service.reader.get(path)).json()["expected"]
    before = await service.reader.get(path, as_of="2020-01-01T00:00:00Z")
    assert problem(before) == (404, "not-found")


async def test_the_present_can_be_asked_for_as_of_one_way_only(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    both = await service.reader.get(path, version=1, as_of=objective["changed_at"])
    assert problem(both) == (422, "conflicting-parameters")
    future = await service.reader.get(path, as_of="2999-01-01T00:00:00Z")
    assert problem(future) == (422, "as-of-in-future")
    assert problem(await service.reader.get(path, as_of="2020-01-01T00:00:00"))[0] == 422


async def test_objectives_are_listed_by_cycle_owner_and_state(service: Service) -> None:
    one, other = await service.active_cycle(), await service.active_cycle()
    active = await service.active_objective(one)
    draft = await service.draft(one)
    mine = await service.draft(other, owner={"kind": "person", "id": "lea"})

    async def listed(**wanted: Any) -> list[str]:
        page = (await service.reader.get("/objectives", **wanted)).json()
        assert ObjectivePage.model_validate(page).model_dump(mode="json") == page
        return [each["id"] for each in page["items"]]

    assert await listed() == [active["id"], draft["id"], mine["id"]]
    assert await listed(cycle=one["id"]) == [active["id"], draft["id"]]
    assert await listed(owner="person:lea") == [mine["id"]]
    assert await listed(owner="team:lea") == []
    assert await listed(state="active") == [active["id"]]
    assert await listed(cycle=one["id"], owner="team:quality", state="draft") == [draft["id"]]


async def test_a_list_shows_the_state_and_version_an_objective_has_reached(
    service: Service,
) -> None:
    objective = await service.active_objective(await service.active_cycle())
    await service.lead.done(check_ins(objective), {"value": 80}, version=3)
    await service.lead.done(f"/objectives/{objective['id']}/close", version=4)
    (item,) = (await service.reader.get("/objectives")).json()["items"]
    shown = (await service.reader.get(f"/objectives/{objective['id']}")).json()
    assert (item["state"], item["version"], item["updated_at"]) == (
        "closed",
        5,
        shown["changed_at"],
    )


async def test_objectives_are_listed_in_bounded_pages(service: Service) -> None:
    cycle = await service.active_cycle()
    ids = [(await service.draft(cycle))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await service.reader.get("/objectives", limit=2, **cursor)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == ids
    assert problem(await service.reader.get("/objectives", limit=201)) == (422, "invalid-request")
    assert problem(await service.reader.get("/objectives", cursor="x")) == (
        422,
        "malformed-cursor",
    )
    assert problem(await service.reader.get("/objectives", owner="lea"))[0] == 422


async def test_an_objective_needs_a_cycle_that_takes_it(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle())
    unknown = await service.lead.post("/objectives", objective_body(drafted["id"]))
    assert problem(unknown) == (422, "unknown-cycle")  # the id of something else
    cycle = await service.active_cycle()
    await service.admin.done(f"/cycles/{cycle['id']}/start-scoring", version=2)
    late = await service.lead.post("/objectives", objective_body(cycle["id"]))
    assert problem(late) == (409, "cycle-not-open")


async def test_good_practice_is_a_warning_and_no_refusal(service: Service) -> None:
    cycle = await service.active_cycle()
    assert codes(await service.draft(cycle)) == ["few_key_results"]
    assert codes(await service.draft(cycle, *[COVERAGE] * 2)) == []
    assert codes(await service.draft(cycle, *[COVERAGE] * 6)) == ["many_key_results"]
    numbers = await service.draft(cycle, COVERAGE, BUGS, title="Increase sales revenue by 20%")
    assert codes(numbers) == ["numeric_title"]
    weightless = {**COVERAGE, "weight": 0}
    assert codes(await service.draft(cycle, weightless, weightless)) == ["no_key_result_counts"]
    work = {"title": "Launch the new homepage", "type": "binary"}
    busy = await service.draft(cycle, COVERAGE, work)
    assert codes(busy) == ["activity_key_results"]
    assert "“Launch the new homepage”" in busy["warnings"][0]["detail"]
    assert (await service.shown(busy))["warnings"] == busy["warnings"]


async def test_an_objective_is_said_in_other_words(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE, description="Fewer.", labels=["bugs", "2026"])
    revised = await service.changed(drafted, "revise", {"title": "Fewer bugs", **REASON})
    kept = {name: revised[name] for name in ("title", "description", "ambition", "labels")}
    assert kept == {
        "title": "Fewer bugs",
        "description": "Fewer.",
        "ambition": "committed",
        "labels": ["bugs", "2026"],
    }
    entry = (await service.history(drafted))[-1]
    assert (entry["reason"], entry["topic"]) == (REASON["reason"], "goals.objective.revised")
    assert entry["changes"] == [
        {"path": "/title", "before": "Halve the bug rate", "after": "Fewer bugs"}
    ]
    body = {"description": "", "ambition": "aspirational", "labels": []}
    revised = await service.changed(drafted, "revise", body)
    assert {name: revised[name] for name in body} == body
    (listed,) = (await service.reader.get("/objectives")).json()["items"]
    assert (listed["title"], listed["labels"]) == ("Fewer bugs", [])
    assert as_documented(revised) == revised


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (409, "nothing-changes")),
        ({"title": "Halve the bug rate", "labels": ["bugs", "bugs"]}, (409, "nothing-changes")),
        ({"title": ""}, (422, "invalid-request")),
        ({"title": None}, (422, "invalid-request")),
        ({"labels": ["Not a label"]}, (422, "invalid-request")),
        ({"labels": [f"label-{number}" for number in range(21)]}, (422, "invalid-request")),
        ({"owner": {"kind": "person", "id": "lea"}}, (422, "invalid-request")),
        ({"state": "closed"}, (422, "invalid-request")),
    ],
)
async def test_words_that_change_nothing_or_make_no_sense_are_refused(
    service: Service, body: Json, refusal: tuple[int, str]
) -> None:
    drafted = await service.draft(await service.active_cycle(), COVERAGE, labels=["bugs"])
    assert problem(await service.change(drafted, "revise", body)) == refusal
    assert (await service.shown(drafted))["version"] == drafted["version"]


async def test_a_label_is_kept_once(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, labels=["bugs", "2026", "bugs"])
    assert drafted["labels"] == ["bugs", "2026"]


async def test_whom_the_old_owner_named_the_new_one_did_not(service: Service) -> None:
    drafted = await service.draft(await service.active_cycle(), COVERAGE)
    old = {"kind": "team", "id": "quality"}
    await service.changed(drafted, "delegate", {"delegates": [old]})
    new = {"kind": "team", "id": "sales"}
    handed = await service.changed(drafted, "reassign", {"owner": new})
    assert (handed["owner"], handed["delegates"]) == (new, [])
    assert problem(await service.change(drafted, "activate")) == (403, "not-owner")


async def test_an_objective_is_handed_on(service: Service) -> None:
    cycle = await service.active_cycle()
    drafted = await service.draft(cycle, COVERAGE)
    owner = {"kind": "team", "id": "shop"}
    handed = await service.changed(drafted, "reassign", {"owner": owner, **REASON})
    assert handed["owner"] == owner
    # It was theirs to give away, and no longer is.
    back = await service.change(drafted, "reassign", {"owner": {"kind": "team", "id": "quality"}})
    assert problem(back) == (403, "not-owner")
    assert back.json()["missing"] == ["team shop", "scope goals:admin"]
    again = await service.change(drafted, "reassign", {"owner": owner}, by=service.admin)
    assert problem(again) == (409, "nothing-changes")
    listed = (await service.reader.get("/objectives", owner="team:shop")).json()["items"]
    assert [each["id"] for each in listed] == [drafted["id"]]
    assert (await service.reader.get("/objectives", owner="team:quality")).json()["items"] == []
    garbled = await service.change(
        drafted, "reassign", {"owner": {"kind": "club", "id": "x"}}, by=service.admin
    )
    assert problem(garbled) == (422, "invalid-request")


async def test_delegates_are_named_anew_each_time(service: Service) -> None:
    cycle = await service.active_cycle()
    ann, shop = {"kind": "person", "id": "ann"}, {"kind": "team", "id": "shop"}
    drafted = await service.draft(cycle, COVERAGE, delegates=[ann, ann])
    assert drafted["delegates"] == [ann]
    changed = await service.changed(drafted, "delegate", {"delegates": [shop]})
    assert changed["delegates"] == [shop]
    again = await service.change(drafted, "delegate", {"delegates": [shop]})
    assert problem(again) == (409, "nothing-changes")
    many = [{"kind": "person", "id": f"p{number}"} for number in range(21)]
    refused = await service.change(drafted, "delegate", {"delegates": many})
    assert problem(refused) == (422, "invalid-request")
    assert problem(await service.change(drafted, "delegate", {})) == (422, "invalid-request")
    changed = await service.changed(drafted, "delegate", {"delegates": []})
    assert changed["delegates"] == []


async def test_objectives_are_found_by_label_and_by_words(service: Service) -> None:
    cycle = await service.active_cycle()
    bugs = await service.draft(cycle, labels=["quality", "2026"])
    sales = await service.draft(
        cycle,
        title="Increase sales revenue",
        description="Fewer BUGS sell more, 100% sure; ä_ö.",
        labels=["revenue", "2026"],
    )
    await service.changed(sales, "postpone", REASON)

    async def found(**wanted: str) -> list[str]:
        page = (await service.reader.get("/objectives", **wanted)).json()
        return [each["id"] for each in page["items"]]

    assert await found(label="2026") == [bugs["id"], sales["id"]]
    assert await found(label="revenue") == [sales["id"]]
    assert await found(label="rev") == []
    assert await found(text="bug") == [bugs["id"], sales["id"]]
    assert await found(text="SALES") == [sales["id"]]
    assert await found(text="100% sure") == [sales["id"]]
    assert await found(text="Ä_Ö") == [sales["id"]]
    assert await found(text="_") == [sales["id"]]  # no pattern: as it is
    assert await found(text="%") == [sales["id"]]
    assert await found(text="bug", label="2026", state="postponed", cycle=cycle["id"]) == [
        sales["id"]
    ]
    assert await found(text="bug", label="quality", state="postponed") == []
    for wanted in (
        {"text": ""},
        {"text": "x" * 201},
        {"text": "\x00"},
        {"label": "No label"},
        {"state": "started"},
        {"owner": "club:x"},
        {"cycle": "this"},
        {"lable": "2026"},
    ):
        response = await service.reader.get("/objectives", **wanted)
        assert problem(response) == (422, "invalid-request")


async def test_what_is_measured_or_said_to_it_outdates_no_change(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    path = f"/objectives/{objective['id']}"
    guest = service.caller("gus", "goals:read goals:write")
    await guest.done(f"{path}/comments", {"text": "How?"})
    await guest.done(f"{path}/acknowledge")
    assert (await service.shown(objective))["version"] == 5
    revised = await service.lead.done(f"{path}/revise", {"title": "Fewer bugs"}, version=3)
    assert revised["version"] == 6
    # What somebody decided does outdate it, and a version still to come fits nothing.
    for version in (3, 4, 5, 7):
        response = await service.lead.post(f"{path}/revise", {"title": "None"}, version=version)
        assert problem(response) == (412, "precondition-failed")


async def test_a_sender_is_told_how_texts_are_written(service: Service) -> None:
    cycle = await service.active_cycle()
    unseen = {"title": " \n", "owner": {"kind": "team", "id": "\u200b"}, "reason": "\u2060"}
    response = await service.lead.post("/objectives", objective_body(cycle["id"], **unseen))
    assert problem(response) == (422, "invalid-request")
    told = {each["pointer"]: each["detail"] for each in response.json()["errors"]}
    assert told["/body/title"] == told["/body/owner/id"]
    assert told["/body/title"].startswith("It is one line of text")
    assert told["/body/reason"] == "Write something that can be seen."


async def test_a_sender_is_told_how_moments_are_written(service: Service) -> None:
    objective = await service.active_objective(await service.active_cycle())
    for moment in (1_780_000_000, "1780000000", "2026-02-02T09:00:00", "2026-02-02"):
        body = {"value": 75, "effective_at": moment}
        response = await service.lead.post(check_ins(objective), body, version=3)
        assert problem(response) == (422, "invalid-request")
        (fault,) = response.json()["errors"]
        assert "2026-03-31T09:00:00Z" in fault["detail"]
