"""Signatures of Douyin's open platform: of our requests, and of the messages it pushes."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

VERSION = "2"
SIGN_METHOD = "hmac-sha256"
_SIGNED = ("app_key", "method", "timestamp")
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def canonical(params: Mapping[str, Any]) -> str:
    """Write ``param_json`` as it is signed and sent: keys sorted at every level, compact, nothing escaped."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sign(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """Sign a request (HMAC-SHA256, lowercase hex); ``timestamp`` is signed as it is sent, the access token is not."""
    return _hmac(secret, _text(app_key, secret, method, param_json, timestamp))


def verify(secret: str, query: Mapping[str, str], param_json: str) -> bool:
    """Return whether a request's ``sign`` is right, in every form that official clients send.

    MD5 is used if no ``sign_method`` is sent, HMAC-SHA256 otherwise; the timestamp may be seconds, milliseconds or a
    text; the body may have been signed as it is, sorted, or sorted with ``<``, ``>`` and ``&`` escaped.
    """
    if query.get("v") != VERSION or any(name not in query for name in _SIGNED):
        return False
    digest = _hmac if query.get("sign_method") else _md5
    app_key, method, timestamp = (query[name] for name in _SIGNED)
    sent = _bytes(query.get("sign", ""))
    right = False
    for body in _readings(param_json):
        text = _text(app_key, secret, method, body, timestamp)
        right |= hmac.compare_digest(digest(secret, text).encode(), sent)
    return right


def event_sign(app_key: str, secret: str, body: bytes) -> str:
    """Sign a pushed message: the ``event-sign`` header over the body exactly as it was sent."""
    return hashlib.md5(_bytes(app_key) + body + _bytes(secret), usedforsecurity=False).hexdigest()


def verify_event(app_key: str, secret: str, body: bytes, signature: str) -> bool:
    """Return whether a pushed message's ``event-sign`` header is right."""
    return hmac.compare_digest(event_sign(app_key, secret, body).encode(), _bytes(signature))


def _readings(param_json: str) -> Iterator[str]:
    yield param_json
    try:
        ordered = canonical(json.loads(param_json))
    except (ValueError, RecursionError):
        return
    yield ordered
    yield ordered.translate(_HTML)


def _text(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> bytes:
    signed = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v{VERSION}"
    return _bytes(f"{secret}{signed}{secret}")


def _hmac(secret: str, text: bytes) -> str:
    return hmac.new(_bytes(secret), text, hashlib.sha256).hexdigest()


def _md5(secret: str, text: bytes) -> str:
    del secret  # it is part of the text
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _bytes(text: str) -> bytes:
    # A lone surrogate makes a signature wrong and must not raise.
    return text.encode("utf-8", "surrogatepass")
