import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import psycopg
import psycopg_pool
import pytest
from fastapi import APIRouter, FastAPI
from structlog.testing import capture_logs

from services.chassis import auth, parameters, postgres
from services.chassis.app import CHASSIS_PROBLEMS, create_app
from services.chassis.migrations import MigrationError
from services.chassis.postgres import DatabaseUnavailableError, UnsupportedServerError
from services.chassis.problems import Problem, find_problem
from tests.unit.chassis.conftest import AppFactory, Issuer, calling, stone_settings


@pytest.mark.parametrize("module", [auth, parameters, postgres])
def test_no_error_of_the_chassis_becomes_a_500(module: ModuleType) -> None:
    errors = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and each.__module__ == module.__name__
    ]
    at_start = {UnsupportedServerError}
    assert errors
    unmapped = {each for each in errors if find_problem(CHASSIS_PROBLEMS, each) is None}
    assert unmapped - at_start == set()


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailableError(),
        psycopg_pool.PoolTimeout("host=db user=rock"),
        psycopg.errors.QueryCanceled("host=db user=rock"),
    ],
)
async def test_a_database_that_is_away_is_503_and_tells_nothing_of_itself(
    error: Exception, make_app: AppFactory
) -> None:
    router = APIRouter()

    @router.get("/stones")
    async def stones() -> None:
        raise error

    async with calling(make_app(router)) as client:
        answer = await client.get("/stones")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["type"] == "urn:cairn:problem:unavailable"
    assert "rock" not in answer.text


async def test_a_services_own_table_goes_before_that_of_the_chassis(make_app: AppFactory) -> None:
    router = APIRouter()

    @router.get("/stones")
    async def stones() -> None:
        raise DatabaseUnavailableError

    buried = Problem("stones-buried", 503, "The stones are buried.")
    async with calling(make_app(router, problems={DatabaseUnavailableError: buried})) as client:
        answer = await client.get("/stones")
    assert answer.json()["type"] == "urn:cairn:problem:stones-buried"


async def test_routers_within_routers_are_served_and_measured_too(make_app: AppFactory) -> None:
    inner, outer = APIRouter(prefix="/stones"), APIRouter(prefix="/v1")

    @inner.get("/{number}")
    async def stone(number: int) -> int:
        return number

    outer.include_router(inner)
    app = make_app(outer)
    async with calling(app) as client:
        assert (await client.get("/v1/stones/7")).json() == 7
        metrics = (await client.get("/metrics")).text
    assert 'route="/v1/stones/{number}"' in metrics
    assert "/v1/stones/{number}" in app.openapi()["paths"]


async def test_what_the_lifespan_opens_it_closes(issuer: Issuer) -> None:
    told = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        told.append(f"opened by {app.state.settings.service}")
        yield
        told.append("closed")

    app = create_app(
        title="Stones",
        version="1",
        settings=stone_settings(issuer),
        routers=[],
        problems={},
        lifespan=lifespan,
    )
    async with app.router.lifespan_context(app):
        told.append("served")
    assert told == ["opened by stones", "served", "closed"]


async def test_what_keeps_a_service_from_running_is_one_plain_line(issuer: Issuer) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        raise MigrationError("The stones do not fit.")
        yield

    app = create_app(
        title="Stones",
        version="1",
        settings=stone_settings(issuer),
        routers=[],
        problems={},
        lifespan=lifespan,
    )
    with capture_logs() as lines, pytest.raises(MigrationError):
        async with app.router.lifespan_context(app):
            raise AssertionError
    assert lines == [
        {
            "event": "cannot_run",
            "reason": "The stones do not fit.",
            "cause": "",
            "log_level": "error",
        }
    ]
