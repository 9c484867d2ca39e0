"""1688 as it behaves towards us: shows trades, and pushes messages about them; it has no claims of its own."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
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
    "permission": (403, "gw.APIACLDecline", "AppKey is not allowed"),
    "order": (400, "ORDER_NOT_FOUND", "订单不存在"),
    "busy": (400, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency"),
}


@dataclass
class Trade:
    """A trade; ``refund`` is in CNY."""

    status: str = "waitbuyerreceive"
    refund: str = "0"


@dataclass
class Fake1688:
    """The trades that 1688 knows; ``busy``: how many of the next calls fail, ``denied``: calls are not permitted."""

    trades: dict[str, Trade] = field(default_factory=dict)
    busy: int = 0
    denied: bool = False

    def answer(self, name: str, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer a call whose signature was right; return None for an unknown method or trade."""
        order_id = form.get("orderId", "")
        if name != "alibaba.trade.get.sellerView" or form.get("webSite") != "1688" or order_id not in self.trades:
            return None
        trade = self.trades[order_id]
        base = {"id": int(order_id), "idOfStr": order_id, "status": trade.status, "refund": float(trade.refund)}
        return {"success": "true", "result": {"baseInfo": base}}


def routes(apps: AppSecrets, platform: Fake1688 | None = None) -> list[Route]:
    """Return the routes below the platform's base address."""
    kept = platform if platform is not None else Fake1688()

    async def call(request: Request) -> JSONResponse:
        form = await form_of(request)
        namespace, name, app_key = (request.path_params[part] for part in ("namespace", "name", "app_key"))
        path = f"param2/{request.path_params['version']}/{namespace}/{name}/{app_key}"
        fault = _fault(apps, kept, path, app_key, form)
        answer = None if fault else kept.answer(name, form)
        if answer is None:
            return _error(*_FAULTS[fault or "order"])
        return JSONResponse(answer)

    return [Route("/openapi/param2/{version}/{namespace}/{name}/{app_key}", call, methods=["POST"])]


async def push(gateway: str, secret: str, payload: Mapping[str, Any]) -> str | None:
    """Push a message to a gateway's address once; return its answer, None if it did not take the message."""
    async with httpx2.AsyncClient() as client:
        try:
            answer = await client.post(gateway, data=pushed(secret, payload))
        except httpx2.HTTPError:
            return None
    return answer.text if answer.is_success else None


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
    if platform.denied:
        return "permission"
    stamp = form.get("_aop_timestamp")  # some clients send none
    right = stamp is None or (stamp.isdecimal() and abs(int(stamp) - time.time() * 1000) <= _TOLERANCE)
    return None if right else "timestamp"


def _error(status: int, code: str, text: str) -> JSONResponse:
    error = {"error_code": code, "error_message": text, "exception": text, "request_id": "sandbox"}
    return JSONResponse(error, status_code=status)
