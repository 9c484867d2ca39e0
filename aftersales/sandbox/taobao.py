"""Taobao's platform (TOP) as it behaves towards us: hands out an application's messages until they are confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.taobao.signing import verify
from aftersales.sandbox.signed_requests import TIMESTAMP_FORMAT, AppSecrets, form_of, is_timely
from cases.shanghai import SHANGHAI

_PLATFORM = "taobao"
_LEAST, _MOST = 10, 200
"""How many messages one call may take."""

_FAULTS: Mapping[str, dict[str, Any]] = {
    "method": {"code": 22, "msg": "Invalid Method"},
    "signature": {"code": 25, "msg": "Invalid Signature"},
    "app": {"code": 29, "msg": "Invalid App Key"},
    "timestamp": {"code": 31, "msg": "Invalid Timestamp"},
    "arguments": {"code": 41, "msg": "Invalid Arguments", "sub_code": "isv.invalid-parameter", "sub_msg": "参数错误"},
    "busy": {"code": 15, "msg": "Remote service error", "sub_code": "isp.remote-service-timeout", "sub_msg": "超时"},
}


@dataclass
class FakeTaobao:
    """Messages waiting, by application, in the platform's form; ``busy``: how many of the next calls fail."""

    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    busy: int = 0

    def push(self, app_key: str, message_id: int, topic: str, content: str, user: str) -> None:
        """Queue a message for an application."""
        at = datetime.now(SHANGHAI).strftime(TIMESTAMP_FORMAT)
        row = {"id": message_id, "topic": topic, "content": content, "pub_time": at, "user_nick": user}
        self.waiting.setdefault(app_key, []).append(row)

    def answer(self, method: str, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer a call whose signature was right; return None for an unknown method."""
        waiting = self.waiting.setdefault(form["app_key"], [])
        self.groups.append(form.get("group_name", ""))
        match method:
            case "taobao.tmc.messages.consume":
                quantity = int(form.get("quantity", "100"))
                if not _LEAST <= quantity <= _MOST:
                    raise ValueError(quantity)
                return {"messages": {"tmc_message": waiting[:quantity]} if waiting else {}}
            case "taobao.tmc.messages.confirm":
                ids = [str(int(text)) for text in form["s_message_ids"].split(",")]
                if len(ids) > _MOST:
                    raise ValueError(len(ids))
                self.confirmed += ids
                self.waiting[form["app_key"]] = [message for message in waiting if str(message["id"]) not in ids]
                return {"is_success": True}
        return None


def routes(apps: AppSecrets, taobao: FakeTaobao | None = None) -> list[Route]:
    """Return the routes below the platform's base address."""
    platform = taobao if taobao is not None else FakeTaobao()

    async def router(request: Request) -> JSONResponse:
        form = await form_of(request)
        method = form.get("method", "")
        fault = _fault(apps, platform, form)
        try:
            inner = None if fault else platform.answer(method, form)
        except (ValueError, KeyError):
            fault, inner = "arguments", None
        if inner is None:
            return JSONResponse({"error_response": {**_FAULTS[fault or "method"], "request_id": "sandbox"}})
        name = f"{method.removeprefix('taobao.').replace('.', '_')}_response"
        return JSONResponse({name: {**inner, "request_id": "sandbox"}})

    return [Route("/router/rest", router, methods=["POST"])]


def _fault(apps: AppSecrets, taobao: FakeTaobao, form: Mapping[str, str]) -> str | None:
    if taobao.busy:
        taobao.busy -= 1
        return "busy"
    secret = apps.secret_of(_PLATFORM, form.get("app_key", ""))
    if secret is None:
        return "app"
    if not verify(secret, form):
        return "signature"
    return None if is_timely(form.get("timestamp", "")) else "timestamp"
