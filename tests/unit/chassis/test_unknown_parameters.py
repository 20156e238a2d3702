"""A query parameter that a route does not know is refused, and what there is, is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query

from services.chassis.app import create_app
from services.chassis.parameters import AsOf
from services.chassis.settings import ServiceSettings


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter(prefix="/v1")

    @router.get("/stones")
    async def stones(
        as_of: AsOf, colour: Annotated[str | None, Query(alias="color")] = None
    ) -> str:
        return f"{colour} {as_of}"

    @router.get("/plain")
    async def plain() -> str:
        return "plain"

    settings = ServiceSettings.model_validate(
        {
            "service": "test",
            "db_schema": "test",
            "port": 1,
            "database_url": "postgresql://unused",
            "nats_url": "nats://unused",
            "jwks": str(tmp_path / "jwks.json"),
        }
    )
    app = create_app(
        title="test",
        version="1",
        settings=settings,
        routers=[router],
        problems={},
        lifespan=nothing,
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_known_parameters_are_taken(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/stones?color=grey&as_of=2026-01-01T00:00:00Z")
    assert answer.status_code == 200
    assert answer.json() == "grey 2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize("name", ["colour", "asof", "", "COLOR"])
async def test_an_unknown_parameter_is_refused_with_what_there_is(
    client: httpx.AsyncClient, name: str
) -> None:
    answer = await client.get(f"/v1/stones?color=grey&{name}=x")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert fault["code"] == "unknown_parameter"
    assert fault["detail"].endswith("there is as_of, color")


async def test_a_resource_without_parameters_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/plain?x=1")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"].endswith("this resource takes none")
    assert (await client.get("/v1/plain")).status_code == 200


async def test_a_flood_of_parameters_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/stones?" + "&".join(f"p{n}=1" for n in range(200)))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 1
