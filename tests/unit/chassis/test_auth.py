import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends

from services.chassis import auth
from services.chassis.auth import (
    Caller,
    InvalidTokenError,
    KeySet,
    KeysUnavailableError,
    TokenVerifier,
    UnauthenticatedError,
    require,
)
from tests.unit.chassis.conftest import AppFactory, Issuer, calling


def verifier_of(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(KeySet(str(issuer.jwks)), issuer="cairn-local", audience="cairn")


async def check(issuer: Issuer, token: str) -> Caller:
    return await verifier_of(issuer).caller(b"Bearer " + token.encode())


async def test_a_token_says_who_is_calling_and_what_they_may_do(issuer: Issuer) -> None:
    token = issuer.token(
        sub="ana", kind="automation", scope="a:b c:d", teams=["blue"], kpis=["sales.*"]
    )
    assert await check(issuer, token) == Caller(
        id="ana",
        kind="automation",
        scopes=frozenset({"a:b", "c:d"}),
        teams=frozenset({"blue"}),
        kpi_patterns=("sales.*",),
    )


async def test_an_issuer_that_says_no_kind_speaks_of_its_users(issuer: Issuer) -> None:
    assert (await check(issuer, issuer.token(drop="kind"))).kind == "human"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"aud": "elsewhere"}, "another audience"),
        ({"iss": "stranger"}, "another issuer"),
        ({"drop": "exp"}, "lacks one of"),
        ({"drop": "sub"}, "lacks one of"),
        ({"drop": "aud"}, "lacks one of"),
        ({"drop": "iss"}, "lacks one of"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 201}, "subject"),
        ({"kind": "ghost"}, "kind"),
        ({"kind": ["human"]}, "kind"),
        ({"scope": 7}, "scope"),
        ({"teams": [1]}, "teams"),
        ({"kpis": {"a": 1}}, "kpis"),
        ({"kid": "unknown"}, "key the issuer does not have"),
    ],
)
async def test_a_token_that_does_not_hold_is_refused(
    claims: dict[str, Any], reason: str, issuer: Issuer
) -> None:
    with pytest.raises(InvalidTokenError, match=reason):
        await check(issuer, issuer.token(**claims))


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Bearer",
        b"Basic dXNlcjpwYXNz",
        b"Bearer ",
        b"Bearer garbage",
        b"Bearer a.b.c",
        b"Bearer \xff\xfe.x.y",
        b"Bearer " + b"a" * 9_000,
        b"Bearer eyJhbGciOiJFZERTQSIsImtpZCI6WzFdfQ.e30.c2ln",
    ],
)
async def test_garbage_is_no_token(header: bytes | None, issuer: Issuer) -> None:
    with pytest.raises(UnauthenticatedError):
        await verifier_of(issuer).caller(header)


async def test_a_token_without_signature_is_refused(issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "first"})
    with pytest.raises(InvalidTokenError):
        await check(issuer, unsigned)


async def test_a_public_key_does_not_serve_as_a_shared_secret(issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    public = issuer.keys["first"].public_key().public_bytes_raw()
    forged = jwt.encode(claims, public, algorithm="HS256", headers={"kid": "first"})
    with pytest.raises(InvalidTokenError, match="algorithm of its key"):
        await check(issuer, forged)


async def test_a_token_signed_by_someone_else_is_refused(issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    other = Ed25519PrivateKey.generate()
    forged = jwt.encode(claims, other, algorithm="EdDSA", headers={"kid": "first"})
    with pytest.raises(InvalidTokenError, match="signature"):
        await check(issuer, forged)


async def test_a_symmetric_key_in_the_key_set_is_not_used(issuer: Issuer) -> None:
    secret = b"k" * 32
    issuer.publish(
        {"kty": "oct", "k": jwt.utils.base64url_encode(secret).decode(), "kid": "shared"}
    )
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    forged = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "shared"})
    with pytest.raises(InvalidTokenError, match="key the issuer does not have"):
        await check(issuer, forged)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_the_other_two_algorithms_are_accepted(algorithm: str, issuer: Issuer) -> None:
    if algorithm == "RS256":
        key: Any = rsa.generate_private_key(65_537, 2_048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    issuer.publish({**public, "kid": "other"})
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "other"})
    assert (await check(issuer, token)).id == "someone"


