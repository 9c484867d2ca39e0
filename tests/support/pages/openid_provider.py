"""A small provider of OpenID Connect, written from Core 1.0, Discovery 1.0, RFC 6749, RFC 7636 and RFC 9207."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from aftersales.runtime.http.http_server import listen, serving

CLIENT_ID, CLIENT_SECRET = "desk", "a secret:of the desk"
SIGNING_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class OpenIdProvider:
    """Logs in ``claims`` whenever it is asked; ``changed`` are claims of the ID token that it states otherwise."""

    issuer: str
    claims: dict[str, Any]
    changed: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    signed_with: Any = SIGNING_KEY
    algorithm: str = "RS256"
    key_id: str = "k1"
    refuses: bool = False
    stated_issuer: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/keys", self.keys),
            Route("/userinfo", self.userinfo),
        ]

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.stated_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.refuses:
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.codes[answer["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def token(self, request: Request) -> Response:
        kind, _, pair = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        if (kind, unquote(name), unquote(secret)) != ("Basic", CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        form = await request.form()
        asked = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if (
            asked is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        stated = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.changed,
        }
        stated = {name: value for name, value in stated.items() if value is not None}
        id_token = jwt.encode(stated, self.signed_with, self.algorithm, headers={"kid": self.key_id})
        self.tokens.append(secrets.token_urlsafe(16))
        return JSONResponse({"access_token": self.tokens[-1], "token_type": "Bearer", "id_token": id_token})

    async def keys(self, _: Request) -> Response:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNING_KEY.public_key()))
        return JSONResponse({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]})

    async def userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") not in [f"Bearer {token}" for token in self.tokens]:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": self.claims["sub"], **self.about})


@asynccontextmanager
async def openid_provider(**claims: Any) -> AsyncIterator[OpenIdProvider]:
    """Run a provider that logs in somebody with these claims."""
    with listen("127.0.0.1", 0) as listener:
        provider = OpenIdProvider(f"http://127.0.0.1:{listener.getsockname()[1]}", {"sub": "u-1", **claims})
        async with serving(Starlette(routes=provider.routes()), listener):
            yield provider
