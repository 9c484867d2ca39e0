"""Whether a request bears a token: in a header, or as the password of a browser's login."""

import base64
import binascii
import hmac
from collections.abc import Callable

from pydantic import SecretStr
from starlette.requests import Request

TokenSource = Callable[[], SecretStr | None]
"""Says what the token is at the moment; None if nobody has one."""


def bears(request: Request, token: SecretStr | None) -> bool:
    """Return whether the request has the token as its bearer; never if there is no token."""
    return _same(_authorization(request, "Bearer"), token)


def logged_in(request: Request, token: SecretStr | None) -> bool:
    """Return whether the token is the password of the request's login, under whatever name."""
    try:
        login = base64.b64decode(_authorization(request, "Basic"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return _same(login.partition(b":")[2], token)


def _authorization(request: Request, scheme: str) -> bytes:
    given = request.headers.get("authorization", "").encode("latin-1")  # the very bytes that came
    name, _, value = given.partition(b" ")
    return value if name == scheme.encode() else b""


def _same(given: bytes, token: SecretStr | None) -> bool:
    return token is not None and hmac.compare_digest(given, token.get_secret_value().encode())
