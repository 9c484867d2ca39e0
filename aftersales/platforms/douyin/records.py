"""Douyin's records as its interface writes them: what we read of them, under names of ours."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cases.douyin_reship import Reason
from cases.errors import PlatformUnreachable
from cases.models import LATEST

LONGEST = 2000
"""Characters that we keep of a text."""
RESHIP = 7
"""The type of after-sale that a reship is."""


class Status(IntEnum):
    """Where an after-sale stands."""

    AWAITING_MERCHANT = 6
    AWAITING_SHIPMENT = 8
    REFUNDED = 12
    SHIPPED = 13
    RECEIVED = 14
    REFUSED = 27
    CLOSED = 28


class Arbitration(IntEnum):
    """Where the platform's arbitration stands."""

    NONE = 0
    RUNNING = 1
    FOR_BUYER = 2
    FOR_SELLER = 3
    EVIDENCE_WANTED = 4
    NEGOTIATION = 5
    ENDED = 6
    CANCELLED = 255


DISPUTED = (Arbitration.RUNNING, Arbitration.EVIDENCE_WANTED, Arbitration.NEGOTIATION)
"""While it stands so, nothing is decided."""
REASONS = {
    "一直未收到货": Reason.NEVER_RECEIVED,
    "商家少发/漏发": Reason.SHORT_SHIPPED,
    "少发": Reason.SHORT_SHIPPED,
    "漏发": Reason.SHORT_SHIPPED,
}
"""What the platform's texts of a reason mean (DR-1); every other text means OTHER.  From third-party code only."""


def _instant(given: Any) -> datetime | None:
    if given in (None, "", 0, "0"):
        return None
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ValueError("expected seconds since 1970") from None


def _words(given: Any) -> Any:
    if given and isinstance(given, str):
        return given.encode("utf-8", "replace").decode().strip()[:LONGEST]  # half a character cannot be handed on
    return given or ""


Known = TypeVar("Known", bound=BaseModel)
Digits = Annotated[str, BeforeValidator(lambda given: str(given) if isinstance(given, int) else given)]
"""An id: a number on the wire, a text with us."""
Moment = Annotated[datetime, BeforeValidator(_instant)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_instant)]
"""Seconds since 1970; 0 says that there is none."""
Seconds = Annotated[int, Field(ge=0, lt=int(LATEST.timestamp()))]
Words = Annotated[str, BeforeValidator(_words)]
Number = Annotated[int, BeforeValidator(lambda given: given or 0)]
Many = BeforeValidator(lambda given: given or ())
"""Of what there is none, the platform sends null as well."""


class Wire(BaseModel):
    """What the platform sends: fields of which we know nothing are passed over."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Parcel(Wire):
    """A parcel of the merchant's; the instant at which its number was given."""

    carrier: Words = Field("", validation_alias="company_code")
    carrier_name: Words = Field("", validation_alias="company_name")
    tracking_no: Words = ""
    shipped_at: MaybeMoment = Field(None, validation_alias="logistics_time")


class SkuOrder(Wire):
    """An item of the order: what was paid for it, in fen."""

    pay_amount: Number = 0


def _in(*path: str) -> AliasPath:
    return AliasPath("process_info", "after_sale_info", *path)


class AfterSale(Wire):
    """An after-sale's record; ``update_time`` as the platform wants it back when it is told to do something."""

    after_sale_id: Digits = Field(validation_alias=_in("after_sale_id"))
    order_id: Digits = Field(validation_alias=AliasPath("order_info", "shop_order_id"))
    kind: int = Field(validation_alias=_in("after_sale_type"))
    status: int = Field(validation_alias=_in("after_sale_status"))
    applied_at: Moment = Field(validation_alias=_in("apply_time"))
    update_time: Seconds = Field(validation_alias=_in("update_time"))
    deadline: MaybeMoment = Field(None, validation_alias=_in("status_deadline"))
    reason_text: Words = Field("", validation_alias=_in("reason"))
    description: Words = Field("", validation_alias=_in("reason_remark"))
    arbitration: Number = Field(0, validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_status"))
    handed_in: Annotated[tuple[str, ...], Many] = Field(
        (), validation_alias=AliasPath("process_info", "arbitrate_info", "arbitrate_evidence", "images")
    )
    resent: Parcel | None = Field(None, validation_alias=AliasPath("process_info", "logistics_info", "resend"))
    items: Annotated[tuple[SkuOrder, ...], Many] = Field(
        (), validation_alias=AliasPath("order_info", "sku_order_infos")
    )

    @property
    def updated_at(self) -> datetime:
        """When the record changed last."""
        return datetime.fromtimestamp(self.update_time, UTC)

    @property
    def reason(self) -> Reason:
        """Why the buyer asks for a reship."""
        return REASONS.get(self.reason_text, Reason.OTHER)

    @property
    def paid(self) -> Decimal:
        """What the buyer paid for the order's items, in CNY."""
        return Decimal(sum(item.pay_amount for item in self.items)) / 100

    @property
    def disputed(self) -> bool:
        """Whether the platform's arbitration is going on."""
        return self.arbitration in DISPUTED

    @property
    def dismissed(self) -> bool:
        """Whether the platform has ruled for the merchant."""
        return self.arbitration == Arbitration.FOR_SELLER

    @property
    def arbitrated(self) -> bool:
        """Whether the platform was asked in, be it decided or not."""
        return self.arbitration not in (Arbitration.NONE, Arbitration.CANCELLED)

    @property
    def parcel(self) -> Parcel | None:
        """The parcel of the reship, once it has a number."""
        return self.resent if self.resent and self.resent.tracking_no else None


class AfterSaleRow(Wire):
    """A line of the list of after-sales."""

    after_sale_id: Digits = Field(validation_alias=AliasPath("aftersale_info", "aftersale_id"))
    order_id: Digits = Field(validation_alias=AliasPath("order_info", "shop_order_id"))
    kind: int = Field(validation_alias=AliasPath("aftersale_info", "aftersale_type"))
    status: int = Field(validation_alias=AliasPath("aftersale_info", "aftersale_status"))
    update_time: int = Field(validation_alias=AliasPath("aftersale_info", "update_time"))


class Page(Wire):
    """A page of the list of after-sales."""

    rows: Annotated[tuple[AfterSaleRow, ...], Many] = Field((), validation_alias="items")
    has_more: bool = False
    total: int = 0


class RejectReason(Wire):
    """A reason for which the platform lets a merchant refuse."""

    code: int = Field(validation_alias="reject_reason_code")
    reason: Words = ""
    evidence_need: Words = ""


class Node(Wire):
    """A station of a parcel."""

    content: Words = ""
    at: MaybeMoment = Field(None, validation_alias="timestamp")
    state: Words = ""
    site_name: Words = ""


def known(model: type[Known], data: Any, method: str) -> Known:
    """Read what the platform sent; raises PlatformUnreachable, without its content, where it cannot be understood."""
    try:
        return model.model_validate(data)
    except ValidationError as bad:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in bad.errors(include_url=False))
    raise PlatformUnreachable(f"抖店 {method}: 返回内容无法理解 / the answer cannot be understood: {places}")
