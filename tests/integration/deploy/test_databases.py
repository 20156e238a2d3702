"""Each service owns its schema, sees no other, and no password lies about in the server."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from deploy.databases import DATABASE, SERVICES, prepare_databases, service_url
from services.chassis.migrations import migrate

PASSWORDS = {service: f"{service}-secret" for service in SERVICES}


@pytest.fixture
def prepared(postgres_url: str) -> Iterator[str]:
    """The superuser's address of a prepared server.

    The roles and the database have fixed names on a server that all test workers share, so only
    this file, which runs in one worker, prepares it.
    """
    prepare_databases(postgres_url, PASSWORDS)
    yield postgres_url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(DATABASE)))
        for service in SERVICES:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(service)))


def address(prepared: str, service: str) -> str:
    return service_url(prepared, service, PASSWORDS[service])


def test_a_service_migrates_its_own_schema(prepared: str) -> None:
    migrate(
        address(prepared, "goals"), schema="goals", package="services.chassis.eventstore.migrations"
    )
    with psycopg.connect(address(prepared, "goals")) as connection:
        connection.execute("CREATE TEMPORARY TABLE batch (value int)")
        row = connection.execute("SELECT count(*) FROM goals.stored_events").fetchone()
    assert row == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM goals.secrets",
        "CREATE TABLE goals.mine (value int)",
        "CREATE TABLE public.mine (value int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
    ],
)
def test_a_service_reaches_nothing_but_its_own_schema(prepared: str, statement: str) -> None:
    with psycopg.connect(address(prepared, "goals")) as connection:
        connection.execute("CREATE TABLE goals.secrets (value int)")
    with (
        psycopg.connect(address(prepared, "metrics"), autocommit=True) as connection,
        pytest.raises(InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_preparing_again_keeps_the_data_and_takes_new_passwords(prepared: str) -> None:
    with psycopg.connect(address(prepared, "goals")) as connection:
        connection.execute("CREATE TABLE goals.stones AS SELECT 7 AS weight")
    prepare_databases(prepared, PASSWORDS | {"goals": "another"})
    with psycopg.connect(service_url(prepared, "goals", "another")) as connection:
        assert connection.execute("SELECT weight FROM goals.stones").fetchone() == (7,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address(prepared, "goals"))
