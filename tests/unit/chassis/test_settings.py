import pytest
from pydantic import ValidationError

from services.chassis.settings import EXIT_BAD_SETTINGS, ServiceSettings


class PebbleSettings(ServiceSettings):
    service: str = "pebbles"
    db_schema: str = "pebbles"
    port: int = 8_700


REQUIRED = {
    "CAIRN_DATABASE_URL": "postgresql://rock:hard@db/pebbles",
    "CAIRN_NATS_URL": "nats://bus:4222",
    "CAIRN_JWKS": "/keys.json",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PebbleSettings.model_fields:
        monkeypatch.delenv(f"CAIRN_{name.upper()}", raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_is_not_set_has_a_safe_default() -> None:
    settings = PebbleSettings.load()
    assert settings.host == "127.0.0.1"
    assert settings.port == 8_700
    assert settings.max_body_bytes == 8 * 1024 * 1024
    assert settings.otlp_endpoint is None


def test_an_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CAIRN_OTLP_ENDPOINT", "")
    environment.setenv("CAIRN_PORT", "")
    assert PebbleSettings.load().port == 8_700
    assert PebbleSettings.load().otlp_endpoint is None


def test_secrets_do_not_show_when_the_settings_are_printed(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("CAIRN_NATS_PASSWORD", "hush")
    shown = repr(PebbleSettings.load())
    assert "hard" not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_variable_is_named_in_one_line(
    missing: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv(missing)
    with pytest.raises(SystemExit) as stopped:
        PebbleSettings.load()
    assert stopped.value.code == EXIT_BAD_SETTINGS == 2
    assert capsys.readouterr().err == f"PebbleSettings: {missing}: Field required\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAIRN_PORT", "70000"),
        ("CAIRN_PORT", "secret-port"),
        ("CAIRN_LOG_LEVEL", "chatty"),
        ("CAIRN_DB_SCHEMA", "robert'; drop"),
        ("CAIRN_SERVICE", "no good name"),
        ("CAIRN_DATABASE_URL", "postgresql://rock:hard@db:nowhere/x y=z"),
        ("CAIRN_MAX_BODY_BYTES", "0"),
        ("CAIRN_DRAIN_SECONDS", "-1"),
    ],
)
def test_a_bad_value_is_named_but_not_repeated(
    name: str,
    value: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit):
        PebbleSettings.load()
    said = capsys.readouterr().err
    assert said.startswith(f"PebbleSettings: {name}: ")
    assert said.count("\n") == 1
    assert value not in said
    assert "Traceback" not in said


def test_every_fault_is_named_at_once(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("CAIRN_JWKS")
    environment.setenv("CAIRN_PORT", "0")
    with pytest.raises(SystemExit):
        PebbleSettings.load()
    said = capsys.readouterr().err
    assert "CAIRN_JWKS" in said
    assert "CAIRN_PORT" in said


def test_settings_do_not_change_once_read() -> None:
    settings = PebbleSettings.load()
    with pytest.raises(ValidationError):
        settings.port = 1
