"""Signatures of JD's open platform."""

import hashlib
import hmac
from collections.abc import Mapping


def sign(secret: str, params: Mapping[str, str]) -> str:
    """Sign a request (MD5, upper hex): every parameter but ``sign`` itself, in the order of their names."""
    signed = "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign")
    return hashlib.md5(_bytes(f"{secret}{signed}{secret}"), usedforsecurity=False).hexdigest().upper()


def verify(secret: str, params: Mapping[str, str]) -> bool:
    """Return whether a request's ``sign`` is right."""
    return hmac.compare_digest(sign(secret, params).encode(), _bytes(params.get("sign", "")))


def _bytes(text: str) -> bytes:
    # A lone surrogate makes a signature wrong and must not raise.
    return text.encode("utf-8", "surrogatepass")
