"""JD as it behaves towards us: ships orders, shows them, and returns chat logs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.jd.signing import verify
from aftersales.sandbox.signed_requests import AppSecrets, form_of, instant, is_timely

_PLATFORM = "jd"
_SIGNED = ("360buy_param_json", "access_token", "app_key", "method", "timestamp", "v")

# T: the gateway's codes, as third parties list them.
_FAULTS: Mapping[str, tuple[str, str, str]] = {
    "timestamp": ("8", "非法的时间戳参数", "Invalid Timestamp"),
    "signature": ("12", "无效签名", "Invalid Signature"),
    "method": ("15", "不存在的方法名", "Invalid Method"),
    "app": ("18", "无效的app_key", "Invalid App Key"),
    "params": ("62", "json转换时错误,错误的请求参数", "Invalid Arguments"),
    "busy": ("66", "平台连接后端服务不可用", "Service Unavailable"),
}
# T: how a refusal to ship looks; the codes are the sandbox's own.
_SHIPPED_ALREADY = ("1001", "订单已出库,不能重复出库", "order has been shipped")
_NO_SUCH_COMPANY = ("1002", "物流公司ID有误", "no such logistics company")
_NO_SUCH_ORDER = ("1003", "订单不存在", "no such order")


@dataclass
class Shipped:
    """An order's parcel."""

    order_id: str
    company_id: str
    waybill: str


@dataclass
class RecordedLine:
    """A line of a chat between shop and buyer."""

    buyer: str
    at: datetime
    by_shop: bool
    text: str


@dataclass
class FakeJd:
    """JD's state and the calls it received. Every order exists and was placed by ``buyer-{order id}``.

    ``missing``: orders that do not exist; ``busy``: how many of the next calls fail.
    """

    shipped: list[Shipped] = field(default_factory=list)
    lines: list[RecordedLine] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    busy: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a call whose signature was right; return None for an unknown method."""
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
        """Return an order's parcel, None if it was not shipped."""
        return next((shipped for shipped in self.shipped if shipped.order_id == order_id), None)

    def _ship(self, params: Mapping[str, Any]) -> dict[str, Any]:
        order_id, company = str(params["orderId"]), str(params["logiCoprId"])
        refusal = None
        if order_id in self.missing:
            refusal = _NO_SUCH_ORDER
        elif self.shipment(order_id):
            refusal = _SHIPPED_ALREADY
        elif not company.replace("|", "").isdigit():
            refusal = _NO_SUCH_COMPANY
        else:
            self.shipped.append(Shipped(order_id, company, str(params["logiNo"])))
        code, chinese, english = refusal or ("0", "SOP订单 订单出库成功", "success")
        result = {"errorCode": code, "chineseErrCode": chinese, "englishErrCode": english}
        return {"sopjosshipment_result": result | {"success": refusal is None}}

    def _order(self, params: Mapping[str, Any]) -> dict[str, Any]:
        order_id = str(params["order_id"])
        if order_id in self.missing:
            code, chinese, english = _NO_SUCH_ORDER
            result = {"numberCode": int(code), "chineseErrCode": chinese, "englishErrCode": english}
            return {"orderDetailInfo": {"apiResult": result | {"success": False}}}
        shipped = self.shipment(order_id)
        info = {
            "orderId": order_id,
            "orderState": "WAIT_GOODS_RECEIVE_CONFIRM" if shipped else "WAIT_SELLER_STOCK_OUT",
            "waybill": shipped.waybill if shipped else "",
            "pin": f"buyer-{order_id}",
        }
        return {"orderDetailInfo": {"apiResult": {"success": True, "numberCode": 0}, "orderInfo": info}}

    def _chat(self, params: Mapping[str, Any]) -> dict[str, Any]:
        since, until = instant(params["startTime"]), instant(params["endTime"])
        page, size = int(params.get("page", 1)), int(params.get("pageSize", 20))
        lines = [line for line in self.lines if line.buyer == params["customer"] and since <= line.at <= until]
        rows = [
            {"customer": line.buyer, "time": int(line.at.timestamp() * 1000), "content": line.text}
            | {"waiterSend": line.by_shop}
            for line in lines[(page - 1) * size : page * size]
        ]
        return {"ChatLogPage": {"totalRecord": len(lines), "chatLogList": rows}}


def routes(apps: AppSecrets, jd: FakeJd | None = None) -> list[Route]:
    """Return the routes below the platform's base address."""
    platform = jd if jd is not None else FakeJd()

    async def router(request: Request) -> JSONResponse:
        form = await form_of(request)
        try:
            fault = _fault(apps, platform, form)
            inner = None if fault else platform.answer(form["method"], _params(form))
        except (ValueError, KeyError, TypeError):
            fault, inner = "params", None
        if inner is None:
            code, chinese, english = _FAULTS[fault or "method"]
            return JSONResponse({"error_response": {"code": code, "zh_desc": chinese, "en_desc": english}})
        return JSONResponse({f"{form['method'].replace('.', '_')}_responce": {"code": "0", **inner}})

    return [Route("/routerjson", router, methods=["POST"])]


def _fault(apps: AppSecrets, jd: FakeJd, form: Mapping[str, str]) -> str | None:
    if jd.busy:
        jd.busy -= 1
        return "busy"
    secret = apps.secret_of(_PLATFORM, form.get("app_key", ""))
    if secret is None:
        return "app"
    if any(not form.get(name) for name in _SIGNED) or not verify(secret, form):
        return "signature"
    return None if is_timely(form["timestamp"]) else "timestamp"


def _params(form: Mapping[str, str]) -> dict[str, Any]:
    params = json.loads(form["360buy_param_json"])
    if not isinstance(params, dict):
        raise TypeError
    return params
