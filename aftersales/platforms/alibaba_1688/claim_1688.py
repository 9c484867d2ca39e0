"""Claims on 1688: they have no interface, but a trade message tells that the order was closed (CL-7)."""

from collections.abc import Mapping
from typing import Any, Final

from aftersales.platforms.adapter import OrderMessageAdapter
from aftersales.platforms.alibaba_1688.client import Alibaba1688Client
from aftersales.platforms.alibaba_1688.order_messages import ORDER_CLOSED, happened, order_id, shop_id
from aftersales.platforms.inbound import CaseKey
from cases.errors import PlatformRefused
from cases.messages import Report

_PROCESS: Final = "claim_1688"


class Claim1688Adapter(OrderMessageAdapter):
    """The interface of the process ``claim_1688``."""

    def __init__(self, alibaba: Alibaba1688Client) -> None:
        self._alibaba = alibaba

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the order that was closed; None for any other message."""
        if tag not in ORDER_CLOSED or not isinstance(data, dict):
            return None
        return CaseKey(_PROCESS, shop_id(self._alibaba, data), order_id(tag, data))

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return that the trade was closed; a message does not say whether it was refunded."""
        order = {"order_id": order_id(tag, data)}
        return Report(message_id=message_id, rule="close_trade", form=order, occurred_at=happened(tag, data))

    async def concerning(self, facts: Mapping[str, Any], report: Report) -> Report | None:
        """Return the report with what the trade's record says of a refund; without one that stays unknown."""
        order = str((report.form or {}).get("order_id"))
        try:
            refunded = {"refunded": await self._alibaba.is_refunded(str(facts["shop_id"]), order)}
        except PlatformRefused:  # without the permission to read trades, say
            return report.model_copy(update={"form": None})
        return report.model_copy(update={"form": refunded})
