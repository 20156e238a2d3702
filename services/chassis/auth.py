"""Who is calling: bearer tokens checked against the issuer's public keys, and scopes per route."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast, get_args

import httpx
import jwt
import orjson
import structlog
from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.types import Scope

CALLER_SCOPE_KEY = "cairn.caller"

CallerKind = Literal["human", "service", "automation"]

ALGORITHMS = frozenset({"EdDSA", "ES256", "RS256"})
REQUIRED_CLAIMS = ("iss", "aud", "sub", "exp")
CLOCK_LEEWAY_SECONDS = 5
MAX_TOKEN_CHARACTERS = 8_192
MAX_SUBJECT_CHARACTERS = 200
MAX_VERIFIED_TOKENS = 4_096
# A verified token is looked at again after this time at the latest, so that a key the issuer
# took back stops working although the token has not expired.
RECHECK_SECONDS = 300
KEY_REFRESH_INTERVAL_SECONDS = 30
KEY_RETRY_INTERVAL_SECONDS = 1
KEY_FETCH_TIMEOUT_SECONDS = 2.0
MAX_KEY_SET_BYTES = 1024 * 1024

_BEARER_PREFIX = b"bearer "

# A document that is no key set fails in the last four ways.
_FETCH_ERRORS = (OSError, httpx.HTTPError, ValueError, TypeError, KeyError, jwt.PyJWKSetError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling and what they may do, as their token says."""

    id: str
    kind: CallerKind
    scopes: frozenset[str]
    teams: frozenset[str]
    kpi_patterns: tuple[str, ...]

    def may_write_kpi(self, key: str) -> bool:
        """Whether the token lets its bearer write to the KPI of this key."""
        return any(fnmatchcase(key, pattern) for pattern in self.kpi_patterns)


class UnauthenticatedError(Exception):
    """The request does not say who is calling in a way that can be believed."""

    def __init__(self, reason: str, *, challenge: str = "") -> None:
        super().__init__(reason)
        self.headers = {"WWW-Authenticate": f'Bearer realm="cairn"{challenge}'}


