"""Taobao's open platform (TOP): the messages of an application, and the status of a seller's trades."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aftersales.monitoring.platform_calls import platform_call
from aftersales.platforms.access import NamedAccess
from aftersales.platforms.taobao.signing import METHOD, SignMethod, sign
from aftersales.platforms.wording import platform_words
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.secret_files import Address
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable
from cases.shanghai import SHANGHAI

_TIME: Final = "%Y-%m-%d %H:%M:%S"
_SIGN_METHOD: Final[SignMethod] = "hmac-sha256"
CONSUME, CONFIRM, TRADE = "taobao.tmc.messages.consume", "taobao.tmc.messages.confirm", "taobao.trade.get"
QUANTITY: Final = 100
"""The messages that one call consumes; the platform gives 10 to 200."""
MOST: Final = 200
"""The most messages that one call confirms."""
_ERROR: Final = "error_response"

# T: codes for "called too often" (7) and, by how they begin, for services behind the gateway that do not answer.
_BUSY_CODE, _BUSY = "7", ("isp.", "accesscontrol.limited")
_CLOCK_WRONG = "31"


class TaobaoAccess(NamedAccess):
    """Taobao's block in the secrets file; a shop's ``user`` is the seller's nick."""

    address: Address = "https://gw.api.taobao.com"


class TaobaoClient:
    """Calls of TOP for the applications whose credentials are known.

    All raise PlatformRefused, PlatformUnreachable, or NoCredentials for an unknown application or shop.
    """

    def __init__(self, access: TaobaoAccess, transport: Transport) -> None:
        self.access = access
        self._transport = transport

    async def call(self, app_key: str, method: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Call a method and return what the envelope holds."""
        app = self.access.app(app_key)
        form = {
            **params,
            "method": method,
            "app_key": app_key,
            "timestamp": datetime.now(SHANGHAI).strftime(_TIME),
            "format": "json",
            "v": "2.0",
            METHOD: _SIGN_METHOD,
        }
        form["sign"] = sign(app.app_secret.get_secret_value(), form, _SIGN_METHOD)
        with platform_call(self._transport.platform, method):
            answer = await self._transport.post(f"{self.access.address}/router/rest", data=form)
            with clock_measured(self._transport):
                return opened(method, answer)

    async def consume(self, app_key: str) -> list[Any]:
        """Return messages of an application as the platform wrote them; one that is not confirmed comes again."""
        answer = await self.call(app_key, CONSUME, {"quantity": str(QUANTITY)})
        messages = answer.get("messages")
        rows = messages.get("tmc_message") if isinstance(messages, dict) else None
        return rows if isinstance(rows, list) else []

    async def confirm(self, app_key: str, ids: Sequence[str]) -> None:
        """Confirm messages, so that they do not come again."""
        for first in range(0, len(ids), MOST):
            answer = await self.call(app_key, CONFIRM, {"s_message_ids": ",".join(ids[first : first + MOST])})
            if answer.get("is_success") is not True:
                raise PlatformRefused(f"{CONFIRM}: 消息未被确认 / messages were not confirmed")

    async def trade_status(self, shop_id: str, order_id: str) -> str:
        """Return the status of a seller's trade, as the platform writes it."""
        shop = self.access.shop(shop_id)
        params = {"session": shop.access_token.get_secret_value(), "fields": "tid,status", "tid": order_id}
        trade = (await self.call(shop.app_key, TRADE, params)).get("trade")
        if not isinstance(trade, dict) or not isinstance(trade.get("status"), str):
            raise PlatformUnreachable(f"{TRADE}: 淘宝返回内容无法理解 / Taobao's answer cannot be understood")
        return str(trade["status"])


def opened(method: str, answer: Any) -> dict[str, Any]:
    """Return what an answer's envelope holds; raises the error that the platform reports."""
    body = answer if isinstance(answer, dict) else {}
    error = body.get(_ERROR)
    if isinstance(error, dict):
        raise _refused(method, error)
    inner = body.get(f"{method.removeprefix('taobao.').replace('.', '_')}_response")
    if not isinstance(inner, dict):
        raise PlatformUnreachable(f"{method}: 淘宝返回内容无法理解 / Taobao's answer cannot be understood")
    return inner


def _refused(method: str, error: Mapping[str, Any]) -> PlatformRefused | PlatformUnreachable:
    code, sub_code = str(error.get("code")), str(error.get("sub_code") or "")
    text = platform_words(error.get("sub_msg"), error.get("msg"))
    which = f"[{code} {sub_code}]".replace(" ]", "]")
    if code == _BUSY_CODE or sub_code.startswith(_BUSY):
        return PlatformUnreachable(f"{method}: 淘宝繁忙 / Taobao is busy: {text} {which}")
    if code == _CLOCK_WRONG:
        return ClockWrong(f"{method}: 淘宝不接受本机时间 / Taobao does not take our time: {text} {which}")
    return PlatformRefused(f"{method}: 淘宝拒绝 / Taobao refused: {text} {which}")
