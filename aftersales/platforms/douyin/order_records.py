"""Douyin's orders, as its interface writes their records and its messages write what happened to them."""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Final

from pydantic import AliasPath, BeforeValidator, Field, StringConstraints

from aftersales.platforms.douyin.records import Digits, Many, MaybeMoment, Moment, Number, ShortText, Wire
from aftersales.platforms.douyin.reship_reading import instant

REFUND_SUCCEEDED: Final = "206"
"""The tag of the message that the money of an after-sale has gone back."""
REFUND_TYPES: Final = frozenset({0, 1, 2})
"""The types of an after-sale that gives money back: with the goods returned, without, and before the shipment."""


class OrderStatus(IntEnum):
    """The status of an order, in as far as it matters here."""

    CANCELLED = 4
    COMPLETED = 5


REFUNDED: Final = frozenset({21, 22, 39})
"""The main statuses of an order whose refund is complete: before the shipment, after it, after the receipt."""


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


PlatformId = Annotated[str, BeforeValidator(_digits), StringConstraints(pattern=r"^[0-9]{1,32}$")]
"""An id of the platform's: a number or its digits."""
Happened = Annotated[datetime | None, BeforeValidator(instant)]
"""An instant as messages write it; what is none counts as missing."""


class OrderMessage(Wire):
    """What a message says about an order; of its many instants each kind has its own."""

    shop_id: PlatformId
    order_id: PlatformId = Field(validation_alias="p_id")
    carrier: ShortText = Field("", validation_alias=AliasPath("logistics_msg", "express_company_id"))
    tracking_no: ShortText = Field("", validation_alias=AliasPath("logistics_msg", "logistics_code"))
    update_time: Happened = None
    complete_time: Happened = None
    success_time: Happened = None
    ship_by: Happened = Field(None, validation_alias="exp_delivery_time")


class AfterSaleMessage(Wire):
    """What a message says about an after-sale that gives money back."""

    shop_id: PlatformId
    after_sale_id: PlatformId = Field(validation_alias="aftersale_id")
    update_time: Happened = None
    success_time: Happened = None
    close_time: Happened = None


class OrderParcel(Wire):
    """A parcel of an order; ``shipped_at`` is when its number was entered."""

    carrier: ShortText = Field("", validation_alias="company")
    carrier_name: ShortText = Field("", validation_alias="company_name")
    tracking_no: ShortText = ""
    shipped_at: MaybeMoment = Field(None, validation_alias="ship_time")


class Order(Wire):
    """An order's record: ``ship_by`` is until when it is to be shipped, ``finished_at`` when it was completed."""

    order_id: Digits
    status: Number = Field(0, validation_alias="order_status")
    main_status: Number = 0
    paid_at: MaybeMoment = Field(None, validation_alias="pay_time")
    ship_by: MaybeMoment = Field(None, validation_alias="exp_ship_time")
    finished_at: MaybeMoment = Field(None, validation_alias="finish_time")
    updated_at: Moment = Field(validation_alias="update_time")
    sent: Annotated[tuple[OrderParcel, ...], Many] = Field((), validation_alias="logistics_info")

    @property
    def parcels(self) -> tuple[OrderParcel, ...]:
        """The parcels that have a number, the first one sent first."""
        numbered = (parcel for parcel in self.sent if parcel.tracking_no)
        return tuple(sorted(numbered, key=lambda parcel: parcel.shipped_at or self.updated_at))

    @property
    def refunded(self) -> bool:
        """Whether the buyer has got the whole order's money back; a part of it, or of its items, leaves it open."""
        return self.main_status in REFUNDED

    @property
    def closed(self) -> bool:
        """Whether the order was closed after it had been paid, so that the money goes back."""
        return self.paid_at is not None and OrderStatus.CANCELLED in (self.status, self.main_status)

    @property
    def completed(self) -> bool:
        """Whether the buyer has confirmed the receipt, or the platform has for him."""
        return self.status == OrderStatus.COMPLETED


def gives_money_back(data: Any) -> bool:
    """Return whether a message is about an after-sale that gives money back."""
    return isinstance(data, dict) and str(data.get("aftersale_type")) in {str(kind) for kind in REFUND_TYPES}
