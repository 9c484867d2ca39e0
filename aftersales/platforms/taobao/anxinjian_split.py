"""Anxinjian on Taobao: its own steps have no interface, but trade messages tell what becomes of the orders.

A refund that has succeeded (``RefundSuccess``) may be of a part of the money, after which the trade goes on: only the
trade's status says that the order is refunded.  A trade that was closed before it was paid concerns no case.
"""

from collections.abc import Mapping
from typing import Any, Final

from aftersales.platforms.adapter import OrderMessageAdapter
from aftersales.platforms.inbound import CaseKey, decimal_id
from aftersales.platforms.instants import platform_instant
from aftersales.platforms.taobao.client import TaobaoClient
from aftersales.platforms.taobao.tmc import PUBLISHED_FIELD, SHOP_FIELD
from cases.messages import Report

_PROCESS: Final = "anxinjian_split"
REFUND_TOPIC: Final = "taobao_refund_RefundSuccess"
CLOSING_TOPIC: Final = "taobao_trade_TradeClose"
RECEIPT_TOPIC: Final = "taobao_trade_TradeSuccess"
# T: the topic, and which events are the pickup and the signature.
TRACE_TOPIC: Final = "taobao_logistics_LogsticDetailTrace"
TRACK_EVENTS: Final[Mapping[str, str]] = {"GOT": "pick_up", "SIGNED": "deliver"}

CLOSED_BY_REFUND: Final = "TRADE_CLOSED"
"""The status of a trade that was closed because everything was refunded."""
ASK: Final[Mapping[str, Any]] = {"ask": "status"}
"""The form of a report that holds only if the trade's status says so; a case never gets it."""


class AnxinjianSplitAdapter(OrderMessageAdapter):
    """The interface of the process ``anxinjian_split``: any of an item's orders leads to its case."""

    def __init__(self, taobao: TaobaoClient) -> None:
        self._taobao = taobao

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the order that a message is about; None if the message tells nothing of an order."""
        if _rule(tag, data) is None:
            return None
        return CaseKey(_PROCESS, data[SHOP_FIELD], decimal_id(data.get("tid"), "tid"))

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return what happened to the order."""
        return Report(
            message_id=message_id,
            rule=_rule(tag, data),
            order=decimal_id(data.get("tid"), "tid"),
            form=dict(ASK) if _is_unsure(tag, data) else None,
            occurred_at=platform_instant(data.get("time"), data.get("modified"), data.get(PUBLISHED_FIELD)),
        )

    async def concerning(self, facts: Mapping[str, Any], report: Report) -> Report | None:
        """Return a report as it is for a case; None if the order is not refunded although money was."""
        if report.form != ASK:
            return report
        status = await self._taobao.trade_status(str(facts["merchant_id"]), str(report.order))
        return report.model_copy(update={"form": None}) if status == CLOSED_BY_REFUND else None


def _rule(tag: str, data: Mapping[str, Any]) -> str | None:
    if tag == TRACE_TOPIC:
        return TRACK_EVENTS.get(str(data.get("action")))
    if tag == CLOSING_TOPIC and data.get("status") not in (None, CLOSED_BY_REFUND):
        return None
    return {REFUND_TOPIC: "refund_order", CLOSING_TOPIC: "refund_order", RECEIPT_TOPIC: "confirm_receipt"}.get(tag)


def _is_unsure(tag: str, data: Mapping[str, Any]) -> bool:
    return tag == REFUND_TOPIC or (tag == CLOSING_TOPIC and data.get("status") is None)
