from pathlib import Path

import pytest

from services.chassis.migrations import MigrationError, load_migrations


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / f"migrations_of_{tmp_path.name}"
    folder.mkdir()
    return folder


def test_files_come_in_the_order_of_their_numbers(package: Path) -> None:
    for name in ("0010_j", "0002_b", "0001_a", *(f"000{n}_x" for n in range(3, 10))):
        (package / f"{name}.sql").write_text(f"SELECT '{name}'")
    (package / "README.md").write_text("Not one of them.")
    (package / "0001_a.sql.orig").write_text("Nor this.")
    migrations = load_migrations(package.name)
    assert [migration.number for migration in migrations] == list(range(1, 11))
    assert migrations[1].statements == "SELECT '0002_b'"
    assert len(migrations[0].checksum) == 64


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("0002_b",),
        ("0001_a", "0003_c"),
        ("0001_a", "0001_b"),
    ],
)
def test_a_gap_or_a_number_used_twice_is_refused(names: tuple[str, ...], package: Path) -> None:
    for name in names:
        (package / f"{name}.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="not numbered"):
        load_migrations(package.name)
