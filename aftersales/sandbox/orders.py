"""Orders that were shipped, and where their parcels were seen."""

from aftersales.sandbox.records import Digits, Parcel
from cases.errors import PlatformRefused
from cases.models import Id, Strict

CORRECTION: int = 24 * 3600
"""Seconds after its upload in which a tracking number can be corrected (DS-4)."""


class Scan(Strict):
    """A line of a parcel's route; ``state`` as the platform codes it."""

    time: int
    state: str
    content: str
    site: str = ""


class SandboxOrder(Strict):
    """An order of a shop with the parcel that was sent."""

    shop_id: Id
    order_id: Digits
    parcel: Parcel

    def corrected(self, now: int, company_code: str, tracking_no: str) -> "SandboxOrder":
        """Give the order with another number; PlatformRefused once the time for that is over."""
        if now - self.parcel.logistics_time > CORRECTION:
            raise PlatformRefused("上传超过 24 小时,不可修改 / uploaded over 24 h ago: it can no longer be changed")
        # The clock of DS-1 does not start anew, so the time of the upload stays.
        parcel = {"company_code": company_code, "tracking_no": tracking_no}
        return self.model_copy(update={"parcel": self.parcel.model_copy(update=parcel)})
