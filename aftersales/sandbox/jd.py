"""JD as it behaves towards us: ships orders, shows them, and gives chat logs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.jd.signing import verify
from aftersales.sandbox.timestamps import instant, is_timely

PLATFORM = "jd"
SIGNED = ("360buy_param_json", "access_token", "app_key", "method", "timestamp", "v")

# T: the gateway's codes, as third parties list them.
FAULTS: Mapping[str, tuple[str, str, str]] = {
    "timestamp": ("8", "非法的时间戳参数", "Invalid Timestamp"),
    "signature": ("12", "无效签名", "Invalid Signature"),
    "method": ("15", "不存在的方法名", "Invalid Method"),
    "app": ("18", "无效的app_key", "Invalid App Key"),
    "params": ("62", "json转换时错误,错误的请求参数", "Invalid Arguments"),
    "busy": ("66", "平台连接后端服务不可用", "Service Unavailable"),
}
# T: how a refusal to ship looks; the codes are the sandbox's own.
SHIPPED_ALREADY = ("1001", "订单已出库,不能重复出库", "order has been shipped")
NO_SUCH_COMPANY = ("1002", "物流公司ID有误", "no such logistics company")
NO_SUCH_ORDER = ("1003", "订单不存在", "no such order")


class Apps(Protocol):
    """Who knows our applications."""

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Give an application's secret; None where it is unknown."""


@dataclass
class Shipped:
    """What an order was shipped with."""

    order_id: str
    company_id: str
    waybill: str


@dataclass
class Line:
    """A line of a chat between shop and buyer."""

    buyer: str
    at: datetime
    by_shop: bool
    text: str


@dataclass
class JdDesk:
    """What JD was sent, and what it knows; every order exists, its buyer is ``buyer-{order id}``.

    ``missing``: orders that do not exist; ``busy``: how many of the next calls are not answered.
    """

    shipped: list[Shipped] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    busy: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a call that was signed well; None: there is no such method."""
        self.calls.append((method, params))
        match method:
            case "jingdong.pop.order.shipment":
                return self._ship(params)
            case "jingdong.pop.order.get":
                return self._order(params)
            case "jingdong.im.pop.chatlog.get":
                return self._chat(params)
        return None

    def shipment(self, order_id: str) -> Shipped | None:
        """What an order was shipped with, if it was."""
        return next((each for each in self.shipped if each.order_id == order_id), None)

    def _ship(self, params: Mapping[str, Any]) -> dict[str, Any]:
        order_id, company = str(params["orderId"]), str(params["logiCoprId"])
        refusal = None
        if order_id in self.missing:
            refusal = NO_SUCH_ORDER
        elif self.shipment(order_id):
            refusal = SHIPPED_ALREADY
        elif not company.replace("|", "").isdigit():
            refusal = NO_SUCH_COMPANY
        else:
            self.shipped.append(Shipped(order_id, company, str(params["logiNo"])))
        code, chinese, english = refusal or ("0", "SOP订单 订单出库成功", "success")
        told = {"errorCode": code, "chineseErrCode": chinese, "englishErrCode": english}
        return {"sopjosshipment_result": told | {"success": refusal is None}}

    def _order(self, params: Mapping[str, Any]) -> dict[str, Any]:
        order_id = str(params["order_id"])
        if order_id in self.missing:
            code, chinese, english = NO_SUCH_ORDER
            told = {"numberCode": int(code), "chineseErrCode": chinese, "englishErrCode": english}
            return {"orderDetailInfo": {"apiResult": told | {"success": False}}}
        found = self.shipment(order_id)
        info = {
            "orderId": order_id,
            "orderState": "WAIT_GOODS_RECEIVE_CONFIRM" if found else "WAIT_SELLER_STOCK_OUT",
            "waybill": found.waybill if found else "",
            "pin": f"buyer-{order_id}",
        }
        return {"orderDetailInfo": {"apiResult": {"success": True, "numberCode": 0}, "orderInfo": info}}

    def _chat(self, params: Mapping[str, Any]) -> dict[str, Any]:
        since, until = instant(params["startTime"]), instant(params["endTime"])
        page, size = int(params.get("page", 1)), int(params.get("pageSize", 20))
        found = [each for each in self.lines if each.buyer == params["customer"] and since <= each.at <= until]
        rows = [
            {"customer": each.buyer, "time": int(each.at.timestamp() * 1000), "content": each.text}
            | {"waiterSend": each.by_shop}
            for each in found[(page - 1) * size : page * size]
        ]
        return {"ChatLogPage": {"totalRecord": len(found), "chatLogList": rows}}


def routes(sandbox: Apps, desk: JdDesk | None = None) -> list[Route]:
    """Make the routes below the platform's base address."""
    at = desk if desk is not None else JdDesk()

    async def router(request: Request) -> JSONResponse:
        form = dict(request.query_params) | dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            inner = at.answer(form["method"], _params(form)) if not (fault := _fault(sandbox, at, form)) else None
        except (ValueError, KeyError, TypeError):
            fault, inner = "params", None
        if inner is None:
            code, chinese, english = FAULTS[fault or "method"]
            return JSONResponse({"error_response": {"code": code, "zh_desc": chinese, "en_desc": english}})
        return JSONResponse({f"{form['method'].replace('.', '_')}_responce": {"code": "0", **inner}})

    return [Route("/routerjson", router, methods=["POST"])]


def _fault(sandbox: Apps, desk: JdDesk, form: Mapping[str, str]) -> str | None:
    if desk.busy:
        desk.busy -= 1
        return "busy"
    secret = sandbox.secret_of(PLATFORM, form.get("app_key", ""))
    if secret is None:
        return "app"
    if any(not form.get(name) for name in SIGNED) or not verify(secret, form):
        return "signature"
    return None if is_timely(form["timestamp"]) else "timestamp"


def _params(form: Mapping[str, str]) -> dict[str, Any]:
    params = json.loads(form["360buy_param_json"])
    if not isinstance(params, dict):
        raise TypeError
    return params
