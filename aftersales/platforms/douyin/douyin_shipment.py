"""Shipment watches on Douyin: fed by messages about their orders, by the orders' records and by the parcels' tracks."""

from datetime import timedelta
from typing import Any, ClassVar

from aftersales.platforms.adapter import FollowingAdapter
from aftersales.platforms.douyin import shipment_reading as reading
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.track_reading import stations
from aftersales.platforms.inbound import CaseKey
from cases.messages import Report


class DouyinShipmentAdapter(FollowingAdapter):
    """The interface of the process ``douyin_shipment``: an order is watched once somebody has opened its case.

    No message brings the lines of a track, so that it is read every two hours: well within the 24 h of DS-2, and
    before its reminder.
    """

    opens: ClassVar[bool] = False
    every: ClassVar[timedelta] = timedelta(hours=2)

    def __init__(self, douyin: DouyinClient) -> None:
        self._douyin = douyin

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the watch that a message is about; None if it is about none.  Raises BadForm."""
        return reading.case_of(tag, data)

    def report_of(self, tag: str, message_id: str, data: Any) -> Report:
        """Return what a message reports to its watch; raises BadForm."""
        return reading.report_of(tag, message_id, data)

    def needs_record(self, report: Report) -> bool:
        """Return whether only the order's record says what a report means."""
        return reading.needs_record(report)

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        """Return what the order's record and its parcel's track say; raises PlatformRefused if there is no order."""
        order = await self._douyin.order(shop_id, own_id)
        parcel = next(iter(order.parcels), None)
        nodes = await self._douyin.track(shop_id, parcel.carrier, parcel.tracking_no) if parcel else []
        return reading.reports(order, stations(nodes))
