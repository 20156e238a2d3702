"""The stack's data directory: what lies where in it, and that one stack at a time uses it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from deploy.local.secret_files import kept_password
from deploy.local.server_errors import ServerError
from deploy.local.unprivileged import blocking_directory, unprivileged_identity
from deploy.local.waiting import wait_until

# After a stack was killed its children need a moment to end; they hold the lock until then.
PREDECESSOR_SECONDS = 12.0

# Where root keeps the data of a PostgreSQL that cannot reach CAIRN_HOME: state of a service
# that root runs belongs here (Filesystem Hierarchy Standard, section 5.8).
_SYSTEM_STATE = Path("/var/lib/cairn")


class HomeInUseError(ServerError):
    """Another stack runs on this data directory."""


@dataclass(frozen=True, slots=True)
class StackHome:
    """The places within one data directory."""

    root: Path

    @property
    def keys(self) -> Path:
        """The token issuer's keys."""
        return self.root / "keys"

    @property
    def passwords(self) -> Path:
        """The generated passwords of the servers' users, one file each."""
        return self.root / "passwords"

    @property
    def nats(self) -> Path:
        """The bus's configuration and streams."""
        return self.root / "nats"

    @property
    def running(self) -> Path:
        """The file that describes the stack while it runs."""
        return self.root / "running.json"

    def password(self, user: str) -> str:
        """Return the password of a server's user, generating it the first time."""
        return kept_password(self.passwords / user)

    def log(self, name: str) -> Path:
        """Return the log file of one of the stack's processes."""
        return self.root / "logs" / f"{name}.log"

    def postgres(self) -> Path:
        """Return PostgreSQL's directory, elsewhere if its unprivileged user cannot reach this one.

        Started by root, PostgreSQL runs as another user; root's own directories are closed to it.
        """
        inside = self.root / "postgres"
        identity = unprivileged_identity()
        if identity is None or blocking_directory(inside, identity) is None:
            return inside
        name = sha256(os.fsencode(self.root.absolute())).hexdigest()[:16]
        return _SYSTEM_STATE / name / "postgres"

    def create(self) -> None:
        """Create the directories that do not exist; those within are for their owner alone."""
        # Root's home must be passed through by PostgreSQL's user, but not be listed.
        self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        for directory in (self.keys, self.passwords, self.nats, self.root / "logs"):
            directory.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def locked(home: StackHome) -> Iterator[int]:
    """Keep other stacks off a data directory; yield the locked file's descriptor.

    The lock belongs to the open file: children that hold it open too keep it until the last of
    them has ended, and what the kernel has closed needs no cleaning up. Raises HomeInUseError.
    """
    descriptor = os.open(home.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, home.root)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, root: Path) -> None:
    if _try_lock(descriptor):
        return
    holder = os.pread(descriptor, 32, 0).decode()
    # A holder that is gone has only left children behind, which are about to end.
    if not _is_alive(holder) and wait_until(lambda: _try_lock(descriptor), PREDECESSOR_SECONDS):
        return
    raise HomeInUseError(
        f"another stack (process {holder}) uses {root}: stop it, or start this one beside it with "
        "another CAIRN_HOME and another CAIRN_PORT_BASE"
    )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
