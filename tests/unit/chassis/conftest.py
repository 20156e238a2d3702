"""An issuer of tokens and a small service on the chassis, for every test of it."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, FastAPI

from services.chassis.app import create_app
from services.chassis.problems import ProblemTable
from services.chassis.settings import ServiceSettings


class StoneSettings(ServiceSettings):
    service: str = "stones"
    db_schema: str = "stones"
    port: int = 9999


class Issuer:
    """Signs tokens by the keys in a JWKS file that it writes."""

    def __init__(self, folder: Path) -> None:
        self.jwks = folder / "jwks.json"
        self.keys = {"first": Ed25519PrivateKey.generate()}
        self.publish()

    def publish(self, *extra: dict[str, Any]) -> None:
        keys = [
            {**jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id}
            for key_id, key in self.keys.items()
        ]
        self.jwks.write_text(json.dumps({"keys": [*keys, *extra]}))

    def token(self, *, kid: str | None = "first", drop: str = "", **claims: Any) -> str:
        usual = {
            "iss": "cairn-local",
            "aud": "cairn",
            "sub": "someone",
            "exp": int(time.time()) + 600,
            "scope": "stones:read stones:write",
            "kind": "human",
        }
        chosen = {name: claim for name, claim in {**usual, **claims}.items() if name != drop}
        headers = {"kid": kid} if kid else {}
        key = self.keys.get(kid or "first", next(iter(self.keys.values())))
        return jwt.encode(chosen, key, algorithm="EdDSA", headers=headers)

    def bearer(self, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**claims)}"}


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    """Keep structlog from drawing every traceback for a terminal."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_as_text])
    yield
    structlog.reset_defaults()


def _as_text(_logger: object, _method: str, fields: Any) -> str:
    return str(fields)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def settings(issuer: Issuer) -> StoneSettings:
    return stone_settings(issuer)


def stone_settings(issuer: Issuer, **changes: Any) -> StoneSettings:
    return StoneSettings(
        database_url="postgresql://u:p@127.0.0.1:1/none",
        nats_url="nats://127.0.0.1:1",
        jwks=str(issuer.jwks),
        **changes,
    )


@asynccontextmanager
async def no_resources(_app: FastAPI) -> AsyncIterator[None]:
    yield


AppFactory = Callable[..., FastAPI]


@pytest.fixture
def make_app(issuer: Issuer) -> AppFactory:
    def make(*routers: APIRouter, problems: ProblemTable | None = None, **changes: Any) -> FastAPI:
        return create_app(
            title="Stones",
            version="1",
            settings=stone_settings(issuer, **changes),
            routers=routers,
            problems=problems or {},
            lifespan=no_resources,
        )

    return make


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://stones") as client:
        yield client
