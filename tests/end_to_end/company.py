"""A small company that does the main job over HTTP and NATS, and looks at what came of it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

import httpx
import nats
import orjson

from contracts.subjects import intake_subject
from tests.empty_stack import EmptyStack

BOUND_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05
SOURCE = "simulator"
TODAY = datetime.now(UTC).date()


@dataclass
class Resource:
    """An aggregate as its last answer showed it."""

    body: dict[str, Any]
    etag: str
    position: str

    @property
    def id(self) -> str:
        return str(self.body["id"])

    def key_result(self, place: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.body["key_results"][place]
        return found


@dataclass
class Company:
    """Clients of a stack; every command is sent again with its key until it is answered."""

    stack: EmptyStack
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    _exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        for service in ("goals", "metrics", "projections"):
            client = self.stack.client(service)
            self.clients[service] = await self._exits.enter_async_context(client)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, *rest: object
    ) -> None:
        if error is not None:
            error.add_note(f"The stack said:\n{self.stack.output()}")
        await self._exits.aclose()

    async def command(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        of: Resource | None = None,
        service: str = "goals",
        headers: Mapping[str, str] | None = None,
    ) -> Resource:
        """Do one thing, however often the service is away meanwhile."""
        sent = {"Idempotency-Key": str(uuid4()), **(headers or {})}
        if of is not None:
            sent["If-Match"] = of.etag
        reply = await self._insist(service, "POST", path, json=body, headers=sent)
        assert reply.status_code in (200, 201), reply.text
        return Resource(
            reply.json(), reply.headers.get("ETag", ""), reply.headers["Cairn-Position"]
        )

    async def get(
        self, service: str, path: str, *, position: str | None = None, **query: str
    ) -> dict[str, Any]:
        """Ask; with a position, for an answer that knows at least that much."""
        headers = {"Cairn-Min-Position": position} if position else {}
        reply = await self._insist(service, "GET", path, params=query, headers=headers)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def send_readings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Readings over HTTP."""
        reply = await self._insist("metrics", "POST", "/v1/readings", json=rows)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def publish_readings(self, rows: list[dict[str, Any]]) -> None:
        """Readings over NATS, sent again until JetStream has stored them."""
        login = self.stack.nats_login()
        async with asyncio.timeout(BOUND_SECONDS):
            while True:
                try:
                    client = await nats.connect(
                        connect_timeout=1, max_reconnect_attempts=1, **login
                    )
                    try:
                        await client.jetstream().publish(
                            intake_subject(SOURCE), orjson.dumps(rows), timeout=2
                        )
                    finally:
                        await client.close()
                except (nats.errors.Error, OSError):
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                else:
                    return

    async def objective_with(self, objective: Resource, **values: float) -> Resource:
        """The objective, once its key results (by title) have these values."""
        async with asyncio.timeout(BOUND_SECONDS):
            while True:
                reply = await self._insist("goals", "GET", f"/v1/objectives/{objective.id}")
                shown = {each["title"]: each["value"] for each in reply.json()["key_results"]}
                if all(shown[title] == value for title, value in values.items()):
                    return Resource(
                        reply.json(), reply.headers["ETag"], reply.headers["Cairn-Position"]
                    )
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _insist(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        async with asyncio.timeout(BOUND_SECONDS):
            while True:
                try:
                    reply = await self.clients[service].request(method, path, **request)
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                    continue
                if reply.status_code not in (409, 503) or "retry-after" not in reply.headers:
                    return reply
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def active_cycle(self, name: str = "This quarter") -> Resource:
        """A cycle of 100 days, half of them gone: expected progress is near one half."""
        planned = await self.command(
            "/v1/cycles",
            {
                "name": name,
                "starts_on": str(TODAY - timedelta(days=50)),
                "ends_on": str(TODAY + timedelta(days=49)),
                "cadence": "quarter",
            },
        )
        return await self.command(f"/v1/cycles/{planned.id}/activate", {}, of=planned)

    async def draft(
        self,
        cycle: Resource,
        title: str,
        key_results: list[dict[str, Any]],
        team: str | None = None,
    ) -> Resource:
        owner = {"kind": "team", "id": team} if team else {"kind": "company", "id": "cairn"}
        return await self.command(
            "/v1/objectives",
            {"cycle_id": cycle.id, "title": title, "owner": owner, "key_results": key_results},
        )

    async def change(self, objective: Resource, what: str, body: Mapping[str, Any]) -> Resource:
        return await self.command(f"/v1/objectives/{objective.id}/{what}", body, of=objective)

    async def define_kpi(
        self, key: str, *, cadence: str = "day", aggregation: str = "last"
    ) -> Resource:
        return await self.command(
            "/v1/kpis",
            {
                "key": key,
                "name": key,
                "direction": "higher",
                "owner": {"kind": "team", "id": "team-growth"},
                "cadence": cadence,
                "aggregation": aggregation,
            },
            service="metrics",
        )


def increase(title: str, baseline: float, target: float, weight: float = 1.0) -> dict[str, Any]:
    return _key_result("increase", title, baseline, target, weight)


def decrease(title: str, baseline: float, target: float, weight: float = 1.0) -> dict[str, Any]:
    return _key_result("decrease", title, baseline, target, weight)


def _key_result(
    kind: str, title: str, baseline: float, target: float, weight: float
) -> dict[str, Any]:
    return {
        "title": title,
        "type": kind,
        "baseline": baseline,
        "target": target,
        "weight": weight,
    }