async def test_a_token_that_names_no_key_holds_only_where_there_is_one_key(
    issuer: Issuer,
) -> None:
    token = issuer.token(kid=None)
    assert (await check(issuer, token)).id == "someone"
    issuer.keys["second"] = Ed25519PrivateKey.generate()
    issuer.publish()
    with pytest.raises(InvalidTokenError):
        await check(issuer, token)


async def test_a_verified_token_is_not_verified_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = verifier_of(issuer)
    header = b"Bearer " + issuer.token().encode()
    first = await verifier.caller(header)
    monkeypatch.delattr(verifier, "keys")
    assert await verifier.caller(header) is first


async def test_a_remembered_token_still_expires(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = verifier_of(issuer)
    header = b"Bearer " + issuer.token().encode()
    await verifier.caller(header)
    now = auth.time.time()
    monkeypatch.setattr(auth.time, "time", lambda: now + 100_000)
    monkeypatch.setattr(jwt.api_jwt, "datetime", _Later)
    with pytest.raises(InvalidTokenError, match="expired"):
        await verifier.caller(header)


class _Later:
    """The clock of the library, a day on."""

    @staticmethod
    def now(tz: Any) -> Any:
        from datetime import datetime, timedelta  # noqa: PLC0415  the name is patched above

        return datetime.now(tz) + timedelta(days=1)


async def test_only_so_many_tokens_are_remembered(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_VERIFIED_TOKENS", 3)
    verifier = verifier_of(issuer)
    for number in range(5):
        await verifier.caller(b"Bearer " + issuer.token(sub=f"s{number}").encode())
    assert len(verifier._verified) == 3


async def test_a_new_key_is_found_without_a_restart_but_the_source_is_not_hammered(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(auth.time, "monotonic", lambda: now)
    verifier = verifier_of(issuer)
    await verifier.caller(b"Bearer " + issuer.token().encode())
    issuer.keys["second"] = Ed25519PrivateKey.generate()
    issuer.publish()
    rotated = b"Bearer " + issuer.token(kid="second").encode()
    with pytest.raises(InvalidTokenError):
        await verifier.caller(rotated)
    now += auth.KEY_REFRESH_INTERVAL_SECONDS
    assert (await verifier.caller(rotated)).id == "someone"


async def test_a_key_that_was_taken_back_stops_working(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, now = 1_000.0, auth.time.time()
    monkeypatch.setattr(auth.time, "monotonic", lambda: clock)
    monkeypatch.setattr(auth.time, "time", lambda: now)
    verifier = verifier_of(issuer)
    header = b"Bearer " + issuer.token().encode()
    await verifier.caller(header)
    issuer.keys = {"second": Ed25519PrivateKey.generate()}
    issuer.publish()
    clock += auth.RECHECK_SECONDS + 1
    now += auth.RECHECK_SECONDS + 1
    with pytest.raises(InvalidTokenError, match="key the issuer does not have"):
        await verifier.caller(header)


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"keys": []}', '{"keys": 7}', "nonsense"])
async def test_a_broken_key_set_lets_nobody_in_and_says_so(document: str, issuer: Issuer) -> None:
    issuer.jwks.write_text(document)
    verifier = verifier_of(issuer)
    with pytest.raises(KeysUnavailableError):
        await verifier.caller(b"Bearer " + issuer.token().encode())
    with pytest.raises(KeysUnavailableError):
        await verifier.keys.check()


async def test_keys_known_before_stay_good_while_the_source_is_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1_000.0
    monkeypatch.setattr(auth.time, "monotonic", lambda: clock)
    verifier = verifier_of(issuer)
    await verifier.keys.check()
    issuer.jwks.unlink()
    clock += 10_000
    assert (await verifier.caller(b"Bearer " + issuer.token().encode())).id == "someone"


class JwksServer:
    """A key set over HTTP on a free port; it counts how often it was asked."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.answers.wait()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.document)}\r\nConnection: close"
        writer.write(head.encode() + b"\r\n\r\n" + self.document)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def jwks_server(issuer: Issuer) -> AsyncIterator[tuple[JwksServer, str]]:
    source = JwksServer(issuer.jwks.read_bytes())
    server = await asyncio.start_server(source.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield source, f"http://127.0.0.1:{port}/jwks.json"


async def test_keys_come_over_http_once_for_many_callers(
    issuer: Issuer, jwks_server: tuple[JwksServer, str]
) -> None:
    source, address = jwks_server
    verifier = TokenVerifier(KeySet(address), issuer="cairn-local", audience="cairn")
    tokens = [b"Bearer " + issuer.token(sub=f"s{number}").encode() for number in range(20)]
    callers = await asyncio.gather(*(verifier.caller(token) for token in tokens))
    assert {caller.id for caller in callers} == {f"s{number}" for number in range(20)}
    assert source.asked == 1
    await verifier.keys.close()


async def test_a_source_that_does_not_answer_is_given_up_on(
    jwks_server: tuple[JwksServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, address = jwks_server
    source.answers.clear()
    monkeypatch.setattr(auth, "KEY_FETCH_TIMEOUT_SECONDS", 0.05)
    keys = KeySet(address)
    with pytest.raises(KeysUnavailableError):
        await keys.check()
    source.answers.set()
    await keys.close()


async def test_a_key_set_without_end_is_not_read_to_its_end(
    jwks_server: tuple[JwksServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = jwks_server
    monkeypatch.setattr(auth, "MAX_KEY_SET_BYTES", 10)
    keys = KeySet(address)
    with pytest.raises(KeysUnavailableError):
        await keys.check()
    await keys.close()


@pytest.mark.parametrize(
    ("patterns", "key", "allowed"),
    [
        ((), "sales.revenue", False),
        (("*",), "sales.revenue", True),
        (("sales.*",), "sales.revenue.daily", True),
        (("sales.*",), "Sales.revenue", False),
        (("ops.*", "sales.revenue"), "sales.revenue", True),
    ],
)
def test_a_producer_writes_only_to_the_kpis_of_its_patterns(
    patterns: tuple[str, ...], key: str, allowed: bool
) -> None:
    caller = Caller(
        id="p", kind="service", scopes=frozenset(), teams=frozenset(), kpi_patterns=patterns
    )
    assert caller.may_write_kpi(key) is allowed


def guarded() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/stones")
    async def read(caller: Annotated[Caller, Depends(require("stones:read"))]) -> dict[str, str]:
        return {"caller": caller.id}

    @router.delete("/stones")
    async def clear(
        caller: Annotated[Caller, Depends(require("stones:read", "stones:admin"))],
    ) -> dict[str, str]:
        return {"caller": caller.id}

    return router


async def test_the_right_scope_lets_a_caller_through(issuer: Issuer, make_app: AppFactory) -> None:
    async with calling(make_app(guarded())) as client:
        answer = await client.get("/v1/stones", headers=issuer.bearer())
    assert answer.json() == {"caller": "someone"}


async def test_no_token_is_401_with_a_challenge(make_app: AppFactory) -> None:
    async with calling(make_app(guarded())) as client:
        answer = await client.get("/v1/stones")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="cairn"'
    assert answer.json()["type"] == "urn:cairn:problem:unauthenticated"


async def test_a_bad_token_is_401_and_comes_back_nowhere(
    issuer: Issuer, make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.token(aud="elsewhere")
    async with calling(make_app(guarded())) as client:
        answer = await client.get("/v1/stones", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert token not in answer.text
    assert token not in caplog.text


async def test_a_missing_scope_is_403_and_named(issuer: Issuer, make_app: AppFactory) -> None:
    async with calling(make_app(guarded())) as client:
        answer = await client.delete("/v1/stones", headers=issuer.bearer())
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:cairn:problem:missing-scope"
    assert answer.json()["missing_scope"] == "stones:admin"
    assert 'scope="stones:admin"' in answer.headers["WWW-Authenticate"]


async def test_unreachable_keys_are_503_not_401(issuer: Issuer, make_app: AppFactory) -> None:
    issuer.jwks.write_text(json.dumps({"keys": []}))
    async with calling(make_app(guarded())) as client:
        answer: httpx.Response = await client.get("/v1/stones", headers=issuer.bearer())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
