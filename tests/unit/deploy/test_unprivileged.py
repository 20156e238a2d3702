"""Which directories stop the user that PostgreSQL runs as."""

import os
from pathlib import Path

import pytest

from deploy.local.child_process import Identity
from deploy.local.unprivileged import blocking_directory, may_run

STRANGER = Identity(uid=65534, gid=65534)


@pytest.mark.parametrize(("mode", "blocks"), [(0o700, True), (0o744, True), (0o711, False)])
def test_a_directory_blocks_whom_it_does_not_let_pass(
    open_directory: Path, mode: int, blocks: bool
) -> None:
    directory = open_directory / "perhaps closed"
    directory.mkdir()
    directory.chmod(mode)
    found = blocking_directory(directory / "data", STRANGER)
    assert found == (directory if blocks else None)


def test_its_owner_may_enter_a_directory_closed_to_others(tmp_path: Path) -> None:
    owner = Identity(uid=os.geteuid(), gid=os.getegid())
    (tmp_path / "mine").mkdir(mode=0o700)
    assert blocking_directory(tmp_path / "mine" / "data", owner) is None


def test_a_directory_that_is_yet_to_be_made_blocks_no_one(tmp_path: Path) -> None:
    owner = Identity(uid=os.geteuid(), gid=os.getegid())
    assert blocking_directory(tmp_path / "new" / "newer" / "data", owner) is None


def test_a_program_must_be_executable_and_within_reach(tmp_path: Path) -> None:
    owner = Identity(uid=os.geteuid(), gid=os.getegid())
    program = tmp_path / "program"
    program.touch(mode=0o644)
    assert not may_run(program, owner)
    program.chmod(0o755)
    assert may_run(program, owner)
    program.parent.chmod(0o600)
    assert not may_run(program, owner)
    program.parent.chmod(0o700)
