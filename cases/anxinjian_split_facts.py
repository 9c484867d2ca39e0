"""Taobao Anxinjian split order 安心鉴拆单: facts, figures and forms of rules AX-1 ... AX-10."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from cases.case import Facts
from cases.durations import parse_duration
from cases.forms import Form
from cases.models import Duration, Id, Instant, Money, Strict
from cases.policy import Figure, Policy, hours

MOST_ORDERS = 20
"""No purchase of one item is split over more orders."""


class SubOrder(Strict):
    """One of the orders; ``auto_receipt_at`` is the platform's instant of automatic receipt, None while unknown."""

    order_id: Id
    carries_item: bool
    auto_receipt_at: Instant | None = None


class SplitFacts(Facts):
    """One physical item and the orders its purchase was split over; exactly one of them carries it."""

    provider_id: Id
    merchant_id: Id
    item_id: Id
    authentication_fee: Money
    freight_fee: Money
    sub_orders: tuple[SubOrder, ...] = Field(min_length=1, max_length=MOST_ORDERS)

    @model_validator(mode="after")
    def _one_item(self) -> Self:
        orders = [each.order_id for each in self.sub_orders]
        if len(set(orders)) < len(orders):
            raise ValueError("sub_orders: 订单号重复 / an order_id is given twice")
        if sum(each.carries_item for each in self.sub_orders) != 1:
            raise ValueError("sub_orders: 须恰有一单 carries_item / exactly one order carries the item")
        return self

    @property
    def own_id(self) -> str:
        """The item id."""
        return self.item_id

    @property
    def began_at(self) -> datetime | None:
        """The case's own opening: the provider found the orders waiting."""
        return None

    @property
    def shop(self) -> str:
        """The merchant's shop: freight and losses are the merchant's."""
        return self.merchant_id

    @property
    def order(self) -> str:
        """The order that carries the item."""
        return next(each.order_id for each in self.sub_orders if each.carries_item)


class SplitPolicy(Policy):
    """The figures of AX-1, AX-9 and AX-10; there is none for automatic receipt, the platform gives its instant."""

    signing_check: Figure[Duration] = hours("24h", "AX-1", "assumption", "assumed")
    """待签收核实时限"""
    choosing_time: Figure[Duration] = hours("24h", "AX-10", "assumption", "assumed")
    """商家选择时限"""
    escalate_before: Figure[tuple[Duration, ...]] = Figure(
        value=(parse_duration("72h"), parse_duration("24h")),
        unit="自动收货前",
        clause="AX-9",
        source="assumption",
        standing="assumed",
    )
    """临近自动退款的升级时点"""


class Way(StrEnum):
    """How the orders without the item are settled (AX-5)."""

    KEEP_SINGLE = "keep_single"
    KEEP_ALL = "keep_all"


class WhyUnsigned(StrEnum):
    """Why an order has not been signed in (AX-1)."""

    REFUNDED_BEFORE_SHIPPING = "refunded_before_shipping"
    IN_TRANSIT = "in_transit"
    UNKNOWN = "unknown"


class WayChosen(Form):
    """The way chosen with buyer and merchant; keeping all counts only with the merchant's consent to freight (AX-6)."""

    way: Way
    freight_consent: bool = False


class Unsigned(Form):
    """What was found out about an order that could not be signed in (AX-1)."""

    why: WhyUnsigned


class VerdictGiven(Form):
    """What the authentication found (AX-4)."""

    verdict: Literal["pass", "fail"]


class Blocked(Form):
    """The online step that cannot be done (AX-2)."""

    step: Literal["record", "inspect", "pack", "waybill"]
