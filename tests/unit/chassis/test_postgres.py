from typing import Any

import pytest
from structlog.testing import capture_logs

from services.chassis.postgres import (
    DatabaseAddress,
    UnsupportedServerError,
    check_server_version,
    session_options,
)
from tests.unit.chassis.conftest import StoneSettings


@pytest.mark.parametrize(
    ("conninfo", "parts"),
    [
        (
            "postgresql://rock:h%40rd@db.example:6543/piles?connect_timeout=9",
            ("piles", "db.example", 6_543, "rock", "h@rd"),
        ),
        ("host=/run/pg dbname=piles user=rock", ("piles", "/run/pg", 5_432, "rock", "")),
        ("postgresql://rock@[::1]/", ("rock", "::1", 5_432, "rock", "")),
        ("", ("postgres", "127.0.0.1", 5_432, "postgres", "")),
    ],
)
def test_a_connection_url_is_taken_apart(conninfo: str, parts: tuple[Any, ...]) -> None:
    address = DatabaseAddress.parse(conninfo)
    assert parts == (
        address.dbname,
        address.host,
        address.port,
        address.user,
        address.password,
    )


def test_an_address_does_not_show_its_password() -> None:
    assert "hard" not in repr(DatabaseAddress.parse("postgresql://rock:hard@db/piles"))


def test_every_session_is_bounded(settings: StoneSettings) -> None:
    options = session_options(settings)
    assert options["connect_timeout"] == 2
    assert options["application_name"] == "cairn-stones"
    assert "-c search_path=stones" in options["options"]
    assert "-c statement_timeout=15000" in options["options"]
    assert "-c lock_timeout=5000" in options["options"]


@pytest.mark.parametrize("number", [150_001, 160_004, 170_000, 180_006])
def test_the_supported_servers_pass_in_silence(number: int) -> None:
    with capture_logs() as lines:
        check_server_version(number)
    assert lines == []


def test_a_server_that_is_too_old_is_refused() -> None:
    with pytest.raises(UnsupportedServerError, match="PostgreSQL 14 is too old"):
        check_server_version(140_012)


def test_a_server_nobody_tested_is_pointed_out() -> None:
    with capture_logs() as lines:
        check_server_version(190_000)
    assert lines[0]["event"] == "untested_postgres"
