"""Log-in by an identity provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

What the provider answers is bytes of a stranger: bounded, checked for its shape, and believed only once signed by a key
that the provider publishes. Signatures with a shared key (HS256) and none at all are never accepted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import quote_plus

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from pydantic import BaseModel, Field, ValidationError

from sewu.base.clock import Clock
from sewu.base.service import OidcSettings
from sewu.show.service.problems import Problem

log = structlog.get_logger()
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LARGEST_ANSWER = 1 << 20
KNOWN_FOR_S = 3600.0
"""How long what the provider says of itself is believed; an unknown key is asked for at once."""
CLOCKS_DIFFER_S = 60
WHOLE_S = 20.0
"""Seconds that one whole answer may take, however slowly it drips."""
MOST_USED = 20_000
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
Model = TypeVar("Model", bound=BaseModel)


class Metadata(BaseModel):
    """What is used of a provider's description (OpenID Connect Discovery 1.0 section 3)."""

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class KeyList(BaseModel):
    """A JWK set (RFC 7517 section 5)."""

    keys: Annotated[list[dict[str, Any]], Field(max_length=100)]


class TokenAnswer(BaseModel):
    """What is used of the token endpoint's answer."""

    id_token: Annotated[str, Field(min_length=1, max_length=100_000)]
    access_token: Annotated[str, Field(max_length=100_000)] | None = None


