"""Signatures of 1688's open platform: of our requests, and of the messages it pushes."""

import hashlib
import hmac
from collections.abc import Mapping

SIGNATURE = "_aop_signature"


def sign(secret: str, path: str, params: Mapping[str, str]) -> str:
    """Sign a request (HMAC-SHA1, upper hex); ``path`` is ``param2/{v}/{namespace}/{name}/{appKey}``.

    Names and values are joined first and sorted then, so ``a1``+``1`` comes before ``a``+``2``.
    """
    return _hmac(secret, path + "".join(sorted(f"{name}{params[name]}" for name in params if name != SIGNATURE)))


def verify(secret: str, path: str, params: Mapping[str, str]) -> bool:
    """Return whether a request's ``_aop_signature`` is right."""
    return _same(sign(secret, path, params), params.get(SIGNATURE, ""))


def event_sign(secret: str, message: str) -> str:
    """Sign a pushed message (HMAC-SHA1, upper hex); ``message`` is the form's field, exactly as it was sent."""
    return _hmac(secret, f"message{message}")


def verify_event(secret: str, message: str, signature: str) -> bool:
    """Return whether a pushed message's ``_aop_signature`` is right."""
    return _same(event_sign(secret, message), signature)


def _hmac(secret: str, text: str) -> str:
    return hmac.new(_bytes(secret), _bytes(text), hashlib.sha1).hexdigest().upper()


def _same(right: str, signature: str) -> bool:
    return hmac.compare_digest(right.encode(), _bytes(signature))


def _bytes(text: str) -> bytes:
    # A lone surrogate makes a signature wrong and must not raise.
    return text.encode("utf-8", "surrogatepass")
