"""Douyin's records as its interface writes them, read into fields with our own names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aftersales.platforms.wording import sendable_text
from cases.errors import PlatformUnreachable
from cases.models import LATEST

TEXT_LIMIT = 2000
"""Characters that are kept of a text."""
RESHIP = 7
"""The type of an after-sale that is a reship."""


class Status(IntEnum):
    """The status of an after-sale.

    What led a reship to 51 or 53 is not documented: a person decides.
    """

    AWAITING_MERCHANT = 6
    AWAITING_SHIPMENT = 8
    REFUNDED = 12
    SHIPPED = 13
    RECEIVED = 14
    REFUSED = 27
    CLOSED = 28
    ORDER_CANCELLED = 51
    COMPLETED = 53


class Arbitration(IntEnum):
    """The status of the platform's arbitration."""

    NONE = 0
    RUNNING = 1
    FOR_BUYER = 2
    FOR_SELLER = 3
    EVIDENCE_WANTED = 4
    NEGOTIATION = 5
    ENDED = 255


class Conclusion(IntEnum):
    """The party for which the platform has ruled, whatever the status of the arbitration says (DR-18)."""

    NONE = 0
    FOR_BUYER = 1
    FOR_SELLER = 2
    REFUND_AT_ONCE = 3


_SAID_BY_STATUS: Mapping[int, int] = {
    Arbitration.FOR_BUYER: Conclusion.FOR_BUYER,
    Arbitration.FOR_SELLER: Conclusion.FOR_SELLER,
}
DISPUTED = (Arbitration.RUNNING, Arbitration.EVIDENCE_WANTED, Arbitration.NEGOTIATION)
"""The statuses of an arbitration that is not decided."""
REASONS = {
    "一直未收到货": "never_received",
    "商家少发/漏发": "short_shipped",
    "少发": "short_shipped",
    "漏发": "short_shipped",
}
"""The reasons of DR-1 by the platform's texts; any other text means OTHER_REASON.  From third-party code only."""
OTHER_REASON = "other"


def _instant(value: Any) -> datetime | None:
    if value in (None, "", 0, "0"):
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ValueError("expected seconds since 1970") from None


def _short_text(value: Any) -> Any:
    if value and isinstance(value, str):
        return sendable_text(value)[:TEXT_LIMIT]
    return value or ""


Parsed = TypeVar("Parsed", bound=BaseModel)
Digits = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
"""An id: a number on the wire, text here."""
Moment = Annotated[datetime, BeforeValidator(_instant)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_instant)]
"""Seconds since 1970; 0 means none."""
Seconds = Annotated[int, Field(ge=0, lt=int(LATEST.timestamp()))]
ShortText = Annotated[str, BeforeValidator(_short_text)]
Number = Annotated[int, BeforeValidator(lambda value: value or 0)]
Flag = Annotated[bool, BeforeValidator(lambda value: value or False)]
Many = BeforeValidator(lambda value: value or ())
"""An empty list, for which the platform sends null as well."""


class Wire(BaseModel):
    """The base of what the platform sends; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Parcel(Wire):
    """A parcel of the merchant's; ``shipped_at`` is when its number was entered."""

    carrier: ShortText = Field("", validation_alias="company_code")
    carrier_name: ShortText = Field("", validation_alias="company_name")
    tracking_no: ShortText = ""
    shipped_at: MaybeMoment = Field(None, validation_alias="logistics_time")


class SkuOrder(Wire):
    """An item of the order, and the amount paid for it, in fen."""

    pay_amount: int | None = None


def _in(*path: str) -> AliasPath:
    return AliasPath("process_info", "after_sale_info", *path)


