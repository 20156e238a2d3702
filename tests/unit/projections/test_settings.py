"""Which groups a process keeps up to date."""

import pytest

from services.projections.settings import ALL_GROUPS, ProjectionsSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_DATABASE_URL", "postgresql:///nowhere")
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://nowhere")
    monkeypatch.setenv("CAIRN_JWKS", "nowhere")
    monkeypatch.delenv("CAIRN_PROJECTIONS_GROUPS", raising=False)


def test_a_process_keeps_all_groups_unless_told_else() -> None:
    assert ProjectionsSettings.load().projections_groups == ALL_GROUPS


def test_groups_are_named_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_PROJECTIONS_GROUPS", " okrs ,okrs")
    assert ProjectionsSettings.load().projections_groups == ("okrs",)


def test_a_group_nobody_knows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAIRN_PROJECTIONS_GROUPS", "okrs,weather")
    with pytest.raises(SystemExit):
        ProjectionsSettings.load()
    assert "CAIRN_PROJECTIONS_GROUPS" in capsys.readouterr().err
