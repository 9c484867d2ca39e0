"""Toys on Douyin: one message opens a case, another says that the toy was shipped."""

from typing import Any

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.inbound import CaseKey
from cases.messages import EffectCall, EffectOutcome, Report

CREATED, SHIPPED = "9001", "9002"


class ToyAdapter(MessageAdapter):
    """The interface of the process ``toy``."""

    def __init__(self, douyin: DouyinClient) -> None:
        self._douyin = douyin

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Agree on the platform."""
        await self._douyin.call(call.shop_id, "toy.agree", {"toy_id": call.facts["toy_id"], "key": call.key})
        return EffectOutcome()

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the toy that a message is about."""
        return CaseKey("toy", str(data["shop_id"]), str(data["toy_id"])) if tag in (CREATED, SHIPPED) else None

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return that the toy was shipped."""
        del data
        return Report(message_id=message_id, rule="ship") if tag == SHIPPED else None

    async def facts(self, shop_id: str, own_id: str) -> dict[str, Any]:
        """Return what the platform knows of the toy."""
        record = await self._douyin.call(shop_id, "toy.detail", {"toy_id": own_id})
        return {"shop_id": shop_id, "toy_id": own_id, "order_id": record["order_id"]}
