"""Bots like those of work-chat services: always status 200; they record every message that they accept."""

import base64
import hashlib
import hmac
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY, SECRET = "hush-key", "hush-secret"
HOUR = 3600


def signature(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


@dataclass
class Bots:
    """Three bots and a webhook; each accepts ``allowed`` messages, and answers with status ``down`` if it is set."""

    taken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    allowed: int = 1000
    down: dict[str, int] = field(default_factory=dict)
    raw: Any = None

    def forget(self) -> None:
        """Reset to the initial state."""
        self.taken.clear()
        self.down.clear()
        self.allowed, self.raw = 1000, None

    def app(self) -> Starlette:
        routes = [
            Route("/hook/{key}", self._feishu, methods=["POST"]),
            Route("/dingtalk", self._dingtalk, methods=["POST"]),
            Route("/wecom", self._wecom, methods=["POST"]),
            Route("/program", self._program, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    def _take(self, bot: str, text: str) -> bool:
        if len(self.taken[bot]) >= self.allowed:
            return False
        self.taken[bot].append(text)
        return True

    def _off(self, bot: str) -> Response | None:
        if self.raw is not None:
            return JSONResponse(self.raw)
        return Response(status_code=self.down[bot]) if bot in self.down else None

    async def _feishu(self, request: Request) -> Response:
        if off := self._off("feishu"):
            return off
        body = await request.json()
        at = body.get("timestamp", "0")
        if request.path_params["key"] != KEY:
            return JSONResponse({"code": 19001, "msg": "param invalid: incoming webhook access token invalid"})
        if abs(time.time() - int(at)) > HOUR or body.get("sign") != signature(f"{at}\n{SECRET}", ""):
            return JSONResponse({"code": 19021, "msg": "sign match fail or timestamp is not within one hour"})
        if not self._take("feishu", body["content"]["text"]):
            return JSONResponse({"code": 11232, "msg": "frequency limited"})
        return JSONResponse({"code": 0, "msg": "success", "data": {}})

    async def _dingtalk(self, request: Request) -> Response:
        if off := self._off("dingtalk"):
            return off
        query, body = request.query_params, await request.json()
        at = query.get("timestamp", "0")
        if query.get("access_token") != KEY:
            return JSONResponse({"errcode": 300001, "errmsg": "token is not exist"})
        if abs(time.time() - int(at) / 1000) > HOUR:
            return JSONResponse({"errcode": 310000, "errmsg": "invalid timestamp"})
        if query.get("sign") != signature(SECRET, f"{at}\n{SECRET}"):
            return JSONResponse({"errcode": 310000, "errmsg": "sign not match"})
        if not self._take("dingtalk", body["text"]["content"]):
            return JSONResponse({"errcode": 130101, "errmsg": "send too fast"})
        return JSONResponse({"errcode": 0, "errmsg": "ok"})

    async def _wecom(self, request: Request) -> Response:
        if off := self._off("wecom"):
            return off
        text = (await request.json())["text"]["content"]
        if request.query_params.get("key") != KEY:
            return JSONResponse({"errcode": 93000, "errmsg": "invalid webhook url"})
        if len(text.encode()) > 2048:
            return JSONResponse({"errcode": 40058, "errmsg": "content exceed max length"})
        if not self._take("wecom", text):
            return JSONResponse({"errcode": 45009, "errmsg": "api freq out of limit"})
        return JSONResponse({"errcode": 0, "errmsg": "ok"})

    async def _program(self, request: Request) -> Response:
        if off := self._off("program"):
            return off
        body = await request.body()
        at = request.headers["x-aftersales-timestamp"]
        expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        if request.headers["x-aftersales-signature"] != f"sha256={expected}" or abs(time.time() - int(at)) > HOUR:
            return Response(status_code=401)
        self._take("program", body.decode())
        return Response("thanks", status_code=202)
