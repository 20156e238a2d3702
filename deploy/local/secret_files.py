"""Files that only their owner may read: written as a whole, or created once and kept."""

import os
import secrets
from pathlib import Path

_GENERATED_BYTES = 24


def write_secret(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, replacing any earlier one as a whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)


def kept_password(path: Path) -> str:
    """Return the password kept in a file, generating it the first time.

    It is hexadecimal behind a letter, so that no URL, SQL or configuration needs it escaped.
    """
    if not path.exists():
        write_secret(path, f"p{secrets.token_hex(_GENERATED_BYTES)}".encode())
    return path.read_text()
