"""Orders on JD: shipping one, and what the list of those that changed says; nothing else has a public interface."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from aftersales.platforms.adapter import ReconcilableAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.jd.client import JdClient
from aftersales.platforms.jd.orders import JdOrder, reports
from cases.errors import BadForm, PlatformRefused
from cases.forms import Shipment
from cases.messages import EffectCall, EffectOutcome, Report
from cases.models import read

# T: JD's ids of logistics companies, known from third-party code alone.
COMPANIES: Mapping[str, str] = {
    "EMS": "465",
    "SF": "467",
    "STO": "470",
    "YTO": "463",
    "YUNDA": "1327",
    "ZTO": "1499",
    "JD": "2087",
    "JDL": "2087",
    "中通快递": "1499",
    "京东快递": "2087",
    "圆通速递": "463",
    "德邦快递": "3046",
    "申通快递": "470",
    "邮政EMS": "465",
    "韵达快递": "1327",
    "顺丰速运": "467",
}


class ShippingAdapter(ReconcilableAdapter):
    """The base of the adapters of processes about an order to ship; no clock of theirs has a record on JD.

    ``shipped`` and ``cancelled``: the rules by which a case learns that its order was; None if it has none.  An order
    opens no case: it does not say what is promised of it, or why somebody should look after it.
    """

    opens: ClassVar[bool] = False
    shipped: ClassVar[str | None] = "ship"
    cancelled: ClassVar[str | None] = "cancel_order"

    def __init__(self, jd: JdClient) -> None:
        self._jd = jd

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Ship the order with the form's carrier and tracking number, unless it was shipped so before."""
        if call.effect != "push_tracking_number":
            raise PlatformRefused(f"京东没有此操作的接口 / JD has no interface for: {call.effect}")
        shipment = read(Shipment, call.form or {}, "form")
        company, order_id = company_id(shipment.carrier), str(call.facts["order_id"])
        if await self._jd.shipped(call.shop_id, order_id, shipment.tracking_no):
            return EffectOutcome(already=True)
        try:
            said = await self._jd.ship(call.shop_id, order_id, company, shipment.tracking_no)
        except PlatformRefused:
            # An earlier call, whose answer was lost, may have taken effect since the order was read.
            if await self._jd.shipped(call.shop_id, order_id, shipment.tracking_no):
                return EffectOutcome(already=True)
            raise
        return EffectOutcome(said=said or None)

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return None: JD pushes nothing."""
        del tag, data
        return None

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return None: JD pushes nothing."""
        del tag, message_id, data
        return None

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        """Return what JD's order says happened; raises PlatformRefused if there is none."""
        return self._reports(await self._jd.listed(shop_id, own_id))

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        """Yield the ids of the orders that changed between two instants and have something to say to this process."""
        for order in (await self._jd.changed(shop_id, since, until)).values():
            if self._reports(order):
                yield order.order_id

    def _reports(self, order: JdOrder) -> list[Report]:
        return reports(order, shipped=self.shipped, cancelled=self.cancelled)


def company_id(carrier: str) -> str:
    """Return JD's id of a logistics company by its name or code, an id unchanged; raises BadForm."""
    if re.fullmatch(r"[0-9]+(\|[0-9]+)*", carrier):
        return carrier
    company = COMPANIES.get(carrier.upper())
    if company is None:
        names = ", ".join(sorted(COMPANIES))
        raise BadForm(
            f"carrier: 须为京东物流公司编号(商家后台「我的配送」)或 / expected JD's id of the company or one of: "
            f"{names}",
            ("carrier",),
        )
    return company
