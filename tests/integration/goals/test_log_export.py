"""The whole log as a stream of lines: complete, gone on with, and cheap for a slow reader."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.goals.api import events
from services.goals.api.history_schemas import LoggedEventShape
from services.goals.exchange.plan import MAX_PLAN_OBJECTIVES
from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import ALL_SCOPES, Issuer, Service, cycle_body, problem
from tests.integration.goals.processes import process

# One cycle, and an objective with its key result for each of the plan.
LONG_LOG = 1 + 2 * MAX_PLAN_OBJECTIVES


def lines(response: httpx.Response) -> list[Any]:
    return [json.loads(each) for each in response.text.splitlines()]


async def test_the_stream_has_every_event_up_to_the_head(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_PAGE_EVENTS", 3)
    await service.active_objective(await service.active_cycle())
    answer = await service.auditor.get("/events/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cairn-position"] == "goals:5"
    assert answer.text.endswith("\n")
    pages = (await service.auditor.get("/events")).json()["items"]
    assert lines(answer) == pages
    assert len(pages) == 5
    for each in pages:
        assert LoggedEventShape.model_validate(each).model_dump(mode="json") == each


async def test_a_stream_is_gone_on_with_after_a_position(service: Service) -> None:
    await service.active_objective(await service.active_cycle())
    rest = await service.auditor.get("/events/export", after=3)
    assert [each["position"] for each in lines(rest)] == [4, 5]
    for beyond in (5, 99):
        nothing = await service.auditor.get("/events/export", after=beyond)
        assert (nothing.status_code, nothing.text) == (200, "")


async def test_what_is_recorded_meanwhile_is_left_to_the_next_stream(service: Service) -> None:
    cycle = await service.active_cycle()
    end = await service.goals.log.head()
    stream = events._lines(service.goals, 0, end)
    await service.draft(cycle)
    assert len(b"".join([each async for each in stream]).splitlines()) == end


async def test_the_stream_is_for_auditors(service: Service) -> None:
    assert problem(await service.lead.get("/events/export")) == (403, "missing-scope")
    assert problem(await service.auditor.get("/events/export", after=-1)) == (
        422,
        "invalid-request",
    )


async def test_a_slow_reader_holds_no_connection_and_may_go_away(
    settings: GoalsSettings, issuer: Issuer
) -> None:
    # With one connection to the database, a reader that held it would stop everybody else.
    narrow = settings.model_copy(update={"database_pool_size": 1})
    headers = issuer.headers("root", ALL_SCOPES)
    async with (
        process(narrow, issuer) as running,
        httpx.AsyncClient(base_url=running.address, headers=headers, timeout=20) as client,
    ):
        await record_much(client)
        async with client.stream("GET", "/v1/events/export") as slow:
            assert slow.status_code == 200
            pieces = slow.aiter_bytes(1024)
            first = await anext(pieces)
            assert first.startswith(b'{"specversion":"1.0"')
            async with asyncio.timeout(10):
                others = [client.get("/v1/events", params={"limit": 1}) for _ in range(8)]
                assert all(each.is_success for each in await asyncio.gather(*others))
        # The reader has gone without reading on; nobody else notices.
        whole = await client.get("/v1/events/export")
        assert [each["position"] for each in lines(whole)] == list(range(1, LONG_LOG + 1))


async def record_much(client: httpx.AsyncClient) -> None:
    """Make a log that is far longer than what waits in the buffers of a connection."""
    objective = {
        "description": "y" * 9_000,
        "owner": {"kind": "company", "id": "company"},
        "key_results": [{"title": "x", "type": "binary"}],
    }
    plan = {
        "format": "cairn.plan.v1",
        "cycle": cycle_body(),
        "objectives": [
            {**objective, "title": str(number)} for number in range(MAX_PLAN_OBJECTIVES)
        ],
    }
    (await client.post("/v1/plans", json=plan)).raise_for_status()
