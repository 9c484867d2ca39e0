"""Signatures of Douyin's open platform: of our requests, and of the messages it pushes."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

VERSION = "2"
SIGN_METHOD, OLD_SIGN_METHOD = "hmac-sha256", "md5"
_SIGNED = ("app_key", "method", "timestamp")
_AS_ESCAPE = r"\u{:04x}"
_IN_HTML: tuple[Mapping[str, str], ...] = tuple(
    {character: _AS_ESCAPE.format(ord(character)) for character in characters} for characters in ("", "<>&", "<>&='")
)
"""The characters that clients escape for HTML: none, those of Go's encoder, those of Gson as well."""
_LINE_ENDS: tuple[Mapping[str, str], ...] = ({}, {"\u2028": r"\u2028", "\u2029": r"\u2029"})
"""Go, PHP and Gson escape Unicode's ends of lines, Python does not."""
_CONTROLS: tuple[Mapping[str, str], ...] = ({}, {r"\b": r"\u0008", r"\f": r"\u000c"})
"""Go has no short escape for these."""
_PIECES = re.compile(r"\\.|[^\\]", re.DOTALL)
"""The pieces of JSON that are escaped or not: a character, or an escape of two."""


def canonical(params: Mapping[str, Any]) -> str:
    """Write ``param_json`` as it is signed and sent: keys sorted at every level, compact, nothing escaped."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sign(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """Sign a request (HMAC-SHA256, lowercase hex); ``timestamp`` is signed as it is sent, the access token is not."""
    return _hmac(secret, _text(app_key, secret, method, param_json, timestamp))


def verify(secret: str, query: Mapping[str, str], param_json: str) -> bool:
    """Return whether a request's ``sign`` is right, in every form that official clients send.

    MD5 counts where no ``sign_method`` is sent, or that one; the timestamp may be seconds, milliseconds or a
    text; the body may have been signed as it is or sorted, and if sorted with any client's choice of escapes.
    """
    digest = _DIGESTS.get(query.get("sign_method") or OLD_SIGN_METHOD)
    if query.get("v") != VERSION or digest is None or any(name not in query for name in _SIGNED):
        return False
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
    pieces = _PIECES.findall(ordered)
    for choice in product(_IN_HTML, _LINE_ENDS, _CONTROLS):
        escapes = {text: escape for some in choice for text, escape in some.items()}
        yield "".join(escapes.get(piece, piece) for piece in pieces)


def _text(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> bytes:
    signed = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v{VERSION}"
    return _bytes(f"{secret}{signed}{secret}")


def _hmac(secret: str, text: bytes) -> str:
    return hmac.new(_bytes(secret), text, hashlib.sha256).hexdigest()


def _md5(secret: str, text: bytes) -> str:
    del secret  # it is part of the text
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


_DIGESTS = {SIGN_METHOD: _hmac, OLD_SIGN_METHOD: _md5}


def _bytes(text: str) -> bytes:
    # A lone surrogate makes a signature wrong and must not raise.
    return text.encode("utf-8", "surrogatepass")
