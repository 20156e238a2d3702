"""What tests ask of webhooks over HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.goals.conftest import Caller, Json, Service, cycle_body
from tests.integration.goals.receiver import BOUND_SECONDS

PLANNED = "cairn.goals.cycle.planned.v1"
ACTIVATED = "cairn.goals.cycle.activated.v1"


async def webhook(service: Service, url: str, *event_types: str, **fields: Any) -> Json:
    body = {"url": url, "event_types": list(event_types or (PLANNED,)), **fields}
    return await service.admin.done("/webhooks", body)


async def plan(service: Service, count: int = 1) -> list[str]:
    """Plan cycles: one event each; their ids."""
    return [(await service.admin.done("/cycles", cycle_body()))["id"] for _ in range(count)]


async def shown(caller: Caller, made: Json) -> Json:
    response = await caller.get(f"/webhooks/{made['id']}")
    assert response.status_code == 200, response.text
    document: Json = response.json()
    return document


async def deliveries(service: Service, made: Json, **parameters: Any) -> list[Json]:
    response = await service.admin.get(f"/webhooks/{made['id']}/deliveries", **parameters)
    assert response.status_code == 200, response.text
    items: list[Json] = response.json()["items"]
    return items


async def until_deliveries(
    service: Service, made: Json, holds: Callable[[list[Json]], bool]
) -> list[Json]:
    """Wait until a webhook's deliveries are as they should be."""
    items: list[Json] = []
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            while not holds(items := await deliveries(service, made)):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the deliveries stayed {items}") from None
    return items


async def until_state(service: Service, made: Json, state: str, count: int = 1) -> list[Json]:
    return await until_deliveries(
        service, made, lambda items: [each["state"] for each in items] == [state] * count
    )


async def patch(service: Service, made: Json, version: int, body: Json) -> httpx.Response:
    return await service.admin.patch(f"/webhooks/{made['id']}", body, version=version)
