"""1688 claim and appeal 理赔/申诉: facts, forms and figures of rules CL-1 ... CL-10."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Appeals, Case, Cost, Facts
from cases.forms import MOST_EVIDENCE, Evidence, Form, Proof
from cases.models import Id, Instant, Money, Strict, Text, cents
from cases.policy import Figure, Policy
from statecharts.claim_1688 import Claim1688

NOTHING = Decimal("0.00")
MOST_SUB_ORDERS = 200
"""The most sub-orders of a claim, far more than a main order has in practice."""


@dataclass(frozen=True)
class Terms:
    """The figures that a compensation is computed from: a rate, and amounts in CNY."""

    rate: Decimal
    paid_whole_below: Decimal
    floor: Decimal
    ceiling: Decimal


def sub_order_compensation(goods_amount: Decimal, terms: Terms) -> Decimal:
    """Return the share of the goods amount actually paid (CL-2), or the whole amount of a small sub-order."""
    return cents(goods_amount if goods_amount < terms.paid_whole_below else goods_amount * terms.rate)


def main_order_compensation(sub_orders: Sequence[tuple[Decimal, bool]], terms: Terms) -> Decimal:
    """Return the sum over violating sub-orders, kept between floor and cap; the floor prevails (CL-3).

    ``sub_orders``: the goods amount (CNY) of a sub-order, and whether it violates.  For a small main order it is
    the whole amount; without a violation it is zero.
    """
    if not any(violating for _, violating in sub_orders):
        return NOTHING
    whole = sum((amount for amount, _ in sub_orders), NOTHING)
    if whole < terms.paid_whole_below:
        return cents(whole)
    total = sum((sub_order_compensation(amount, terms) for amount, violating in sub_orders if violating), NOTHING)
    return max(terms.floor, min(total, terms.ceiling, cents(whole * terms.rate)))


ARTICLE = "source 000"


class Violation(StrEnum):
    """The violations that the platform detects (CL-1)."""

    LATE_SHIPMENT = "late_shipment"
    OUT_OF_STOCK = "out_of_stock"
    FALSE_SHIPMENT = "false_shipment"


class OpenedBy(StrEnum):
    """The parties that open claims (CL-1)."""

    PLATFORM = "platform"
    BUYER = "buyer"


Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
"""A share of an amount: 0.05 is 5 %."""


class SubOrder(Strict):
    """A sub-order: the goods amount (CNY) actually paid, without freight, and whether it violates."""

    sub_order_id: Id
    goods_amount: Money
    violating: bool


class ClaimFacts(Facts):
    """The claim as the console shows it; its trade may be closed already (CL-7)."""

    shop_id: Id
    claim_id: Id
    order_id: Id
    violation: Violation
    opened_by: OpenedBy
    opened_at: Instant
    trade_closed: bool = False
    sub_orders: tuple[SubOrder, ...] = Field(min_length=1, max_length=MOST_SUB_ORDERS)

    @model_validator(mode="after")
    def _unique_sub_orders(self) -> Self:
        ids = [sub_order.sub_order_id for sub_order in self.sub_orders]
        if len(set(ids)) != len(ids):
            raise ValueError("sub_orders: 子订单重复 / duplicate sub_order_id")
        return self

    @property
    def own_id(self) -> str:
        """The claim id."""
        return self.claim_id

    @property
    def began_at(self) -> datetime:
        """The opening of the claim, from which the 48 h run (CL-4)."""
        return self.opened_at

    @property
    def shop(self) -> str:
        """The shop id."""
        return self.shop_id

    @property
    def order(self) -> str:
        """The main order's id."""
        return self.order_id


class ClaimPolicy(Policy, clocks=(Claim1688,)):
    """The figures of CL-2 ... CL-4; that of the clock comes from the chart."""

    rate: Figure[Share] = Figure(
        value=Decimal("0.05"), unit="比例", clause="CL-2", source=f"{ARTICLE} 规则", provenance="stated"
    )
    """违约金比例"""
    paid_whole_below: Figure[Money] = Figure(
        value=Decimal("5.00"), unit="CNY", clause="CL-2", source=f"{ARTICLE} 规则", provenance="stated"
    )
    """全额赔付界限"""
    floor: Figure[Money] = Figure(
        value=Decimal("5.00"), unit="CNY", clause="CL-3", source=f"{ARTICLE} 注", provenance="read"
    )
    """主订单赔付下限"""
    ceiling: Figure[Money] = Figure(
        value=Decimal("50.00"), unit="CNY", clause="CL-3", source=f"{ARTICLE} 注", provenance="stated"
    )
    """主订单赔付上限"""


class Appeal(Form):
    """An appeal with its reason and evidence (CL-10)."""

    reason: Text
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)


class TradeClosure(Form):
    """A closed trade, refunded or not; the claim goes on (CL-7)."""

    refunded: bool


class ClaimCase(Case):
    """A claim and its compensation."""

    facts: ClaimFacts
    policy: ClaimPolicy = ClaimPolicy()

    forms: ClassVar[Mapping[str, type[Form]]] = {"appeal": Appeal, "proof": Proof, "trade_closure": TradeClosure}
    appeals = Appeals(clause="CL-5", won="dismissed", lost="established")

    @property
    def terms(self) -> Terms:
        """The figures that the compensation is computed from."""
        policy = self.policy
        return Terms(policy.rate.value, policy.paid_whole_below.value, policy.floor.value, policy.ceiling.value)

    @property
    def compensation(self) -> Decimal:
        """The compensation of the main order (CL-3)."""
        return main_order_compensation(
            [(sub_order.goods_amount, sub_order.violating) for sub_order in self.facts.sub_orders], self.terms
        )

    @property
    def at_stake(self) -> Decimal:
        """The compensation of the main order."""
        return self.compensation

    def amount(self, effect: str) -> Decimal | None:
        """Return the compensation of CL-3; an appeal counts without an amount (CL-5)."""
        return self.compensation if effect == "pay_compensation" else None

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what agreeing and appealing cost (CL-3, CL-5)."""
        if rule == "agree":
            note = f"赔付 ¥{self.compensation}:{self._per_sub_order()}"
            return (Cost(amount=self.compensation, clause="CL-3", note=note),)
        if rule == "appeal":
            note = f"计入平台介入率一次;申诉不成立仍赔付 ¥{self.compensation}"
            return (Cost(amount=None, clause="CL-5", note=note),)
        return ()

    def _per_sub_order(self) -> str:
        parts = (
            f"{sub_order.sub_order_id} ¥{sub_order_compensation(sub_order.goods_amount, self.terms)}"
            for sub_order in self.facts.sub_orders
            if sub_order.violating
        )
        return "、".join(parts) or "无违规子订单"

    @classmethod
    def samples(cls) -> list[Self]:
        """Return a claim opened by the platform, and one opened by the buyer on a closed trade."""
        facts = ClaimFacts(
            shop_id="S1",
            claim_id="C1",
            order_id="O1",
            violation=Violation.LATE_SHIPMENT,
            opened_by=OpenedBy.PLATFORM,
            opened_at=SAMPLE_INSTANT,
            sub_orders=(SubOrder(sub_order_id="SO1", goods_amount=Decimal("200.00"), violating=True),),
        )
        buyers = facts.model_copy(update={"opened_by": OpenedBy.BUYER, "trade_closed": True})
        return [cls(facts=facts), cls(facts=buyers)]
