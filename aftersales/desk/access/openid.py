"""OpenID Connect, as a client: authorization code with PKCE, discovery, and a verified ID token.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer).
"""

import base64
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from aftersales.desk.access.access_file import OidcProvider
from aftersales.desk.access.addresses import is_loopback
from aftersales.desk.access.login import LoginRefused
from aftersales.desk.access.sessions import PendingLogin

PROVIDER_PATIENCE: Final = 10.0
PROVIDER_CLOCK_SKEW: Final = 60
"""How many seconds the clocks of the provider and ours may differ."""
SIGNED_BY: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key that only the provider has."""
_OK: Final = 200
_UNAVAILABLE: Final = 503


class ProviderEndpoints(BaseModel):
    """What a provider says about itself (Discovery, section 3)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class OpenIdClient:
    """Our side of a login at a provider."""

    def __init__(self, provider: OidcProvider) -> None:
        """Take our registration with the provider."""
        self._provider = provider

    async def begun(self, target: str, redirect_uri: str, pending_at: Any) -> tuple[str, PendingLogin]:
        """Return the address at the provider where the user logs in, and what recognises its answer."""
        async with _client() as http:
            endpoints = await self._endpoints(http)
        pending = PendingLogin(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            target=target,
            at=pending_at,
        )
        parameters = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._provider.scopes))),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": _challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        glue = "&" if urlsplit(endpoints.authorization_endpoint).query else "?"
        return f"{endpoints.authorization_endpoint}{glue}{urlencode(parameters)}", pending

    async def claims(self, answer: Mapping[str, str], pending: PendingLogin, redirect_uri: str) -> dict[str, Any]:
        """Return the claims about the user who has logged in; raises LoginRefused."""
        if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise LoginRefused(
                "登录请求不是本浏览器发起的,请重新登录 / this login was not begun here: log in again", 403
            )
        if "error" in answer:
            raise LoginRefused("登录服务没有让您登录,请重试 / the provider did not log you in")
        async with _client() as http:
            endpoints = await self._endpoints(http)
            required = endpoints.authorization_response_iss_parameter_supported
            if answer.get("iss", None if required else endpoints.issuer) != endpoints.issuer:
                raise _untrusted("issuer")
            tokens = await self._tokens(http, endpoints, answer.get("code", ""), pending, redirect_uri)
            claims = self._verified(str(tokens.get("id_token", "")), await _json(http, endpoints.jwks_uri), pending)
            if endpoints.userinfo_endpoint and not self._complete(claims):
                headers = {"authorization": f"Bearer {tokens.get('access_token', '')}"}
                about = await _json(http, endpoints.userinfo_endpoint, headers)
                if about.get("sub") != claims["sub"]:  # Core, section 5.3.2
                    raise _untrusted("userinfo")
                claims = {**about, **claims}
        return claims

    async def _endpoints(self, http: httpx2.AsyncClient) -> ProviderEndpoints:
        found = await _json(http, f"{self._provider.issuer}/.well-known/openid-configuration")
        try:
            endpoints = ProviderEndpoints.model_validate(found)
        except ValidationError:
            raise _unavailable("discovery") from None
        if endpoints.issuer.rstrip("/") != self._provider.issuer:
            raise _untrusted("issuer")
        for address in (endpoints.authorization_endpoint, endpoints.token_endpoint, endpoints.jwks_uri):
            _refuse_unprotected(address)
        return endpoints

    async def _tokens(
        self,
        http: httpx2.AsyncClient,
        endpoints: ProviderEndpoints,
        code: str,
        pending: PendingLogin,
        redirect_uri: str,
    ) -> dict[str, Any]:
        secret = self._provider.client_secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": pending.verifier,
        }
        headers = {}
        if "client_secret_basic" in endpoints.token_endpoint_auth_methods_supported:
            pair = f"{quote(self._provider.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, section 2.3.1
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._provider.client_id, "client_secret": secret}
        return await _answered(http.post(endpoints.token_endpoint, data=form, headers=headers))

    def _verified(self, token: str, keys: dict[str, Any], pending: PendingLogin) -> dict[str, Any]:
        """Return the claims of an ID token (Core, section 3.1.3.7)."""
        try:
            key = _key(token, keys)
            claims = jwt.decode(
                token,
                key,
                algorithms=SIGNED_BY,
                audience=self._provider.client_id,
                leeway=PROVIDER_CLOCK_SKEW,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as bad:
            raise _untrusted(type(bad).__name__) from None
        if str(claims["iss"]).rstrip("/") != self._provider.issuer:
            raise _untrusted("iss")
        others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if others else self._provider.client_id) != self._provider.client_id:
            raise _untrusted("azp")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
            raise _untrusted("nonce")
        return claims

    def _complete(self, claims: Mapping[str, Any]) -> bool:
        wanted = [name for _, name in self._provider.claims if name]
        return all(claim(claims, name) is not None for name in wanted)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim, or one inside another if the name has dots; None if there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _key(token: str, keys: dict[str, Any]) -> jwt.PyJWK:
    """Return the key that a token names; one that names none must be signed with the only one there is."""
    wanted = jwt.get_unverified_header(token).get("kid")
    signing = [key for key in jwt.PyJWKSet.from_dict(keys) if key.public_key_use in (None, "sig")]
    fitting = [key for key in signing if wanted is None or key.key_id == wanted]
    if len(fitting) != 1:
        raise jwt.InvalidKeyError("no such key")
    return fitting[0]


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@cache
def _certificates() -> ssl.SSLContext:
    """Return the authorities that are trusted: reading them takes as long as all calls of a login."""
    return httpx2.create_ssl_context()


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=PROVIDER_PATIENCE, verify=_certificates())


async def _json(http: httpx2.AsyncClient, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    _refuse_unprotected(address)
    return await _answered(http.get(address, headers=headers))


async def _answered(asked: Any) -> dict[str, Any]:
    """Return the object of an answer; errors quote neither addresses nor answers, which may have secrets in them."""
    try:
        answer = await asked
        found = answer.json() if answer.status_code == _OK else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as failed:
        raise _unavailable(type(failed).__name__) from None
    if not isinstance(found, dict):
        raise _unavailable(f"HTTP {answer.status_code}")
    return found


def _refuse_unprotected(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise _untrusted("https")


def _untrusted(what: str) -> LoginRefused:
    return LoginRefused(f"登录服务的答复不可信,请重新登录 / the provider's answer cannot be trusted: {what}", 403)


def _unavailable(what: str) -> LoginRefused:
    return LoginRefused(
        f"登录服务暂时不可用,请稍后再试 / the provider of logins cannot be reached: {what}", _UNAVAILABLE
    )