class AfterSale(Wire):
    """An after-sale's record; ``update_time`` as an operation on it has to send it back.

    The platform leaves out the order where our application may not read it.
    """

    after_sale_id: Digits = Field(validation_alias=_in("after_sale_id"))
    order_id: Digits | None = Field(None, validation_alias=AliasPath("order_info", "shop_order_id"))
    kind: int = Field(validation_alias=_in("after_sale_type"))
    status: int = Field(validation_alias=_in("after_sale_status"))
    applied_at: Moment = Field(validation_alias=_in("apply_time"))
    update_time: Seconds = Field(validation_alias=_in("update_time"))
    deadline: MaybeMoment = Field(None, validation_alias=_in("status_deadline"))
    reason_text: ShortText = Field("", validation_alias=_in("reason"))
    description: ShortText = Field("", validation_alias=_in("reason_remark"))
    arbitration: Number = Field(0, validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_status"))
    said: Number = Field(0, validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_conclusion"))
    evidence_required: Flag = Field(
        default=False, validation_alias=AliasPath("process_info", "arbitrate_info", "is_required_evidence")
    )
    arbitration_deadline: MaybeMoment = Field(
        None, validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_status_deadline")
    )
    handed_in: Annotated[tuple[str, ...], Many] = Field(
        (), validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_evidence", "images")
    )
    resent: Parcel | None = Field(None, validation_alias=AliasPath("process_info", "logistics_info", "resend"))
    items: Annotated[tuple[SkuOrder, ...], Many] = Field(
        (), validation_alias=AliasPath("order_info", "sku_order_infos")
    )

    @property
    def updated_at(self) -> datetime:
        """The instant of the record's last change."""
        return datetime.fromtimestamp(self.update_time, UTC)

    def changed_between(self, since: datetime, until: datetime) -> bool:
        """Return whether the last change came after one instant and by another; the application itself is none."""
        return self.updated_at != self.applied_at and since < self.updated_at <= until

    @property
    def reason(self) -> str:
        """The buyer's reason for the reship."""
        return REASONS.get(self.reason_text, OTHER_REASON)

    @property
    def paid(self) -> Decimal | None:
        """The amount that the buyer paid for the order's items, in CNY; None if the record does not say."""
        amounts = [item.pay_amount for item in self.items if item.pay_amount is not None]
        return Decimal(sum(amounts)) / 100 if amounts and len(amounts) == len(self.items) else None

    @property
    def conclusion(self) -> int:
        """The party for which the platform has ruled, 0 if it has not."""
        return concluded(self.said, self.arbitration)

    @property
    def disputed(self) -> bool:
        """Whether an arbitration is going on."""
        return self.arbitration in DISPUTED and not self.conclusion

    @property
    def dismissed(self) -> bool:
        """Whether the platform has ruled for the merchant."""
        return self.conclusion == Conclusion.FOR_SELLER

    @property
    def arbitrated(self) -> bool:
        """Whether there is or was an arbitration that was not called off: one called off ends without a conclusion."""
        return bool(self.conclusion) or self.arbitration not in (Arbitration.NONE, Arbitration.ENDED)

    @property
    def evidence_until(self) -> datetime | None:
        """The instant until which the platform waits for the merchant's evidence (DR-20); None if it does not."""
        wanted = self.evidence_required or self.arbitration == Arbitration.EVIDENCE_WANTED
        return self.arbitration_deadline if wanted and self.disputed else None

    @property
    def parcel(self) -> Parcel | None:
        """The parcel of the reship, once it has a number."""
        return self.resent if self.resent and self.resent.tracking_no else None


def concluded(conclusion: int | None, arbitration: int | None) -> int:
    """Return the party for which the platform has ruled; older statuses of an arbitration said it as well."""
    return conclusion or _SAID_BY_STATUS.get(arbitration or 0, 0)


class AfterSaleRow(Wire):
    """A line of the list of after-sales."""

    after_sale_id: Digits = Field(validation_alias=AliasPath("aftersale_info", "aftersale_id"))
    update_time: int = Field(validation_alias=AliasPath("aftersale_info", "update_time"))


class Page(Wire):
    """A page of the list of after-sales."""

    rows: Annotated[tuple[AfterSaleRow, ...], Many] = Field((), validation_alias="items")
    has_more: bool = False
    total: int = 0


class RejectReason(Wire):
    """A reason for which the platform lets a merchant refuse."""

    code: int = Field(validation_alias="reject_reason_code")
    reason: ShortText = ""


class Node(Wire):
    """A station of a parcel on its way."""

    content: ShortText = ""
    at: MaybeMoment = Field(None, validation_alias="timestamp")
    description: ShortText = Field("", validation_alias="state_description")
    site_name: ShortText = ""


class InterceptResult(Wire):
    """What became of a parcel that was to be stopped, and why it could not be."""

    tracking_no: ShortText = ""
    is_success: bool = False
    unavailable_reason_code: Number = 0
    unavailable_reason: ShortText = ""


def parse(model: type[Parsed], data: Any, method: str) -> Parsed:
    """Parse a part of an answer; raises PlatformUnreachable, without quoting it, if it does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as bad:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in bad.errors(include_url=False))
    raise PlatformUnreachable(f"抖店 {method}: 返回内容无法理解 / the answer cannot be understood: {places}")
