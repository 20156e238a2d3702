"""The local issuer: tokens that the published keys confirm, and no more power than a role has."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from deploy.local.tokens import LONGEST_VALIDITY, Bearer, Kind, Role, TokenIssuer

HOUR = timedelta(hours=1)


def mint(keys: Path, bearer: Bearer, now: datetime | None = None) -> dict[str, Any]:
    """Mint a token and read it as a service does: with nothing but the published keys."""
    issuer = TokenIssuer(keys)
    issuer.publish_keys()
    token = issuer.mint(bearer, now=now or datetime.now(UTC), validity=HOUR)
    published = jwt.PyJWKSet.from_json(issuer.jwks_file.read_text())
    key = published[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["EdDSA"], audience="cairn", issuer="cairn-local")


def test_a_token_says_who_and_what(tmp_path: Path) -> None:
    bearer = Bearer(
        subject="scale-7",
        kind=Kind.SERVICE,
        scopes=("readings:write", "kpis:read"),
        teams=("logistics",),
        kpis=("warehouse.*",),
    )
    now = datetime.now(UTC).replace(microsecond=0)
    claims = mint(tmp_path, bearer, now)
    assert claims["sub"] == "scale-7"
    assert claims["kind"] == "service"
    assert claims["scope"] == "readings:write kpis:read"
    assert claims["teams"] == ["logistics"]
    assert claims["kpis"] == ["warehouse.*"]
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] == now.timestamp()


def test_an_expired_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        mint(tmp_path, Bearer.of(Role.READER), datetime.now(UTC) - 2 * HOUR)


def test_another_stacks_token_is_refused(tmp_path: Path) -> None:
    ours, theirs = TokenIssuer(tmp_path / "ours"), TokenIssuer(tmp_path / "theirs")
    ours.publish_keys()
    forged = theirs.mint(Bearer.of(Role.ADMIN), now=datetime.now(UTC), validity=HOUR)
    published = jwt.PyJWKSet.from_json(ours.jwks_file.read_text())
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, published.keys[0], algorithms=["EdDSA"], audience="cairn")


def test_the_key_is_kept_and_no_one_elses_to_read(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    TokenIssuer(keys).publish_keys()
    first = (keys / "jwks.json").read_text()
    TokenIssuer(keys).publish_keys()
    assert (keys / "jwks.json").read_text() == first
    assert stat.S_IMODE((keys / "signing.pem").stat().st_mode) == 0o600


def test_only_the_public_half_is_published(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    issuer.publish_keys()
    [key] = json.loads(issuer.jwks_file.read_text())["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}


@pytest.mark.parametrize("validity", [timedelta(0), -HOUR, LONGEST_VALIDITY + HOUR])
def test_a_token_is_not_valid_for_ever_nor_for_no_time(tmp_path: Path, validity: timedelta) -> None:
    with pytest.raises(ValueError, match="valid for up to 30 days"):
        TokenIssuer(tmp_path).mint(Bearer.of(Role.READER), now=datetime.now(UTC), validity=validity)


def test_only_roles_that_publish_readings_name_kpis() -> None:
    naming = {role for role in Role if Bearer.of(role).kpis}
    assert naming == {Role.ADMIN, Role.PRODUCER}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.READER])
def test_who_only_looks_cannot_write(role: Role) -> None:
    assert all(scope.endswith(":read") for scope in Bearer.of(role).scopes)


def test_a_producer_sees_no_goals() -> None:
    bearer = Bearer.of(Role.PRODUCER, kpis=("sales.*",))
    assert bearer.kind is Kind.SERVICE
    assert not any(scope.startswith("goals") for scope in bearer.scopes)
    assert bearer.kpis == ("sales.*",)
