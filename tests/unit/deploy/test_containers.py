"""The containers: loopback ports, no secret in a file, and only locked dependencies."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SERVICES = ("goals", "metrics", "projections")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    return parsed


def environment_of(compose: dict[str, Any], name: str) -> dict[str, str]:
    environment: dict[str, str] = compose["services"][name].get("environment", {})
    return environment


def test_ports_are_shown_to_this_machine_alone(compose: dict[str, Any]) -> None:
    shown = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(shown) == len(SERVICES) + 1
    assert all(port.startswith("127.0.0.1:") for port in shown)


def test_every_secret_comes_from_outside(compose: dict[str, Any]) -> None:
    secrets = [
        value
        for name in compose["services"]
        for variable, value in environment_of(compose, name).items()
        if variable.endswith(("PASSWORD", "DATABASE_URL"))
    ]
    assert len(secrets) == 16
    assert all(re.search(r"\$\{CAIRN_[A-Z_]+_PASSWORD:\?", secret) for secret in secrets)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_goes_to_the_servers_as_itself(compose: dict[str, Any], service: str) -> None:
    environment = environment_of(compose, service)
    assert environment["CAIRN_NATS_USER"] == service
    assert (
        f"//{service}:${{CAIRN_{service.upper()}_DATABASE_PASSWORD"
        in (environment["CAIRN_DATABASE_URL"])
    )


@pytest.mark.parametrize("service", [*SERVICES, "databases"])
def test_every_image_that_is_built_has_its_target(compose: dict[str, Any], service: str) -> None:
    target = compose["services"][service]["build"]["target"]
    assert f" AS {target}\n" in (ROOT / "deploy" / "Dockerfile").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_no_version_but_the_tested_one(service: str) -> None:
    tested = pinned(ROOT / "requirements.lock")
    assert pinned(ROOT / "deploy" / "requirements" / f"{service}.lock") <= tested


def pinned(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9_.-]+==[^ ]+", lock.read_text(), re.MULTILINE))


def test_every_password_that_the_bus_asks_for_is_given(compose: dict[str, Any]) -> None:
    asked = set()
    for name in ("nats.conf", "accounts.conf"):
        lines = (ROOT / "deploy" / "nats" / name).read_text().splitlines()
        code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        asked |= set(re.findall(r"\$(CAIRN_[A-Z_]+)", code))
    assert asked == set(environment_of(compose, "nats"))
