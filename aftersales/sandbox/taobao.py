"""Taobao's platform (TOP) as it behaves towards us: hands out an application's messages until they are confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.taobao.signing import verify
from aftersales.sandbox.timestamps import FORM, is_timely
from cases.shanghai import SHANGHAI

PLATFORM = "taobao"
LEAST, MOST = 10, 200
"""Messages that a call takes."""

FAULTS: Mapping[str, dict[str, Any]] = {
    "method": {"code": 22, "msg": "Invalid Method"},
    "signature": {"code": 25, "msg": "Invalid Signature"},
    "app": {"code": 29, "msg": "Invalid App Key"},
    "timestamp": {"code": 31, "msg": "Invalid Timestamp"},
    "arguments": {"code": 41, "msg": "Invalid Arguments", "sub_code": "isv.invalid-parameter", "sub_msg": "参数错误"},
    "busy": {"code": 15, "msg": "Remote service error", "sub_code": "isp.remote-service-timeout", "sub_msg": "超时"},
}


class Apps(Protocol):
    """Who knows our applications."""

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Give an application's secret; None where it is unknown."""


@dataclass
class TaobaoDesk:
    """Messages that wait, by application, as the platform shows them; ``busy``: next calls that are not answered."""

    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    busy: int = 0

    def tell(self, app_key: str, message_id: int, topic: str, content: str, user: str) -> None:
        """Let a message wait for an application."""
        at = datetime.now(SHANGHAI).strftime(FORM)
        row = {"id": message_id, "topic": topic, "content": content, "pub_time": at, "user_nick": user}
        self.waiting.setdefault(app_key, []).append(row)

    def answer(self, method: str, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer a call that was signed well; None: there is no such method."""
        waiting = self.waiting.setdefault(form["app_key"], [])
        self.groups.append(form.get("group_name", ""))
        match method:
            case "taobao.tmc.messages.consume":
                quantity = int(form.get("quantity", "100"))
                if not LEAST <= quantity <= MOST:
                    raise ValueError(quantity)
                return {"messages": {"tmc_message": waiting[:quantity]} if waiting else {}}
            case "taobao.tmc.messages.confirm":
                ids = [str(int(each)) for each in form["s_message_ids"].split(",")]
                if len(ids) > MOST:
                    raise ValueError(len(ids))
                self.confirmed += ids
                self.waiting[form["app_key"]] = [each for each in waiting if str(each["id"]) not in ids]
                return {"is_success": True}
        return None


def routes(sandbox: Apps, desk: TaobaoDesk | None = None) -> list[Route]:
    """Make the routes below the platform's base address."""
    at = desk if desk is not None else TaobaoDesk()

    async def router(request: Request) -> JSONResponse:
        form = dict(request.query_params) | dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        method = form.get("method", "")
        fault = _fault(sandbox, at, form)
        try:
            inner = None if fault else at.answer(method, form)
        except (ValueError, KeyError):
            fault, inner = "arguments", None
        if inner is None:
            return JSONResponse({"error_response": {**FAULTS[fault or "method"], "request_id": "sandbox"}})
        name = f"{method.removeprefix('taobao.').replace('.', '_')}_response"
        return JSONResponse({name: {**inner, "request_id": "sandbox"}})

    return [Route("/router/rest", router, methods=["POST"])]


def _fault(sandbox: Apps, desk: TaobaoDesk, form: Mapping[str, str]) -> str | None:
    if desk.busy:
        desk.busy -= 1
        return "busy"
    secret = sandbox.secret_of(PLATFORM, form.get("app_key", ""))
    if secret is None:
        return "app"
    if not verify(secret, form):
        return "signature"
    return None if is_timely(form.get("timestamp", "")) else "timestamp"
