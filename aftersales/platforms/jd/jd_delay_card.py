"""JD's platform for the delay card: cards and reports have no public interface, shipping an order has."""

import re
from collections.abc import Mapping

from aftersales.platforms.jd.client import JdClient
from cases.errors import BadForm, PlatformRefused
from cases.forms import Shipment
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
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


class JdDelayCardAdapter:
    """The platform of the process jd_delay_card."""

    def __init__(self, jd: JdClient) -> None:
        """Act through this client."""
        self._jd = jd

    async def perform(self, call: EffectCall) -> None:
        """Ship the order with the form's carrier and tracking number; shipped with it before is done."""
        if call.effect != "push_tracking_number":
            raise PlatformRefused(f"京东没有此操作的接口 / JD has no interface for: {call.effect}")
        shipment = read(Shipment, call.form or {}, "form")
        company = company_id(shipment.carrier)
        await self._jd.ship(call.shop_id, str(call.facts["order_id"]), company, shipment.tracking_no)

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Know nothing: cards have no public interface, so that the policy's own event counts."""
        del question
        return ExpiryOutcome()


def company_id(carrier: str) -> str:
    """Give JD's id of a logistics company for its name or code, an id as it is; raises BadForm."""
    if re.fullmatch(r"[0-9]+(\|[0-9]+)*", carrier):
        return carrier
    found = COMPANIES.get(carrier.upper())
    if found is None:
        known = ", ".join(sorted(COMPANIES))
        raise BadForm(
            f"carrier: 须为京东物流公司编号(商家后台「我的配送」)或 / expected JD's id of the company or one of: "
            f"{known}",
            ("carrier",),
        )
    return found
