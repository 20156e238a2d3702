"""Histories and the whole log over HTTP."""

from datetime import datetime
from uuid import UUID

from contracts import goals
from contracts.cloudevents import event_id
from services.goals.api.history_schemas import HistoryPage, LogPage
from tests.integration.goals.conftest import Json, Service, check_ins, problem

PUBLISHED = {each.TYPE: each for each in goals.PUBLISHED}


async def an_eventful_objective(service: Service) -> Json:
    """An objective with five events behind two of its cycle."""
    objective = await service.active_objective(await service.active_cycle())
    for version, value in ((3, 75), (4, 80)):
        await service.lead.done(
            check_ins(objective),
            {"value": value, "confidence": 0.5, "reason": "Weekly round."},
            version=version,
        )
    return objective


async def test_a_history_says_who_did_what_when_and_why(service: Service) -> None:
    objective = await an_eventful_objective(service)
    page = (await service.reader.get(f"/objectives/{objective['id']}/history")).json()
    assert HistoryPage.model_validate(page).model_dump(mode="json") == page
    assert [each["version"] for each in page["items"]] == [1, 2, 3, 4, 5]
    assert [each["position"] for each in page["items"]] == [3, 4, 5, 6, 7]
    last = page["items"][-1]
    assert last["sentence"] == (
        "lea checked in 80 % on “Test coverage” (was 75 %), confidence 50%. Reason: Weekly round."
    )
    assert last["topic"] == "goals.key_result.checked_in"
    assert last["reason"] == "Weekly round."
    key_result = f"/key_results/{objective['key_results'][0]['id']}"
    values = {each["path"]: (each["before"], each["after"]) for each in last["changes"]}
    assert values[f"{key_result}/current/value"] == (75, 80)
    times = [datetime.fromisoformat(each["recorded_at"]) for each in page["items"]]
    assert times == sorted(times)


async def test_a_history_goes_on_where_a_page_ended(service: Service) -> None:
    objective = await an_eventful_objective(service)
    path = f"/objectives/{objective['id']}/history"
    whole = (await service.reader.get(path)).json()["items"]
    first = (await service.reader.get(path, limit=3)).json()
    second = (await service.reader.get(path, limit=3, cursor=first["next"])).json()
    assert [*first["items"], *second["items"]] == whole
    assert second["next"] is None
    assert problem(await service.reader.get(path, cursor="x")) == (422, "malformed-cursor")


async def test_the_log_is_given_in_order_as_the_contracts_say(service: Service) -> None:
    objective = await an_eventful_objective(service)
    page = (await service.auditor.get("/events")).json()
    assert LogPage.model_validate(page).model_dump(mode="json") == page
    assert [each["position"] for each in page["items"]] == [1, 2, 3, 4, 5, 6, 7]
    assert page["next"] == 7
    for each in page["items"]:
        PUBLISHED[each["type"]].model_validate(each["data"])
    last = page["items"][-1]
    assert last["subject"] == objective["id"]
    assert last["aggregateversion"] == 5
    assert last["id"] == str(event_id(UUID(objective["id"]), 5))
    assert last["data"]["value"] == 80
    assert last["data"]["context"]["actor"]["id"] == "lea"


async def test_the_log_is_given_in_pieces(service: Service) -> None:
    await an_eventful_objective(service)
    seen: list[int] = []
    after = 0
    while True:
        page = (await service.auditor.get("/events", after=after, limit=3)).json()
        if not page["items"]:
            break
        seen += [each["position"] for each in page["items"]]
        after = page["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert page["next"] == 7
    assert problem(await service.auditor.get("/events", limit=501)) == (422, "invalid-request")
    assert problem(await service.auditor.get("/events", after=-1)) == (422, "invalid-request")
