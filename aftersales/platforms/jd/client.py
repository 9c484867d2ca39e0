"""The methods of JD's open platform that processes use: ship an order, read it, and list those that changed."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aftersales.monitoring.platform_calls import platform_call
from aftersales.platforms.access import TokenAccess
from aftersales.platforms.jd.answers import opened, part_of, unclear
from aftersales.platforms.jd.order_list import OrderList
from aftersales.platforms.jd.orders import FIELDS, TIME, JdOrder, read_order, waybills
from aftersales.platforms.jd.signing import sign
from aftersales.platforms.wording import platform_words
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.secret_files import Address
from cases.errors import BadForm, PlatformRefused
from cases.shanghai import SHANGHAI

_PARAMS = "360buy_param_json"
_VERSION = "2.0"
_SHIP, _ORDER = "jingdong.pop.order.shipment", "jingdong.pop.order.get"
_SHIP_RESULT = "sopjosshipment_result"


class JdAccess(TokenAccess):
    """JD's block in the secrets file."""

    address: Address = "https://api.jd.com"


class JdClient:
    """Calls of JD for the shops whose credentials are known; all raise PlatformRefused or PlatformUnreachable."""

    def __init__(self, access: JdAccess, transport: Transport) -> None:
        self._access = access
        self._transport = transport
        self._list = OrderList(self.call)

    async def call(self, shop_id: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method for a shop and return what the answer's envelope holds; raises NoCredentials."""
        shop = self._access.shop(shop_id)
        form = {
            "method": method,
            "app_key": shop.app_key,
            "access_token": shop.access_token.get_secret_value(),
            "timestamp": datetime.now(SHANGHAI).strftime(TIME),
            "v": _VERSION,
            _PARAMS: json.dumps(params, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        }
        form["sign"] = sign(shop.app_secret.get_secret_value(), form)
        with platform_call(self._transport.platform, method):
            answer = await self._transport.post(f"{self._access.address}/routerjson", data=form)
            with clock_measured(self._transport):
                return opened(method, answer)

    async def ship(self, shop_id: str, order_id: str, company_id: str, waybill: str) -> str:
        """Ship an order and return JD's own words; refused also if it was shipped with this waybill before."""
        params = {"orderId": number(order_id), "logiCoprId": company_id, "logiNo": waybill}
        result = part_of(_SHIP, await self.call(shop_id, _SHIP, params), _SHIP_RESULT, "errorCode")
        if "success" not in result:
            raise unclear(_SHIP)
        return platform_words(result.get("chineseErrCode"), result.get("englishErrCode"))

    async def shipped(self, shop_id: str, order_id: str, waybill: str) -> bool:
        """Return whether an order was shipped with a waybill; False also for an order that may not be read.

        JD's codes for "shipped already" are not published: the order itself shows its waybills.
        """
        try:
            order = await self.order(shop_id, order_id)
        except PlatformRefused:
            return False
        known = {number.casefold() for number in order.waybills}
        return {number.casefold() for number in waybills(waybill)} <= known

    async def order(self, shop_id: str, order_id: str) -> JdOrder:
        """Read an order."""
        params = {"order_id": number(order_id), "optional_fields": FIELDS}
        detail = part_of(_ORDER, await self.call(shop_id, _ORDER, params), "orderDetailInfo")
        info = detail.get("orderInfo")
        order = read_order({"orderId": order_id, **info}) if isinstance(info, dict) else None
        if order is None or number(order.order_id) != number(order_id):
            raise unclear(_ORDER)
        return order

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> Mapping[str, JdOrder]:
        """Return by id the orders that changed between two instants, both included, and say that something happened."""
        return await self._list.changed(shop_id, since, until)

    async def listed(self, shop_id: str, order_id: str) -> JdOrder:
        """Return an order as the list of those that changed shows it; one that was not listed is read."""
        return self._list.known(shop_id, order_id) or await self.order(shop_id, order_id)


def number(order_id: str) -> int:
    """Return an order id as JD has it, a number; raises BadForm."""
    if not re.fullmatch(r"[0-9]{1,19}", order_id):
        raise BadForm(f"order_id: 京东订单号须为数字 / JD's order ids are numbers: {order_id}", ("order_id",))
    return int(order_id)