class InvalidTokenError(UnauthenticatedError):
    """There is a token, but it does not hold."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, challenge=', error="invalid_token"')


class MissingScopeError(Exception):
    """The caller is known, but the token does not reach this far."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"The token does not carry the scope {scope}.")
        self.extensions = {"missing_scope": scope}
        self.headers = {
            "WWW-Authenticate": f'Bearer realm="cairn", error="insufficient_scope", scope="{scope}"'
        }


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be had, so no token can be checked."""

    def __init__(self) -> None:
        super().__init__("The keys that tokens are checked with are not available.")


class KeySet:
    """The issuer's public keys, from a file or over HTTP, fetched again when one is not known.

    However many unknown keys callers name, the source is asked at most once per
    `KEY_REFRESH_INTERVAL_SECONDS`; while it is away the keys known before stay good.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._client = _client() if location.startswith(("http://", "https://")) else None
        self._document = b""
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._asked_at = -float("inf")
        self._refreshing = asyncio.Lock()
        # Rises whenever the keys are other ones than before.
        self.generation = 0

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key of this id, if the issuer has it. No id means the issuer's only key.

        Raises KeysUnavailableError while no key at all is known.
        """
        if key_id not in self._keys or self._age() > RECHECK_SECONDS:
            await self.refresh()
        if not self._keys:
            raise KeysUnavailableError
        return self._keys.get(key_id)

    async def refresh(self) -> None:
        """Fetch the keys again, unless that was tried just now."""
        async with self._refreshing:
            interval = KEY_REFRESH_INTERVAL_SECONDS if self._keys else KEY_RETRY_INTERVAL_SECONDS
            if self._age() < interval:
                return
            self._asked_at = time.monotonic()
            try:
                self._replace(await self._fetch())
            except _FETCH_ERRORS as error:
                log.warning("keys_not_fetched", reason=f"{type(error).__name__}: {error}")

    async def check(self) -> None:
        """Readiness: raises KeysUnavailableError while nobody could be let in."""
        if not self._keys:
            await self.refresh()
        if not self._keys:
            raise KeysUnavailableError

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _age(self) -> float:
        return time.monotonic() - self._asked_at

    def _replace(self, document: bytes) -> None:
        if document != self._document:
            self._keys = _public_keys(document)
            self._document = document
            self.generation += 1

    async def _fetch(self) -> bytes:
        if self._client is None:
            return await asyncio.to_thread(Path(self._location).read_bytes)
        async with (
            asyncio.timeout(KEY_FETCH_TIMEOUT_SECONDS),
            self._client.stream("GET", self._location) as response,
        ):
            response.raise_for_status()
            return await _bounded_body(response)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=KEY_FETCH_TIMEOUT_SECONDS, follow_redirects=False)


async def _bounded_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_KEY_SET_BYTES:
            raise ValueError(f"the key set has more than {MAX_KEY_SET_BYTES} bytes")
    return bytes(body)


def _public_keys(document: bytes) -> dict[str | None, jwt.PyJWK]:
    """The keys of a JWKS that sign by an algorithm we accept, by id.

    A symmetric key never gets in: everyone who can read the document could sign with it.
    """
    parsed = jwt.PyJWKSet(orjson.loads(document)["keys"])
    keys: dict[str | None, jwt.PyJWK] = {
        key.key_id: key
        for key in parsed.keys
        if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
    }
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    else:
        keys.pop(None, None)
    return keys


class TokenVerifier:
    """Turns the Authorization header of a request into a Caller.

    Checking a signature costs about 100 microseconds, so a header that held is remembered until
    its token expires: the usual cost is one look into a dict.
    """

    def __init__(self, keys: KeySet, *, issuer: str, audience: str) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._verified: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._generation = keys.generation

    async def caller(self, authorization: bytes | None) -> Caller:
        """Who the header says is calling.

        Raises UnauthenticatedError, InvalidTokenError, or KeysUnavailableError.
        """
        if authorization is None:
            raise UnauthenticatedError("The request has no bearer token.")
        known = self._verified.get(authorization)
        if known is not None and time.time() < known[1]:
            self._verified.move_to_end(authorization)
            return known[0]
        caller, expires_at = await self._verify(_token(authorization))
        self._remember(authorization, caller, min(expires_at, time.time() + RECHECK_SECONDS))
        return caller

    async def _verify(self, token: str) -> tuple[Caller, float]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self.keys.find(key_id)
            if key is None:
                raise InvalidTokenError("The token is signed with a key the issuer does not have.")
            claims = self._decode(token, key)
        except jwt.PyJWTError as error:
            raise InvalidTokenError(_reason(error)) from None
        return _caller(claims), float(claims["exp"])

    def _decode(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        # The algorithm is the key's, never the one the token asks for.
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": list(REQUIRED_CLAIMS)},
        )

    def _remember(self, authorization: bytes, caller: Caller, until: float) -> None:
        if self._generation != self.keys.generation:
            self._verified.clear()
            self._generation = self.keys.generation
        self._verified[authorization] = (caller, until)
        self._verified.move_to_end(authorization)
        if len(self._verified) > MAX_VERIFIED_TOKENS:
            self._verified.popitem(last=False)


def _token(authorization: bytes) -> str:
    scheme, credentials = authorization[: len(_BEARER_PREFIX)], authorization[len(_BEARER_PREFIX) :]
    if scheme.lower() != _BEARER_PREFIX:
        raise UnauthenticatedError("The Authorization header does not carry a bearer token.")
    if len(credentials) > MAX_TOKEN_CHARACTERS or not credentials.isascii():
        raise InvalidTokenError("The token is not well formed.")
    return credentials.decode("ascii").strip()


_REASONS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidAudienceError: "The token is meant for another audience.",
    jwt.InvalidIssuerError: "The token comes from another issuer.",
    jwt.MissingRequiredClaimError: f"The token lacks one of {', '.join(REQUIRED_CLAIMS)}.",
    jwt.InvalidSignatureError: "The signature of the token does not hold.",
    jwt.InvalidAlgorithmError: "The token is not signed by the algorithm of its key.",
}


def _reason(error: jwt.PyJWTError) -> str:
    """Our own words for what is wrong: the library's can repeat parts of the token."""
    return _REASONS.get(type(error), "The token is not well formed.")


def _caller(claims: Mapping[str, Any]) -> Caller:
    subject = claims["sub"]
    # An issuer that knows nothing of Cairn does not say the kind; its subjects are its users.
    kind = claims.get("kind", "human")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise InvalidTokenError("The subject of the token is not a usable id.")
    if kind not in get_args(CallerKind):
        raise InvalidTokenError("The token names an unknown kind of caller.")
    return Caller(
        id=subject,
        kind=cast("CallerKind", kind),
        scopes=frozenset(_words(claims, "scope")),
        teams=frozenset(_words(claims, "teams")),
        kpi_patterns=_words(claims, "kpis"),
    )


def _words(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A claim that is a list of strings, or one string of words as `scope` is (RFC 8693, 4.2)."""
    claim = claims.get(name, ())
    words = claim.split() if isinstance(claim, str) else claim
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise InvalidTokenError(f"The claim {name} of the token is not a list of words.")
    return tuple(words)


class RequireScopes(SecurityBase):
    """The dependency behind `require`: the caller of a request, who has these scopes."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        self.scopes = scopes
        self.scheme_name = "bearer"
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="A token of the configured issuer."
        )

    async def __call__(self, request: Request) -> Caller:
        """Who is calling; raises what `TokenVerifier.caller` raises, and MissingScopeError."""
        scope = request.scope
        verifier: TokenVerifier = scope["app"].state.verifier
        caller = await verifier.caller(_authorization(scope))
        scope[CALLER_SCOPE_KEY] = caller.id
        for needed in self.scopes:
            if needed not in caller.scopes:
                raise MissingScopeError(needed)
        return caller


def require(*scopes: str) -> RequireScopes:
    """A dependency that gives a handler its Caller: `Depends(require("goals:write"))`."""
    return RequireScopes(scopes)


def _authorization(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"authorization"), None)
