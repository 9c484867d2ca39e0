"""Signed calls of 1688's open platform: a shop's trades.  Claims and warnings have no public interface."""

import json
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from aftersales.monitoring.platform_calls import platform_call
from aftersales.platforms.access import NamedAccess
from aftersales.platforms.alibaba_1688.signing import SIGNATURE, sign
from aftersales.platforms.wording import platform_words
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.secret_files import Address
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable
from cases.models import Text

_TIMESTAMP: Final = "_aop_timestamp"
_TOKEN_FIELD: Final = "access_token"  # noqa: S105 - a field's name
NAMESPACE, TRADE_IN_FULL = "com.alibaba.trade", "alibaba.trade.get.sellerView"

# T: how the gateway's codes for too many calls begin.
_BUSY = ("gw.Qos",)
# T: how those for a timestamp that is not the gateway's begin.
_CLOCK_WRONG = ("gw.Timestamp",)


class Alibaba1688Access(NamedAccess):
    """1688's block in the secrets file; ``acknowledgement`` is what a pushed message is answered with.

    A shop's ``user`` is its member id.
    """

    address: Address = "https://gw.open.1688.com"
    acknowledgement: Text = "success"


class Alibaba1688Client:
    """Calls of 1688 for the shops whose credentials are known.

    All raise PlatformRefused, PlatformUnreachable, or NoCredentials for an unknown shop.
    """

    def __init__(self, access: Alibaba1688Access, transport: Transport) -> None:
        self.access = access
        self._transport = transport

    async def call(self, shop_id: str, namespace: str, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method for a shop; values that are not text are sent as JSON."""
        shop = self.access.shop(shop_id)
        path = f"param2/1/{namespace}/{name}/{shop.app_key}"
        form = {key: _text(value) for key, value in params.items()}
        form |= {_TOKEN_FIELD: shop.access_token.get_secret_value(), _TIMESTAMP: str(int(time.time() * 1000))}
        form[SIGNATURE] = sign(shop.app_secret.get_secret_value(), path, form)
        with platform_call(self._transport.platform, name):
            answer = await self._transport.post(f"{self.access.address}/openapi/{path}", data=form)
            with clock_measured(self._transport):
                return opened(name, answer)

    async def is_refunded(self, shop_id: str, order_id: str) -> bool:
        """Return whether money of a trade was refunded."""
        answer = await self.call(shop_id, NAMESPACE, TRADE_IN_FULL, {"webSite": "1688", "orderId": order_id})
        result = answer.get("result")
        trade = result.get("baseInfo") if isinstance(result, dict) else None
        try:
            return Decimal(str(trade["refund"] or 0)) > 0  # type: ignore[index]
        except (TypeError, KeyError, InvalidOperation):
            raise PlatformUnreachable(
                f"{TRADE_IN_FULL}: 1688 返回内容无法理解 / 1688's answer cannot be understood"
            ) from None


def opened(name: str, answer: Any) -> dict[str, Any]:
    """Return an answer unless it reports an error, which is raised."""
    if not isinstance(answer, dict):
        raise PlatformUnreachable(f"{name}: 1688 返回内容无法理解 / 1688's answer cannot be understood")
    code = answer.get("error_code")
    if code is None and "error_message" not in answer:
        return answer
    text = platform_words(answer.get("error_message"), answer.get("exception"))
    where = f"[{code}] request_id={answer.get('request_id')}"
    if str(code).startswith(_BUSY):
        raise PlatformUnreachable(f"{name}: 1688 繁忙 / 1688 is busy: {text} {where}")
    if str(code).startswith(_CLOCK_WRONG):
        raise ClockWrong(f"{name}: 1688 不接受本机时间 / 1688 does not take our time: {text} {where}")
    raise PlatformRefused(f"{name}: 1688 拒绝 / 1688 refused: {text} {where}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
