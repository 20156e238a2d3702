"""What the launcher tells its children, and what it keeps from them."""

from pathlib import Path

import pytest

from deploy.local.environments import NatsLogin, producer_environment, service_environment

LOGIN = NatsLogin("nats://127.0.0.1:4222", "goals", "secret")


def test_a_service_is_told_where_to_listen_and_whom_to_believe() -> None:
    environment = service_environment(
        port=8601, database_url="postgresql://db", nats=LOGIN, jwks_file=Path("keys/jwks.json")
    )
    assert environment["CAIRN_HOST"] == "127.0.0.1"
    assert environment["CAIRN_PORT"] == "8601"
    assert environment["CAIRN_DATABASE_URL"] == "postgresql://db"
    assert environment["CAIRN_JWKS"] == "keys/jwks.json"
    assert environment["CAIRN_NATS_USER"] == "goals"
    assert environment["CAIRN_NATS_PASSWORD"] == "secret"


def test_an_address_given_by_the_operator_carries_its_own_login() -> None:
    assert NatsLogin("nats://u:p@bus:4222").variables() == {"CAIRN_NATS_URL": "nats://u:p@bus:4222"}


def test_tuning_reaches_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_LOG_LEVEL", "debug")
    environment = service_environment(
        port=8601, database_url="postgresql://db", nats=LOGIN, jwks_file=Path("jwks.json")
    )
    assert environment["CAIRN_LOG_LEVEL"] == "debug"


def test_local_webhooks_may_stay_on_the_machine_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told() -> str:
        environment = service_environment(
            port=8601, database_url="postgresql://db", nats=LOGIN, jwks_file=Path("jwks.json")
        )
        return environment["CAIRN_WEBHOOK_PRIVATE_HOSTS"]

    assert told() == "yes"
    monkeypatch.setenv("CAIRN_WEBHOOK_PRIVATE_HOSTS", "no")
    assert told() == "no"


def test_producers_know_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_DATABASE_URL", "postgresql://owner:secret@db")
    environment = producer_environment(
        metrics_url="http://127.0.0.1:8602", nats=LOGIN, token="token"
    )
    assert "CAIRN_DATABASE_URL" not in environment
    assert environment["CAIRN_METRICS_URL"] == "http://127.0.0.1:8602"
    assert environment["CAIRN_TOKEN"] == "token"
