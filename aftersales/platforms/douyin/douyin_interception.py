"""Interceptions on Douyin: a parcel is stopped through its interface; signing and complaining have none.

The refund is told by messages and by the after-sale's record, where the parcels are by their tracks.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from aftersales.platforms.adapter import FollowingAdapter
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.order_records import (
    REFUND_SUCCEEDED,
    AfterSaleMessage,
    OrderParcel,
    gives_money_back,
)
from aftersales.platforms.douyin.records import AfterSale, Status
from aftersales.platforms.douyin.shipment_reading import NUMBER_LENGTH
from aftersales.platforms.douyin.track_reading import ParcelProgress, Station, stations
from aftersales.platforms.inbound import CaseKey
from cases.errors import PlatformRefused
from cases.forms import Shipment
from cases.messages import EffectCall, EffectOutcome, Report
from cases.models import clipped, read

INTERCEPTION_PROCESS: Final = "douyin_interception"
AFTER_SALE_CLOSED = "207"
"""The tag of the message that an after-sale has ended without money: withdrawn, or its time is over."""
RULE_BY_TAG: Final[Mapping[str, str]] = {REFUND_SUCCEEDED: "refund_succeeds", AFTER_SALE_CLOSED: "withdraw_refund"}
RULE_BY_STATUS: Final[Mapping[int, str]] = {Status.REFUNDED: "refund_succeeds", Status.CLOSED: "withdraw_refund"}
RULE_BY_PROGRESS: Final[Mapping[ParcelProgress, str]] = {
    ParcelProgress.DELIVERING: "out_for_delivery",
    ParcelProgress.SIGNED: "sign",
}
"""A parcel that goes back is signed for by its sender, which is no failure."""


class DouyinInterceptionAdapter(FollowingAdapter):
    """The interface of the process ``douyin_interception``; no record shows whether a parcel was stopped before.

    Parcels are looked at often: once one is out for delivery, it cannot be stopped any more.
    """

    opens: ClassVar[bool] = False
    every: ClassVar[timedelta] = timedelta(minutes=10)

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

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the interception of the after-sale that a message is about; None if it is about none.

        Raises BadForm.
        """
        if tag not in RULE_BY_TAG or not gives_money_back(data):
            return None
        message = read(AfterSaleMessage, data, "data")
        return CaseKey(INTERCEPTION_PROCESS, message.shop_id, message.after_sale_id)

    def report_of(self, tag: str, message_id: str, data: Any) -> Report:
        """Return that the buyer's refund has succeeded, or is off; raises BadForm."""
        message = read(AfterSaleMessage, data, "data")
        at = message.success_time or message.close_time or message.update_time
        return Report(message_id=message_id, rule=RULE_BY_TAG[tag], occurred_at=at)

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        """Return how the refund stands and where the parcels are, if the record says of which order it is.

        Raises PlatformRefused if there is no such after-sale.
        """
        record = await self._douyin.detail(shop_id, own_id)
        told = [*_refund(record)]
        if record.order_id is None:
            return told
        order = await self._douyin.order(shop_id, record.order_id)
        for parcel in order.parcels:
            told += _whereabouts(
                parcel, stations(await self._douyin.track(shop_id, parcel.carrier, parcel.tracking_no))
            )
        return told


def _refund(record: AfterSale) -> Iterator[Report]:
    if rule := RULE_BY_STATUS.get(record.status):
        own_id = f"detail/{record.after_sale_id}/{rule}"
        yield Report(message_id=own_id, rule=rule, occurred_at=record.updated_at, look=True)


def _whereabouts(parcel: OrderParcel, way: Iterable[Station]) -> Iterator[Report]:
    for station in way:
        if rule := RULE_BY_PROGRESS.get(station.progress):
            yield Report(
                message_id=f"track/{clipped(parcel.tracking_no, NUMBER_LENGTH)}/{station.key}",
                rule=rule,
                form={"tracking_no": parcel.tracking_no},
                occurred_at=station.at,
                look=True,
            )
