"""The methods of JD's open platform that processes use: ship an order, and read it."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aftersales.platforms.access import TokenAccess
from aftersales.platforms.jd.signing import sign
from aftersales.platforms.wording import platform_words
from aftersales.runtime.http_client import Transport
from aftersales.runtime.secret_files import Address
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.models import Strict
from cases.shanghai import SHANGHAI

_PARAMS = "360buy_param_json"
_VERSION = "2.0"
_TIME = "%Y-%m-%d %H:%M:%S"
_SHIP, _ORDER = "jingdong.pop.order.shipment", "jingdong.pop.order.get"
_SHIP_RESULT = "sopjosshipment_result"
_ORDER_FIELDS = "orderId,orderState,waybill"

# T: known from third-party code alone.
_ERROR = {"envelope": "error_response", "code": "code", "chinese": "zh_desc", "english": "en_desc"}
# T: calls limited, and the three codes for services behind the gateway that do not answer.
_BUSY = frozenset({"2", "65", "66", "67"})


class JdAccess(TokenAccess):
    """JD's block in the secrets file."""

    address: Address = "https://api.jd.com"


class JdOrder(Strict):
    """An order as JD has it: its state in JD's own words, and the waybills it was shipped with."""

    order_id: str
    state: str
    waybills: tuple[str, ...]


class JdClient:
    """Calls of JD for the shops whose credentials are known; all raise PlatformRefused or PlatformUnreachable."""

    def __init__(self, access: JdAccess, transport: Transport) -> None:
        self._access = access
        self._transport = transport

    async def call(self, shop_id: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method for a shop and return what the answer's envelope holds; raises NoCredentials."""
        shop = self._access.shop(shop_id)
        form = {
            "method": method,
            "app_key": shop.app_key,
            "access_token": shop.access_token.get_secret_value(),
            "timestamp": datetime.now(SHANGHAI).strftime(_TIME),
            "v": _VERSION,
            _PARAMS: json.dumps(params, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        }
        form["sign"] = sign(shop.app_secret.get_secret_value(), form)
        return opened(method, await self._transport.post(f"{self._access.address}/routerjson", data=form))

    async def ship(self, shop_id: str, order_id: str, company_id: str, waybill: str) -> str:
        """Ship an order and return JD's own words; refused also if it was shipped with this waybill before."""
        params = {"orderId": number(order_id), "logiCoprId": company_id, "logiNo": waybill}
        result = (await self.call(shop_id, _SHIP, params)).get(_SHIP_RESULT)
        if not isinstance(result, dict):
            raise unclear(_SHIP)
        code, chinese, english = (result.get(name) for name in ("errorCode", "chineseErrCode", "englishErrCode"))
        if not _yes(result.get("success")):
            raise refused(_SHIP, code, chinese, english)
        return platform_words(chinese, english)

    async def shipped(self, shop_id: str, order_id: str, waybill: str) -> bool:
        """Return whether an order was shipped with a waybill; False also for an order that may not be read.

        JD's codes for "shipped already" are not published: the order itself shows its waybills.
        """
        try:
            order = await self.order(shop_id, order_id)
        except PlatformRefused:
            return False
        known = {number.casefold() for number in order.waybills}
        return {number.casefold() for number in _waybills(waybill)} <= known

    async def order(self, shop_id: str, order_id: str) -> JdOrder:
        """Read an order."""
        answer = await self.call(shop_id, _ORDER, {"order_id": number(order_id), "optional_fields": _ORDER_FIELDS})
        detail = answer.get("orderDetailInfo")
        result = detail.get("apiResult") if isinstance(detail, dict) else None
        if isinstance(result, dict) and not _yes(result.get("success")):
            raise refused(_ORDER, result.get("numberCode"), result.get("chineseErrCode"), result.get("englishErrCode"))
        order = detail.get("orderInfo") if isinstance(detail, dict) else None
        if not isinstance(order, dict):
            raise unclear(_ORDER)
        return JdOrder(
            order_id=order_id,
            state=str(order.get("orderState") or ""),
            waybills=_waybills(str(order.get("waybill") or "")),
        )


def opened(method: str, answer: Any) -> dict[str, Any]:
    """Return what an answer's envelope holds; raises the error that the platform reports."""
    body = answer if isinstance(answer, dict) else {}
    error = body.get(_ERROR["envelope"])
    if isinstance(error, dict):
        raise refused(method, error.get(_ERROR["code"]), error.get(_ERROR["chinese"]), error.get(_ERROR["english"]))
    inner = body.get(f"{method.replace('.', '_')}_responce")  # so spelled by JD
    if not isinstance(inner, dict):
        raise unclear(method)
    if str(inner.get("code", "0")) != "0":
        raise refused(method, inner.get("code"), inner.get(_ERROR["chinese"]), inner.get(_ERROR["english"]))
    return inner


def refused(method: str, code: Any, chinese: Any, english: Any) -> PlatformRefused | PlatformUnreachable:
    """Return the error for what JD reports: unreachable if a retry may help, otherwise a refusal."""
    text = platform_words(chinese, english)
    if str(code) in _BUSY:
        return PlatformUnreachable(f"{method}: 京东繁忙 / JD is busy: {text} [{code}]")
    return PlatformRefused(f"{method}: 京东拒绝 / JD refused: {text} [{code}]")


def unclear(method: str) -> PlatformUnreachable:
    """Return the error for an answer that does not have JD's form."""
    return PlatformUnreachable(f"{method}: 京东返回内容无法理解 / JD's answer cannot be understood")


def number(order_id: str) -> int:
    """Return an order id as JD has it, a number; raises BadForm."""
    if not re.fullmatch(r"[0-9]{1,19}", order_id):
        raise BadForm(f"order_id: 京东订单号须为数字 / JD's order ids are numbers: {order_id}", ("order_id",))
    return int(order_id)


def _yes(value: Any) -> bool:
    return value in (True, "true", "1")  # JD writes a boolean also as a number or as text


def _waybills(text: str) -> tuple[str, ...]:
    return tuple(waybill for waybill in re.split(r"[,|\s]+", text) if waybill)
