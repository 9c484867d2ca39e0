"""Taobao's platform (TOP) as it behaves towards us: hands out an application's messages until they are confirmed.

It also knows its trades, as the sellers that have authorised us may see them.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

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


# T: after how many seconds a message that was handed out and not confirmed is handed out again.
REDELIVERY: Final = 600.0


@dataclass
class Queued:
    """A message in the platform's form, and until when it is not handed out again."""

    row: dict[str, Any]
    held_until: float = 0.0


@dataclass
class FakeTaobao:
    """Messages waiting, by application, and the statuses of trades; ``busy``: how many of the next calls fail."""

    waiting: dict[str, list[Queued]] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    trades: dict[str, str] = field(default_factory=dict)
    busy: int = 0
    clock: Callable[[], float] = time.time
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(7104300007405429232))

    def push(self, app_key: str, topic: str, content: str, user: str, message_id: int | None = None) -> int:
        """Queue a message for an application and return its id."""
        own_id = next(self.ids) if message_id is None else message_id
        at = datetime.now(SHANGHAI).strftime(TIMESTAMP_FORMAT)
        row = {"id": own_id, "topic": topic, "content": content, "pub_time": at, "user_nick": user}
        self.waiting.setdefault(app_key, []).append(Queued(row))
        return own_id

    def answer(self, method: str, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer a call whose signature was right; return None for an unknown method."""
        match method:
            case "taobao.tmc.messages.consume":
                return self._consume(form)
            case "taobao.tmc.messages.confirm":
                return self._confirm(form)
            case "taobao.trade.get":
                tid = form["tid"]
                return {"trade": {"tid": int(tid), "status": self.trades[tid]}} if form["session"] else None
        return None

    def _consume(self, form: Mapping[str, str]) -> dict[str, Any]:
        quantity = int(form.get("quantity", "100"))
        if not _LEAST <= quantity <= _MOST:
            raise ValueError(quantity)
        now = self.clock()
        free = [queued for queued in self.waiting.get(form["app_key"], []) if queued.held_until <= now][:quantity]
        for queued in free:
            queued.held_until = now + REDELIVERY
        return {"messages": {"tmc_message": [queued.row for queued in free]} if free else {}}

    def _confirm(self, form: Mapping[str, str]) -> dict[str, Any]:
        ids = [str(int(text)) for text in form["s_message_ids"].split(",")]
        if len(ids) > _MOST:
            raise ValueError(len(ids))
        self.confirmed += ids
        waiting = self.waiting.get(form["app_key"], [])
        self.waiting[form["app_key"]] = [queued for queued in waiting if str(queued.row.get("id")) not in ids]
        return {"is_success": True}


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
