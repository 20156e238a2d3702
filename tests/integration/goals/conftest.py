"""The goals service in this process, over a database of its own, and callers with tokens."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.goals.main import create
from services.goals.runtime import Goals
from services.goals.settings import GoalsSettings

NOWHERE = "nats://127.0.0.1:1"
ALL_SCOPES = "goals:read goals:write goals:admin audit:read"

Json = dict[str, Any]


class Issuer:
    """Signs tokens by the key in a JWKS file that it writes."""

    def __init__(self, folder: Path) -> None:
        self.jwks = folder / "jwks.json"
        self._key = Ed25519PrivateKey.generate()
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.jwks.write_text(json.dumps({"keys": [{**public, "kid": "k"}]}))

    def headers(self, subject: str, scope: str, **claims: Any) -> dict[str, str]:
        payload = {
            "iss": "cairn-local",
            "aud": "cairn",
            "sub": subject,
            "exp": int(time.time()) + 600,
            "scope": scope,
            "kind": "human",
            **claims,
        }
        token = jwt.encode(payload, self._key, algorithm="EdDSA", headers={"kid": "k"})
        return {"Authorization": f"Bearer {token}"}


class Caller:
    """Calls the service as somebody; a path without `/v1` in front."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        return await self._client.get(f"/v1{path}", params=parameters, headers=self._headers)

    async def post(
        self,
        path: str,
        body: Json | None = None,
        *,
        version: int | str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        method: str = "POST",
    ) -> httpx.Response:
        chosen = {**self._headers, **(headers or {})}
        if version is not None:
            chosen["If-Match"] = f'"{version}"'
        if key is not None:
            chosen["Idempotency-Key"] = key
        return await self._client.request(method, f"/v1{path}", json=body, headers=chosen)

    async def send_text(
        self, path: str, text: str, *, version: int | None = None
    ) -> httpx.Response:
        """Send a body that is JSON by its label only."""
        chosen = {**self._headers, "Content-Type": "application/json"}
        if version is not None:
            chosen["If-Match"] = f'"{version}"'
        return await self._client.post(f"/v1{path}", content=text, headers=chosen)

    async def patch(self, path: str, body: Json, *, version: int | None = None) -> httpx.Response:
        return await self._client.patch(f"/v1{path}", json=body, headers=self._for_version(version))

    async def delete(self, path: str, *, version: int | None = None) -> httpx.Response:
        return await self._client.delete(f"/v1{path}", headers=self._for_version(version))

    def _for_version(self, version: int | None) -> dict[str, str]:
        return self._headers if version is None else {**self._headers, "If-Match": f'"{version}"'}

    async def done(self, path: str, body: Json | None = None, **options: Any) -> Json:
        """What a command that has to succeed is answered."""
        response = await self.post(path, body, **options)
        assert response.is_success, response.text
        answer: Json = response.json()
        return answer


