"""1688 as it behaves towards us: checks what is sent and keeps it; it pushes messages, and knows no claims."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.alibaba_1688.signing import SIGNATURE, event_sign, verify

PLATFORM = "alibaba_1688"
TOLERANCE = 10 * 60 * 1000
"""Milliseconds that a request's timestamp may be wrong by."""

# T: statuses and codes of the gateway.
FAULTS: Mapping[str, tuple[int, str, str]] = {
    "app": (401, "gw.AppKeyInvalid", "Invalid app key"),
    "signature": (400, "gw.SignatureInvalid", "Invalid signature"),
    "timestamp": (400, "gw.TimestampInvalid", "Invalid timestamp"),
    "busy": (400, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency"),
}


class Apps(Protocol):
    """Who knows our applications."""

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Give an application's secret; None where it is unknown."""


@dataclass
class Call:
    """A call that was signed well."""

    namespace: str
    name: str
    params: dict[str, str]


@dataclass
class Desk1688:
    """What 1688 was sent; ``answers`` by a method's name, an empty one where there is none.

    An answer with an ``error_code`` goes out as the gateway's errors do; ``busy``: how many of the next calls do.
    """

    calls: list[Call] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    busy: int = 0


def routes(sandbox: Apps, desk: Desk1688 | None = None) -> list[Route]:
    """Make the routes below the platform's base address."""
    at = desk if desk is not None else Desk1688()

    async def call(request: Request) -> JSONResponse:
        form = dict(request.query_params) | dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        namespace, name, app_key = (request.path_params[part] for part in ("namespace", "name", "app_key"))
        path = f"param2/{request.path_params['version']}/{namespace}/{name}/{app_key}"
        fault = _fault(sandbox, at, path, app_key, form)
        if fault:
            status, code, text = FAULTS[fault]
            return _error(status, code, text)
        at.calls.append(Call(namespace, name, form))
        answer = at.answers.get(name, {})
        if "error_code" in answer:
            return _error(400, str(answer["error_code"]), str(answer.get("error_message", "")))
        return JSONResponse(answer)

    return [Route("/openapi/param2/{version}/{namespace}/{name}/{app_key}", call, methods=["POST"])]


def pushed(secret: str, payload: Mapping[str, Any]) -> dict[str, str]:
    """Make the form of a push: ``{msgId, gmtBorn, data, userInfo, type}`` and its signature."""
    message = json.dumps(payload, ensure_ascii=False)
    return {"message": message, SIGNATURE: event_sign(secret, message)}


def _fault(sandbox: Apps, desk: Desk1688, path: str, app_key: str, form: Mapping[str, str]) -> str | None:
    if desk.busy:
        desk.busy -= 1
        return "busy"
    secret = sandbox.secret_of(PLATFORM, app_key)
    if secret is None:
        return "app"
    if not form.get("access_token") or not verify(secret, path, form):
        return "signature"
    stamp = form.get("_aop_timestamp", "")
    right = stamp.isdecimal() and abs(int(stamp) - time.time() * 1000) <= TOLERANCE
    return None if right else "timestamp"


def _error(status: int, code: str, text: str) -> JSONResponse:
    told = {"error_code": code, "error_message": text, "exception": text, "request_id": "sandbox"}
    return JSONResponse(told, status_code=status)
