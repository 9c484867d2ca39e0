"""Signatures of Taobao's open platform (TOP), by the three methods that it takes."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal, get_args

METHOD = "sign_method"
SignMethod = Literal["md5", "hmac", "hmac-sha256"]
_DIGESTS = {"hmac": hashlib.md5, "hmac-sha256": hashlib.sha256}


def sign(secret: str, params: Mapping[str, str], sign_method: SignMethod) -> str:
    """Sign a request (upper hex): all parameters but ``sign`` in the order of their names, ``sign_method`` among them.

    A parameter without a value is not signed; files, which are never signed, are not passed.
    """
    return _sign(secret, {name: value for name, value in params.items() if value}, sign_method)


def verify(secret: str, params: Mapping[str, str]) -> bool:
    """Return whether a request's ``sign`` is right by the method that it names itself; an unknown method never is.

    Parameters without a value may have been signed or left out: official clients differ.
    """
    sent = _bytes(params.get("sign", ""))
    for method in get_args(SignMethod):
        if method == params.get(METHOD):
            right = [hmac.compare_digest(made(secret, params, method).encode(), sent) for made in (sign, _sign)]
            return any(right)
    return False


def _sign(secret: str, params: Mapping[str, str], sign_method: SignMethod) -> str:
    signed = "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign")
    if sign_method == "md5":
        return hashlib.md5(_bytes(f"{secret}{signed}{secret}"), usedforsecurity=False).hexdigest().upper()
    return hmac.new(_bytes(secret), _bytes(signed), _DIGESTS[sign_method]).hexdigest().upper()


def _bytes(text: str) -> bytes:
    # A lone surrogate makes a signature wrong and must not raise.
    return text.encode("utf-8", "surrogatepass")
