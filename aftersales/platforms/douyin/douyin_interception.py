"""Interceptions on Douyin: a parcel is stopped through its interface; signing and complaining have none."""

from aftersales.platforms.adapter import Adapter
from aftersales.platforms.douyin.client import DouyinClient
from cases.errors import PlatformRefused
from cases.forms import Shipment
from cases.messages import EffectCall, EffectOutcome
from cases.models import read


class DouyinInterceptionAdapter(Adapter):
    """The interface of the process ``douyin_interception``; no record shows whether a parcel was stopped before."""

    def __init__(self, douyin: DouyinClient) -> None:
        self._douyin = douyin

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Stop the parcel that was chosen; raises PlatformRefused with the platform's reason if it cannot be."""
        if call.effect != "intercept_parcel":
            raise PlatformRefused(f"抖店没有此操作的接口 / Douyin has no interface for: {call.effect}")
        parcel = read(Shipment, call.form or {}, call.effect)
        own_id = str(call.facts["after_sale_id"])
        said = await self._douyin.intercept(call.shop_id, own_id, parcel.carrier, parcel.tracking_no)
        return EffectOutcome(said=said or None)
