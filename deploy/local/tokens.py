"""The local stack's own issuer of access tokens: its key, the keys it publishes, its roles.

Tokens are JSON Web Tokens signed with EdDSA over Ed25519 (RFC 8037). Elsewhere an OIDC issuer
takes this place; the services only ever see the published keys.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.utils import base64url_encode

from deploy.local.secret_files import write_secret

ISSUER = "cairn-local"
AUDIENCE = "cairn"
ALGORITHM = "EdDSA"
LONGEST_VALIDITY = timedelta(days=30)


class Kind(StrEnum):
    """What sort of actor a token stands for; it is recorded with all that the actor does."""

    HUMAN = "human"
    SERVICE = "service"
    AUTOMATION = "automation"


class Role(StrEnum):
    """The parts a token of the local stack can be made for."""

    ADMIN = "admin"
    LEAD = "lead"
    PRODUCER = "producer"
    AUDITOR = "auditor"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role is and may do."""

    kind: Kind
    scopes: Sequence[str]


GRANTS: Mapping[Role, Grant] = MappingProxyType(
    {
        Role.ADMIN: Grant(
            Kind.HUMAN,
            (
                "goals:read",
                "goals:write",
                "goals:admin",
                "readings:write",
                "kpis:read",
                "kpis:write",
                "audit:read",
                "projections:read",
                "projections:admin",
            ),
        ),
        Role.LEAD: Grant(
            Kind.HUMAN, ("goals:read", "goals:write", "kpis:read", "projections:read")
        ),
        Role.PRODUCER: Grant(Kind.SERVICE, ("readings:write", "kpis:read")),
        Role.AUDITOR: Grant(
            Kind.HUMAN, ("audit:read", "goals:read", "kpis:read", "projections:read")
        ),
        Role.READER: Grant(Kind.HUMAN, ("goals:read", "kpis:read", "projections:read")),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who a token is for, and what it allows.

    `teams` are those the bearer acts for; `kpis` are the patterns (as in `fnmatch`) of the KPI
    keys that the bearer may publish readings of.
    """

    subject: str
    kind: Kind
    scopes: Sequence[str]
    teams: Sequence[str] = ()
    kpis: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        role: Role,
        *,
        subject: str | None = None,
        teams: Sequence[str] = (),
        kpis: Sequence[str] = ("*",),
    ) -> Self:
        """Describe a bearer of a role, who without a subject is the local stack's own."""
        grant = GRANTS[role]
        return cls(
            subject=subject or f"local-{role}",
            kind=grant.kind,
            scopes=grant.scopes,
            teams=teams,
            kpis=kpis if "readings:write" in grant.scopes else (),
        )


class TokenIssuer:
    """Signs tokens with the key kept in a directory, which it creates the first time."""

    def __init__(self, keys: Path) -> None:
        self._keys = keys
        self._private_key = _kept_key(keys / "signing.pem")
        self._key_id = _thumbprint(self._private_key)

    @property
    def jwks_file(self) -> Path:
        """The public keys for those who check tokens, as a JSON Web Key Set (RFC 7517)."""
        return self._keys / "jwks.json"

    def publish_keys(self) -> None:
        """Write the file that `jwks_file` names."""
        key = {
            **_public_members(self._private_key),
            "kid": self._key_id,
            "use": "sig",
            "alg": ALGORITHM,
        }
        self.jwks_file.write_text(json.dumps({"keys": [key]}, indent=2))

    def mint(self, bearer: Bearer, *, now: datetime, validity: timedelta) -> str:
        """Return a signed token that is valid from now on; ValueError if for too long or no time.

        A token cannot be called back, so its validity is at most LONGEST_VALIDITY.
        """
        if not timedelta(0) < validity <= LONGEST_VALIDITY:
            raise ValueError(f"a token is valid for up to {LONGEST_VALIDITY.days} days")
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": bearer.subject,
            "iat": now,
            "exp": now + validity,
            "jti": secrets.token_hex(8),
            "kind": bearer.kind,
            "scope": " ".join(bearer.scopes),
            "teams": list(bearer.teams),
            "kpis": list(bearer.kpis),
        }
        headers = {"kid": self._key_id}
        return jwt.encode(claims, self._private_key, algorithm=ALGORITHM, headers=headers)


def _kept_key(path: Path) -> Ed25519PrivateKey:
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey), f"{path} holds another kind of key"
        return key
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _public_members(key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the members that define the public key (RFC 8037, section 2)."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url_encode(raw).decode()}


def _thumbprint(key: Ed25519PrivateKey) -> str:
    """Name a key by what it is (RFC 7638: its members sorted, without white space, hashed)."""
    members = json.dumps(_public_members(key), sort_keys=True, separators=(",", ":"))
    return base64url_encode(sha256(members.encode()).digest()).decode()
