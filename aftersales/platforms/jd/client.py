"""JD's open platform, as far as a process uses it: shipping an order, reading it, and its buyer's chat log."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aftersales.platforms.credentials import JdAccess
from aftersales.platforms.jd.signing import SIGN, sign
from aftersales.runtime.http_client import Transport
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.models import Instant, Strict
from cases.shanghai import SHANGHAI

PARAMS = "360buy_param_json"
VERSION = "2.0"
TIME = "%Y-%m-%d %H:%M:%S"
SHIP, ORDER, CHAT = "jingdong.pop.order.shipment", "jingdong.pop.order.get", "jingdong.im.pop.chatlog.get"
SHIPPED = "sopjosshipment_result"
ORDER_FIELDS = "orderId,orderState,waybill,pin"
PAGE = 100

# T: known from third-party code alone.
ERROR = {"envelope": "error_response", "code": "code", "chinese": "zh_desc", "english": "en_desc"}
# T: calls limited, and the three codes for services behind the gateway that do not answer.
BUSY = frozenset({"2", "65", "66", "67"})
# T: the SDK names the request's fields and the page, not what is in it.
LINES = {"page": "ChatLogPage", "rows": "chatLogList", "at": "time", "by_shop": "waiterSend", "text": "content"}


class JdOrder(Strict):
    """An order as JD has it: its state in JD's own words, the waybills it was shipped with, and its buyer's pin."""

    order_id: str
    state: str
    waybills: tuple[str, ...]
    buyer: str


class ChatLine(Strict):
    """One line that shop or buyer wrote."""

    at: Instant
    by_shop: bool
    text: str


class JdClient:
    """Calls of JD for the shops whose credentials are known; all raise PlatformRefused or PlatformUnreachable."""

    def __init__(self, access: JdAccess, transport: Transport) -> None:
        """Sign with these credentials, send over this transport."""
        self._access = access
        self._transport = transport

    async def call(self, shop_id: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method for a shop; gives what the answer's envelope holds.  BadForm: the shop is unknown."""
        shop = self._access.shop(shop_id)
        form = {
            "method": method,
            "app_key": shop.app_key,
            "access_token": shop.access_token.get_secret_value(),
            "timestamp": datetime.now(SHANGHAI).strftime(TIME),
            "v": VERSION,
            PARAMS: json.dumps(params, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        }
        form[SIGN] = sign(shop.app_secret.get_secret_value(), form)
        return opened(method, await self._transport.post(f"{self._access.address}/routerjson", data=form))

    async def ship(self, shop_id: str, order_id: str, company_id: str, waybill: str) -> None:
        """Ship an order; one that was shipped with this waybill before is shipped, whatever JD says of it now."""
        params = {"orderId": number(order_id), "logiCoprId": company_id, "logiNo": waybill}
        result = (await self.call(shop_id, SHIP, params)).get(SHIPPED)
        if not isinstance(result, dict):
            raise unclear(SHIP)
        if _yes(result.get("success")):
            return
        refusal = refused(SHIP, result.get("errorCode"), result.get("chineseErrCode"), result.get("englishErrCode"))
        # JD's codes for "shipped already" are not published: the order itself shows with which waybill it was.
        try:
            order = await self.order(shop_id, order_id)
        except PlatformRefused:
            raise refusal from None
        if not set(_waybills(waybill)) <= set(order.waybills):
            raise refusal

    async def order(self, shop_id: str, order_id: str) -> JdOrder:
        """Read an order."""
        answer = await self.call(shop_id, ORDER, {"order_id": number(order_id), "optional_fields": ORDER_FIELDS})
        detail = answer.get("orderDetailInfo")
        told = detail.get("apiResult") if isinstance(detail, dict) else None
        if isinstance(told, dict) and not _yes(told.get("success")):
            raise refused(ORDER, told.get("numberCode"), told.get("chineseErrCode"), told.get("englishErrCode"))
        found = detail.get("orderInfo") if isinstance(detail, dict) else None
        if not isinstance(found, dict):
            raise unclear(ORDER)
        return JdOrder(
            order_id=order_id,
            state=str(found.get("orderState") or ""),
            waybills=_waybills(str(found.get("waybill") or "")),
            buyer=str(found.get("pin") or ""),
        )

    async def chat_log(self, shop_id: str, buyer: str, since: datetime, until: datetime) -> list[ChatLine]:
        """Read what shop and buyer wrote to each other, oldest first: evidence for an emergency report (JD-3)."""
        lines: list[ChatLine] = []
        page, before = 1, None
        while True:
            params = {"customer": buyer, "startTime": _shanghai(since), "endTime": _shanghai(until)}
            answer = await self.call(shop_id, CHAT, params | {"page": page, "pageSize": PAGE})
            found = answer.get(LINES["page"])
            rows = (found.get(LINES["rows"]) if isinstance(found, dict) else None) or []
            if rows == before:  # a platform that knows no pages gives the first one for ever
                break
            lines += [_line(row) for row in rows]
            if len(rows) < PAGE:
                break
            page, before = page + 1, rows
        return sorted(lines, key=lambda line: line.at)

    async def chat_about(self, shop_id: str, order_id: str, since: datetime, until: datetime) -> list[ChatLine]:
        """Read the chat with an order's buyer."""
        buyer = (await self.order(shop_id, order_id)).buyer
        if not buyer:
            raise PlatformRefused(f"{ORDER}: 订单未返回买家账号 / the order does not tell its buyer")
        return await self.chat_log(shop_id, buyer, since, until)


def opened(method: str, answer: Any) -> dict[str, Any]:
    """Take an answer out of its envelope; raises what the platform says is wrong."""
    body = answer if isinstance(answer, dict) else {}
    error = body.get(ERROR["envelope"])
    if isinstance(error, dict):
        raise refused(method, error.get(ERROR["code"]), error.get(ERROR["chinese"]), error.get(ERROR["english"]))
    inner = body.get(f"{method.replace('.', '_')}_responce")  # so spelled by JD
    if not isinstance(inner, dict):
        raise unclear(method)
    if str(inner.get("code", "0")) != "0":
        raise refused(method, inner.get("code"), inner.get(ERROR["chinese"]), inner.get(ERROR["english"]))
    return inner


def refused(method: str, code: Any, chinese: Any, english: Any) -> PlatformRefused | PlatformUnreachable:
    """Make the error for what JD says: unreachable where only the moment is bad, a refusal else."""
    text = " / ".join(str(each) for each in (chinese, english) if each)
    if str(code) in BUSY:
        return PlatformUnreachable(f"{method}: 京东繁忙 / JD is busy: {text} [{code}]")
    return PlatformRefused(f"{method}: 京东拒绝 / JD refused: {text} [{code}]")


def unclear(method: str) -> PlatformUnreachable:
    """Make the error for an answer that is not what JD answers."""
    return PlatformUnreachable(f"{method}: 京东的答复无法理解 / JD's answer cannot be understood")


def number(order_id: str) -> int:
    """Read an order id as JD has it, a number; raises BadForm."""
    if not re.fullmatch(r"[0-9]{1,19}", order_id):
        raise BadForm(f"order_id: 京东订单号须为数字 / JD's order ids are numbers: {order_id}", ("order_id",))
    return int(order_id)


def _yes(told: Any) -> bool:
    return told in (True, "true", "1")  # JD tells a boolean also as a number or as a text


def _waybills(text: str) -> tuple[str, ...]:
    return tuple(each for each in re.split(r"[,|\s]+", text) if each)


def _shanghai(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime(TIME)


def _line(row: Any) -> ChatLine:
    try:
        at = datetime.fromtimestamp(int(row[LINES["at"]]) / 1000, UTC)
        return ChatLine(at=at, by_shop=_yes(row.get(LINES["by_shop"])), text=str(row.get(LINES["text"]) or ""))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        raise unclear(CHAT) from None
