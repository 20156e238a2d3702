"""The database, and for each service a role that owns its own schema and sees no other.

Run as `python -m deploy.databases` where a PostgreSQL was provided (compose does):
CAIRN_ADMIN_DATABASE_URL is a superuser's address, and CAIRN_GOALS_DATABASE_PASSWORD and its
kin are the passwords that the services' roles get.
"""

import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import Connection, sql

DATABASE = "cairn"
SERVICES = ("goals", "metrics", "projections")
CONNECT_SECONDS = 30


def prepare_databases(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Create the database, roles and schemas that are missing; set the roles' passwords.

    `passwords` has one entry per service; a service's role and schema bear its name.
    """
    with _connect(admin_url) as connection:
        for service in SERVICES:
            _ensure_role(connection, service, passwords[service])
        _ensure_database(connection)
    with _connect(_in_database(admin_url)) as connection:
        for service in SERVICES:
            connection.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {0} AUTHORIZATION {0}").format(
                    sql.Identifier(service)
                )
            )


def service_url(admin_url: str, service: str, password: str) -> str:
    """Return the address under which a service reaches its schema, as its own role."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(
        netloc=f"{service}:{quote(password, safe='')}@{host}", path=f"/{DATABASE}"
    ).geturl()


def _connect(url: str) -> Connection[tuple[object, ...]]:
    # CREATE DATABASE refuses to run inside a transaction.
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)


def _in_database(admin_url: str) -> str:
    return urlsplit(admin_url)._replace(path=f"/{DATABASE}").geturl()


def _ensure_role(connection: Connection[tuple[object, ...]], name: str, password: str) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    # Hashed on this side, so that the server's log can never show the password.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(name), sql.Literal(verifier.decode())
        )
    )


def _ensure_database(connection: Connection[tuple[object, ...]]) -> None:
    known = connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
    ).fetchone()
    database = sql.Identifier(DATABASE)
    if known is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(database)
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
            database, sql.SQL(", ").join(map(sql.Identifier, SERVICES))
        )
    )


def _passwords_from_environment() -> dict[str, str]:
    return {
        service: os.environ[f"CAIRN_{service.upper()}_DATABASE_PASSWORD"] for service in SERVICES
    }


if __name__ == "__main__":
    prepare_databases(os.environ["CAIRN_ADMIN_DATABASE_URL"], _passwords_from_environment())
