"""Signatures of the Standard Webhooks specification 1.0.0: HMAC-SHA256 over id, time and body."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from services.goals.webhooks.errors import MalformedSecretError

PREFIX: Final = "whsec_"
GENERATED_BYTES: Final = 32
# The specification's bounds.
MIN_BYTES: Final = 24
MAX_BYTES: Final = 64
HINT_CHARACTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Secret:
    """What sender and receiver share. It is kept as it is, since it signs; no repr shows it."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A new secret."""
        return cls(secrets.token_bytes(GENERATED_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `whsec_` and base64. Raises MalformedSecretError, which does not repeat it."""
        try:
            key = b64decode(text.removeprefix(PREFIX), validate=True)
        except ValueError:
            key = b""
        if not text.startswith(PREFIX) or not MIN_BYTES <= len(key) <= MAX_BYTES:
            raise MalformedSecretError(
                f"A secret is {PREFIX} and the base64 of {MIN_BYTES} to {MAX_BYTES} bytes."
            )
        return cls(key)

    def reveal(self) -> str:
        """The secret as its receiver is told it, once."""
        return PREFIX + b64encode(self.key).decode("ascii")

    def hint(self) -> str:
        """Its last characters: enough to tell two secrets apart, too little to guess one."""
        return self.reveal().rstrip("=")[-HINT_CHARACTERS:]


def sign(secret: Secret, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature: `v1,` and the base64 of the MAC. `timestamp` is in whole Unix seconds."""
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    mac = hmac.digest(secret.key, signed, hashlib.sha256)
    return "v1," + b64encode(mac).decode("ascii")


def signed_headers(
    secrets_: Sequence[Secret], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of the specification, with one signature for each secret that holds."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            sign(each, message_id=message_id, timestamp=timestamp, body=body) for each in secrets_
        ),
    }
