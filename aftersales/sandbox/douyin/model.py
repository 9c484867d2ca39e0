"""Douyin's after-sale records and shipped orders. Pure: time is an argument, in whole seconds."""

from typing import Annotated, Any, NamedTuple

from pydantic import Field, StringConstraints

from aftersales.sandbox.douyin.codes import (
    NEVER_RECEIVED,
    NO_DEADLINE,
    OTHER_REASON_CODE,
    REASON_CODES,
    UNDER_ARBITRATION,
    AfterSaleStatus,
    ArbitrateConclusion,
    ArbitrationStatus,
)
from cases.errors import PlatformRefused
from cases.models import Id, Strict

Digits = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
"""An id of the platform: a number on the wire that fits 64 bits."""


class LogEntry(Strict):
    """A line of a record's log."""

    time: int
    role: str
    operator: str
    action: str
    text: str = ""


class SentParcel(Strict):
    """The parcel sent to the buyer, and when its number was uploaded."""

    company_code: str
    tracking_no: str
    logistics_time: int

    @property
    def company_name(self) -> str:
        """The carrier's name: the sandbox has only its code."""
        return self.company_code


class SubmittedEvidence(Strict):
    """Evidence that the merchant submitted, with a refusal or to the arbitration."""

    time: int
    to_arbitration: bool
    comment: str
    urls: tuple[str, ...]


class AfterSaleRecord(Strict):
    """One after-sale; ``amount`` in 分, ``deadline`` is 0 if no clock runs, ``evidence_deadline`` if none is wanted."""

    shop_id: Id
    after_sale_id: Digits
    order_id: Digits
    sku_order_id: Digits
    product_id: Digits
    amount: Annotated[int, Field(ge=0)]
    reason: str
    remark: str = ""
    status: AfterSaleStatus = AfterSaleStatus.AWAITING_MERCHANT
    arbitration: ArbitrationStatus = ArbitrationStatus.NONE
    arbitration_id: str = ""
    conclusion: ArbitrateConclusion = ArbitrateConclusion.NONE
    evidence_deadline: int = NO_DEADLINE
    overdue: bool = False
    applied_at: int
    updated_at: int
    deadline: int = NO_DEADLINE
    parcel: SentParcel | None = None
    evidence: tuple[SubmittedEvidence, ...] = ()
    log: tuple[LogEntry, ...] = ()

    @property
    def never_received(self) -> bool:
        """Whether the reason is "never received", which leads straight to arbitration or refund."""
        return self.reason == NEVER_RECEIVED

    @property
    def reason_code(self) -> int:
        """The code of the reason."""
        return REASON_CODES.get(self.reason, OTHER_REASON_CODE)

    @property
    def in_arbitration(self) -> bool:
        """Whether the platform is arbitrating."""
        return self.arbitration in UNDER_ARBITRATION

    @property
    def in_buyers_window(self) -> bool:
        """Whether the buyer may modify the application or call in the platform."""
        return not self.in_arbitration and (self.overdue or self.status is AfterSaleStatus.REFUSED)

    @property
    def awaits_shipment(self) -> bool:
        """Whether the merchant may ship; late shipping counts too (DR-17)."""
        return self.status is AfterSaleStatus.AWAITING_SHIPMENT and not self.in_arbitration

    def changed(self, now: int, role: str, action: str, text: str = "", **updates: Any) -> "AfterSaleRecord":
        """Return the record after a change, with a later ``updated_at`` than before."""
        entry = LogEntry(time=now, role=role, operator=_OPERATORS[role], action=action, text=text)
        later = max(now, self.updated_at + 1)
        return self.model_copy(update={"updated_at": later, "log": (*self.log, entry), **updates})


_OPERATORS = {"买家": "买家", "商家": "商家", "客服": "平台客服", "平台": "系统"}


class Change(NamedTuple):
    """A record after a change, and the tags of the messages to push."""

    record: AfterSaleRecord
    tags: tuple[str, ...] = ()


def must(allowed: object, what: str) -> None:
    """Raise PlatformRefused unless something is allowed."""
    if not allowed:
        raise PlatformRefused(f"当前状态不允许{what} / not allowed in this state: {what}")


class Scan(Strict):
    """A line of a parcel's route; ``state`` as the platform codes it, ``description`` in its own words."""

    time: int
    state: str
    content: str
    description: str = ""
    site: str = ""