class Service:
    """A running application, and those who call it."""

    def __init__(
        self, client: httpx.AsyncClient, issuer: Issuer, goals: Goals | None = None
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._goals = goals
        self.admin = self.caller("root", ALL_SCOPES)
        self.lead = self.caller("lea", "goals:read goals:write", teams=["quality"])
        self.reader = self.caller("rea", "goals:read")
        self.auditor = self.caller("aud", "audit:read goals:read")

    @property
    def address(self) -> str:
        return str(self._client.base_url).rstrip("/")

    async def document(self) -> Json:
        """The OpenAPI document that the service gives of itself."""
        found: Json = (await self._client.get("/openapi.json")).json()
        return found

    @property
    def goals(self) -> Goals:
        """What the application holds, where it runs in this process."""
        assert self._goals is not None
        return self._goals

    def caller(self, subject: str, scope: str, **claims: Any) -> Caller:
        return Caller(self._client, self._issuer.headers(subject, scope, **claims))

    def stranger(self, headers: dict[str, str] | None = None) -> Caller:
        return Caller(self._client, headers or {})

    async def active_cycle(self, **changes: Any) -> Json:
        planned = await self.admin.done("/cycles", cycle_body(**changes))
        return await self.admin.done(f"/cycles/{planned['id']}/activate", version=1)

    async def draft(self, cycle: Json, *key_results: Json, **changes: Any) -> Json:
        return await self.lead.done(
            "/objectives", objective_body(cycle["id"], *key_results, **changes)
        )

    async def active_objective(self, cycle: Json, *key_results: Json, **changes: Any) -> Json:
        drafted = await self.draft(cycle, *(key_results or (COVERAGE,)), **changes)
        return await self.lead.done(
            f"/objectives/{drafted['id']}/activate", version=drafted["version"]
        )

    async def moved(self, cycle: Json, *steps: str) -> Json:
        """The cycle after these steps, as `start-scoring`, `close`."""
        path = f"/cycles/{cycle['id']}"
        for step in steps:
            version = (await self.reader.get(path)).json()["version"]
            cycle = await self.admin.done(f"{path}/{step}", REASON, version=version)
        return cycle

    async def change(
        self, objective: Json, step: str, body: Json | None = None, *, by: Caller | None = None
    ) -> httpx.Response:
        """Ask for a change of the objective as it stands; its owner does, or `by`."""
        version = (await self.shown(objective))["version"]
        path = f"/objectives/{objective['id']}/{step}"
        return await (by or self.lead).post(path, body, version=version)

    async def changed(
        self, objective: Json, step: str, body: Json | None = None, *, by: Caller | None = None
    ) -> Json:
        """The same where it has to succeed: what it is answered."""
        response = await self.change(objective, step, body, by=by)
        assert response.is_success, response.text
        answer: Json = response.json()
        return answer

    async def shown(self, objective: Json, **at: Any) -> Json:
        """The objective as it stands, or as it was."""
        response = await self.admin.get(f"/objectives/{objective['id']}", **at)
        assert response.is_success, response.text
        found: Json = response.json()
        return found

    async def history(self, objective: Json) -> list[Json]:
        """All that happened to the objective."""
        page = await self.admin.get(f"/objectives/{objective['id']}/history", limit=200)
        items: list[Json] = page.json()["items"]
        return items

    async def check_ins(self, objective: Json, **wanted: Any) -> list[Json]:
        """The objective's check-ins in the order in which they were true."""
        page = await self.admin.get(f"/objectives/{objective['id']}/check-ins", **wanted)
        items: list[Json] = page.json()["items"]
        return items


REASON: Json = {"reason": "We agreed on it."}
COVERAGE: Json = {
    "title": "Test coverage",
    "type": "increase",
    "baseline": 70,
    "target": 90,
    "unit": "%",
}
BUGS: Json = {
    "title": "Bugs found in production",
    "type": "decrease",
    "baseline": 40,
    "target": 20,
    "stretch": 10,
    "weight": 3,
    "due_on": "2030-06-30",
}
UPTIME: Json = {"title": "Uptime", "type": "maintain", "lower": 99.99, "unit": "%"}
LANGUAGES: Json = {
    "title": "Three languages",
    "type": "milestones",
    "milestones": [
        {"title": "French"},
        {"title": "German"},
        {"title": "Japanese", "weight": 2},
    ],
}
RESPONSIVE: Json = {"title": "Works on every device", "type": "binary"}


def cycle_body(**changes: Any) -> Json:
    """A cycle that lasts for years around now, so that no test depends on the day."""
    return {
        "name": "These years",
        "starts_on": "2024-01-01",
        "ends_on": "2028-12-31",
        "cadence": "custom",
        **changes,
    }


def objective_body(cycle_id: UUID | str, *key_results: Json, **changes: Any) -> Json:
    return {
        "cycle_id": str(cycle_id),
        "title": "Halve the bug rate",
        "owner": {"kind": "team", "id": "quality"},
        "key_results": list(key_results),
        **changes,
    }


def check_ins(objective: Json, index: int = 0) -> str:
    return f"{key_result_path(objective, index)}/check-ins"


def of(objective: Json, step: str, index: int = 0) -> str:
    """A step of one of the objective's key results, for `Service.change`."""
    return f"key-results/{objective['key_results'][index]['id']}/{step}"


def codes(document: Json) -> list[str]:
    """What is warned of."""
    return [each["code"] for each in document["warnings"]]


def key_result_path(objective: Json, index: int = 0) -> str:
    return f"/objectives/{objective['id']}/key-results/{objective['key_results'][index]['id']}"


def problem(response: httpx.Response) -> tuple[int, str]:
    """The status and the kind of problem that a request was answered with."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    document = response.json()
    assert document["status"] == response.status_code
    assert document["detail"]
    return response.status_code, document["type"].removeprefix("urn:cairn:problem:")


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def settings(fresh_database_url: str, issuer: Issuer) -> GoalsSettings:
    return GoalsSettings(database_url=fresh_database_url, nats_url=NOWHERE, jwks=str(issuer.jwks))


Starting = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def starting(settings: GoalsSettings, issuer: Issuer) -> Starting:
    """Starts the service, as often as a test wants processes of it."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Service]:
        app = create(settings.model_copy(update=changes))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://goals") as client,
        ):
            yield Service(client, issuer, app.state.goals)

    return start


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting() as started:
        yield started
