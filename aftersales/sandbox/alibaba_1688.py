"""1688 as it behaves towards us: checks and records calls, and signs messages; it has no claims of its own."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.alibaba_1688.signing import SIGNATURE, event_sign, verify
from aftersales.sandbox.signed_requests import AppSecrets, form_of

_PLATFORM = "alibaba_1688"
_TOLERANCE = 10 * 60 * 1000
"""How far a request's timestamp may be off, in milliseconds."""

# T: statuses and codes of the gateway.
_FAULTS: Mapping[str, tuple[int, str, str]] = {
    "app": (401, "gw.AppKeyInvalid", "Invalid app key"),
    "signature": (400, "gw.SignatureInvalid", "Invalid signature"),
    "timestamp": (400, "gw.TimestampInvalid", "Invalid timestamp"),
    "busy": (400, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency"),
}


@dataclass
class Call:
    """A call whose signature was right."""

    namespace: str
    name: str
    params: dict[str, str]


@dataclass
class Fake1688:
    """The calls that 1688 received, and its ``answers`` by method name (an empty one by default).

    An answer with an ``error_code`` is sent as an error of the gateway; ``busy``: how many of the next calls fail.
    """

    calls: list[Call] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    busy: int = 0


def routes(apps: AppSecrets, platform: Fake1688 | None = None) -> list[Route]:
    """Return the routes below the platform's base address."""
    kept = platform if platform is not None else Fake1688()

    async def call(request: Request) -> JSONResponse:
        form = await form_of(request)
        namespace, name, app_key = (request.path_params[part] for part in ("namespace", "name", "app_key"))
        path = f"param2/{request.path_params['version']}/{namespace}/{name}/{app_key}"
        fault = _fault(apps, kept, path, app_key, form)
        if fault:
            status, code, text = _FAULTS[fault]
            return _error(status, code, text)
        kept.calls.append(Call(namespace, name, form))
        answer = kept.answers.get(name, {})
        if "error_code" in answer:
            return _error(400, str(answer["error_code"]), str(answer.get("error_message", "")))
        return JSONResponse(answer)

    return [Route("/openapi/param2/{version}/{namespace}/{name}/{app_key}", call, methods=["POST"])]


def pushed(secret: str, payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the signed form of a push: ``{msgId, gmtBorn, data, userInfo, type}`` and the signature."""
    message = json.dumps(payload, ensure_ascii=False)
    return {"message": message, SIGNATURE: event_sign(secret, message)}


def _fault(apps: AppSecrets, platform: Fake1688, path: str, app_key: str, form: Mapping[str, str]) -> str | None:
    if platform.busy:
        platform.busy -= 1
        return "busy"
    secret = apps.secret_of(_PLATFORM, app_key)
    if secret is None:
        return "app"
    if not form.get("access_token") or not verify(secret, path, form):
        return "signature"
    stamp = form.get("_aop_timestamp")  # some clients send none
    right = stamp is None or (stamp.isdecimal() and abs(int(stamp) - time.time() * 1000) <= _TOLERANCE)
    return None if right else "timestamp"


def _error(status: int, code: str, text: str) -> JSONResponse:
    error = {"error_code": code, "error_message": text, "exception": text, "request_id": "sandbox"}
    return JSONResponse(error, status_code=status)
