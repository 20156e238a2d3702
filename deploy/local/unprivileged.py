"""The user that PostgreSQL runs as when the stack is started by root, and what it may reach."""

import os
import pwd
import stat
from pathlib import Path

from deploy.local.child_process import Identity

# What `nobody` is by convention, where the user database does not name it.
_NOBODY = Identity(uid=65534, gid=65534)


def unprivileged_identity() -> Identity | None:
    """Return whom to become: `postgres`, else `nobody`; None if this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(uid=user.pw_uid, gid=user.pw_gid)
    return _NOBODY


def blocking_directory(path: Path, identity: Identity) -> Path | None:
    """Return the outermost directory above a path that the identity cannot enter, if any.

    Directories that do not exist yet are passed over: who creates them decides.
    """
    for directory in reversed(path.absolute().parents):
        if directory.exists() and not _may_execute(directory.stat(), identity):
            return directory
    return None


def may_run(program: Path, identity: Identity) -> bool:
    """Tell whether the identity can reach and execute a program."""
    program = program.resolve()
    return blocking_directory(program, identity) is None and _may_execute(program.stat(), identity)


def _may_execute(status: os.stat_result, identity: Identity) -> bool:
    if status.st_uid == identity.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == identity.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
