"""JD as it behaves towards us: ships orders, shows them, and lists those that changed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.platforms.jd.signing import verify
from aftersales.sandbox.signed_requests import TIMESTAMP_FORMAT, AppSecrets, form_of, instant, is_timely, long_instant
from cases.shanghai import SHANGHAI

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
_NO_SUCH_STATE = ("1004", "订单状态不合法", "no such order state")

_WAITING, _SENT, _FINISHED = "WAIT_SELLER_STOCK_OUT", "WAIT_GOODS_RECEIVE_CONFIRM", "FINISHED_L"
_CANCELLED = "TRADE_CANCELED"
_STATES = frozenset(
    {_WAITING, _SENT, _FINISHED, _CANCELLED, "WAIT_SELLER_DELIVERY", "PAUSE", "POP_ORDER_PAUSE", "LOCKED"}
)
_MOST_ROWS = 100
_LONGEST_SPAN = timedelta(days=31)
_NEVER = "0001-01-01 00:00:00"


@dataclass
class Shipped:
    """An order's parcels, and when they were shipped."""

    order_id: str
    company_id: str
    waybill: str
    at: datetime = field(default_factory=lambda: datetime.now(SHANGHAI), compare=False)


@dataclass
class FakeJd:
    """JD's state and the calls it received. Every order exists; those are listed to which something happened.

    ``finished`` and ``cancelled``: when orders were; ``touched``: when their waybill or state last changed otherwise.
    ``missing``: orders that do not exist; ``busy``: how many of the next calls fail.
    """

    shipped: list[Shipped] = field(default_factory=list)
    finished: dict[str, datetime] = field(default_factory=dict)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    touched: dict[str, datetime] = field(default_factory=dict)
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
            case "jingdong.pop.order.search":
                return self._search(params)
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
        order_id, fields = str(params["order_id"]), _fields(params)
        if order_id in self.missing:
            return {"orderDetailInfo": {"apiResult": _failed(*_NO_SUCH_ORDER)}}
        return {"orderDetailInfo": {"apiResult": _DONE, "orderInfo": _only(self._record(order_id), fields)}}

    def _search(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """List orders by the instant of their change or of their creation, by default the oldest first."""
        fields, states = _fields(params), str(params["order_state"]).split(",")
        page, size = int(params["page"]), int(params["page_size"])
        since, until = instant(params["start_date"]), instant(params["end_date"])
        if page < 1 or not 1 <= size <= _MOST_ROWS or until - since > _LONGEST_SPAN:
            raise ValueError
        if not _STATES.issuperset(states):
            return {"searchorderinfo_result": {"apiResult": _failed(*_NO_SUCH_STATE)}}
        when = "orderStartTime" if params.get("dateType") == 1 else "modified"
        known = {shipped.order_id for shipped in self.shipped} | self.finished.keys() | self.cancelled.keys()
        found = [record for record in map(self._record, known) if record["orderState"] in states]
        found = [record for record in found if since <= instant(record[when]) <= until]
        found.sort(key=lambda record: (record[when], record["orderId"]), reverse=params.get("sortType") == 1)
        rows = [_only(record, fields) for record in found[(page - 1) * size : page * size]]
        return {"searchorderinfo_result": {"apiResult": _DONE, "orderTotal": len(found), "orderInfoList": rows}}

    def _record(self, order_id: str) -> dict[str, str]:
        shipped, finished = self.shipment(order_id), self.finished.get(order_id)
        cancelled, touched = self.cancelled.get(order_id), self.touched.get(order_id)
        happened = [at for at in (shipped and shipped.at, finished, cancelled, touched) if at]
        return {
            "orderId": order_id,
            "orderState": (cancelled and _CANCELLED) or (finished and _FINISHED) or (shipped and _SENT) or _WAITING,
            "waybill": shipped.waybill if shipped else "",
            "logisticsId": shipped.company_id if shipped else "",
            "orderStartTime": _written(min(happened, default=None)),
            "outBoundDate": _written(shipped.at if shipped else None),
            "orderEndTime": _written(cancelled or finished),
            "modified": _written(max(happened, default=None)),
            "pin": f"buyer-{order_id}",
        }


_DONE = {"success": True, "numberCode": 0}


def _failed(code: str, chinese: str, english: str) -> dict[str, Any]:
    return {"success": False, "numberCode": int(code), "chineseErrCode": chinese, "englishErrCode": english}


def _fields(params: Mapping[str, Any]) -> list[str]:
    """Return the fields that are asked for; raises if none are, which JD refuses."""
    fields = str(params["optional_fields"])
    if not fields:
        raise ValueError
    return fields.split(",")


def _only(record: Mapping[str, str], fields: Iterable[str]) -> dict[str, str]:
    return {name: record[name] for name in fields if name in record}


def _written(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime(TIMESTAMP_FORMAT) if at else _NEVER


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
    return None if is_timely(form["timestamp"], long_instant) else "timestamp"


def _params(form: Mapping[str, str]) -> dict[str, Any]:
    params = json.loads(form["360buy_param_json"])
    if not isinstance(params, dict):
        raise TypeError
    return params