class IdClaims(BaseModel):
    """The shape that the claims must have before they are checked."""

    iss: str
    sub: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]
    aud: str | list[str]
    exp: Annotated[float, Field(allow_inf_nan=False)]
    iat: Annotated[float, Field(allow_inf_nan=False)]
    nonce: str
    nbf: Annotated[float, Field(allow_inf_nan=False)] | None = None
    azp: str | None = None
    at_hash: str | None = None
    name: str | None = None
    preferred_username: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody the provider vouches for. subject: its lasting name for them. name: for people to read."""

    subject: str
    name: str | None = None


class Provider:
    """One identity provider, over HTTP.

    Args:
        secret: this service's, None for a public client. redirect_uri: where it sends browsers back.
    """

    def __init__(self, settings: OidcSettings, secret: str | None, redirect_uri: str, clock: Clock) -> None:
        self.settings, self._secret, self._redirect_uri, self._clock = settings, secret, redirect_uri, clock
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, jwk.KeySet] | None = None
        self._used: OrderedDict[str, float] = OrderedDict()

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises `Problem` 502, 503."""
        url: str = prepare_grant_uri(
            (await self._described()).authorization_endpoint,
            self.settings.client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=" ".join(self.settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url

    def use(self, state: str, within_s: float) -> bool:
        """Use a state up; False when it was used before within that time: then the code is replayed too."""
        now_s = self._clock.steady_s()
        while self._used and (len(self._used) > MOST_USED or next(iter(self._used.values())) < now_s - within_s):
            self._used.popitem(last=False)
        if state in self._used:
            return False
        self._used[state] = now_s
        return True

    async def came_from(self, issuer: str | None) -> bool:
        """Whether the answer names this provider, where it promised to (RFC 9207: no mix-up of providers)."""
        if issuer is None:
            return not (await self._described()).authorization_response_iss_parameter_supported
        return issuer == self.settings.issuer

    async def person(self, code: str, nonce: str, verifier: str) -> Known:
        """Exchange the code, check the ID token (OpenID Connect Core 1.0 section 3.1.3.7). Raises `Problem` 401, 502, 503."""
        described = await self._described()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri, "code_verifier": verifier}
        auth, more = self._client(described)
        status, body = await _asked("POST", described.token_endpoint, form | more, auth)
        if status in (400, 401, 403):
            raise _refused("The identity provider did not accept the code.")
        answer = _shaped(TokenAnswer, status, body)
        token = await self._signed(answer.id_token)
        return self.checked(token, nonce, answer.access_token)

    def _client(self, described: Metadata) -> tuple[httpx.BasicAuth | None, dict[str, str]]:
        """How this service says who it is (RFC 6749 section 2.3.1)."""
        if self._secret is None:
            return None, {"client_id": self.settings.client_id}
        methods = described.token_endpoint_auth_methods_supported
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            return httpx.BasicAuth(quote_plus(self.settings.client_id), quote_plus(self._secret)), {}
        return None, {"client_id": self.settings.client_id, "client_secret": self._secret}

    async def _described(self) -> Metadata:
        now_s = self._clock.steady_s()
        if self._metadata is None or now_s - self._metadata[0] > KNOWN_FOR_S:
            url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = _shaped(Metadata, *await _asked("GET", url))
            if found.issuer != self.settings.issuer:
                raise _faulty("names itself otherwise than the settings do")
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if self.settings.issuer.startswith("https:") and not all(address.startswith("https:") for address in addresses):
                raise _faulty("wants to be asked without TLS")
            self._metadata = (now_s, found)
        return self._metadata[1]

    async def _key_set(self, fresh: bool) -> jwk.KeySet:
        now_s = self._clock.steady_s()
        if fresh or self._keys is None or now_s - self._keys[0] > KNOWN_FOR_S:
            listed = _shaped(KeyList, *await _asked("GET", (await self._described()).jwks_uri))
            self._keys = (now_s, jwk.KeySet([key for row in listed.keys if (key := _public(row)) is not None]))
        return self._keys[1]

    async def _signed(self, id_token: str) -> jwt.Token:
        """The token, once a published key fits. A provider that renewed its keys is asked for them again, once."""
        for fresh in (False, True):
            keys = await self._key_set(fresh)
            try:
                return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
            except (InvalidKeyIdError, BadSignatureError):
                continue
            except (JoseError, ValueError, RecursionError) as error:  # the last: JSON nested without end
                raise _refused("The identity provider's ID token is not signed as it must be.") from error
        raise _refused("No key of the identity provider fits the signature of its ID token.")

    def checked(self, token: jwt.Token, nonce: str, access_token: str | None) -> Known:
        """The person of a token whose signature was checked already. Raises `Problem` 401."""
        must = {"iss": self.settings.issuer, "aud": self.settings.client_id}
        params = {"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token}
        options: Any = {name: {"essential": True, "value": value} for name, value in must.items()}
        try:
            claims = IdClaims.model_validate(token.claims, strict=True)
            CodeIDToken(token.claims, token.header, options, params).validate(int(self._clock.now_s()), CLOCKS_DIFFER_S)
        except (JoseError, ValidationError) as error:
            raise _refused("The identity provider's ID token is not for this log-in, or has expired.") from error
        name = claims.name or claims.preferred_username or ""
        return Known(claims.sub, "".join(letter for letter in name if letter.isprintable()).strip()[:200] or None)


def _public(row: dict[str, Any]) -> jwk.Key | None:
    """A key that signatures can be checked with; None for shared keys, keys for encryption, and kinds that are not known."""
    if row.get("kty") not in ("RSA", "EC") or row.get("use", "sig") != "sig":
        return None
    try:
        return jwk.import_key(row)
    except (JoseError, ValueError, TypeError):
        return None


async def _asked(method: str, url: str, form: Mapping[str, str] | None = None, auth: httpx.BasicAuth | None = None) -> tuple[int, bytes]:
    """Status and body of an answer of at most 1 MiB. Raises `Problem` 502, 503."""
    body = bytearray()
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            httpx.AsyncClient(timeout=TIMEOUT) as client,
            client.stream(method, url, data=form, auth=auth, headers={"Accept": "application/json"}) as answer,
        ):
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise _faulty("answers too much")
            return answer.status_code, bytes(body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        log.warning("the identity provider does not answer", url=url, reason=type(error).__name__)
        raise Problem(503, "provider-away", "The identity provider does not answer; log in with a password, or later.") from error


def _shaped(model: type[Model], status: int, body: bytes) -> Model:
    if status != 200:
        raise _faulty(f"answers {status}")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _faulty(f"sends no usable {model.__name__}") from error


def _faulty(what: str) -> Problem:
    log.warning("the identity provider answers wrongly", reason=what)
    return Problem(502, "provider-faulty", f"The identity provider {what}; log in with a password, and tell who runs it.")


def _refused(why: str) -> Problem:
    return Problem(401, "log-in-refused", why)
