"""The address of a service's schema, derived from the superuser's."""

import pytest

from deploy.databases import service_url


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (
            "postgresql://postgres:admin@127.0.0.1:5432/postgres",
            "postgresql://goals:p%40ss@127.0.0.1:5432/cairn",
        ),
        (
            "postgresql://postgres@db/postgres?sslmode=require",
            "postgresql://goals:p%40ss@db/cairn?sslmode=require",
        ),
    ],
)
def test_a_service_reaches_the_same_server_as_its_own_role(admin: str, expected: str) -> None:
    assert service_url(admin, "goals", "p@ss") == expected
