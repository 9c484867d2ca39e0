"""1688 claim and appeal 理赔/申诉: facts, forms and figures of rules CL-1 ... CL-11."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from operator import not_
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Appeals, Case, Cost, ShopFacts
from cases.forms import MOST_EVIDENCE, Evidence, Form, Proof
from cases.labels import Labelled, LabelledEnum
from cases.models import DigitId, Id, Instant, Money, Text, cents
from cases.policy import Dated, Figure, Policy, scheduled
from statecharts.claim_1688 import Claim1688

NOTHING = Decimal("0.00")
MOST_SUB_ORDERS = 200
"""The most sub-orders of a claim, far more than a main order has in practice."""


@dataclass(frozen=True)
class Terms:
    """The figures that a compensation is computed from: a rate, and amounts in CNY.

    ``per_sub_order``: a fixed amount instead of the rate; then the cap of the main order is the ceiling alone.
    """

    rate: Decimal
    paid_whole_below: Decimal
    floor: Decimal
    ceiling: Decimal
    per_sub_order: Decimal = NOTHING


def sub_order_compensation(goods_amount: Decimal, terms: Terms) -> Decimal:
    """Return the share of the goods amount actually paid (CL-2), or the whole amount of a small sub-order."""
    if terms.per_sub_order:
        return terms.per_sub_order
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
    cap = terms.ceiling if terms.per_sub_order else min(terms.ceiling, cents(whole * terms.rate))
    return max(terms.floor, min(total, cap))


ARTICLE = "source 000"
COPY_OF_2023 = "public copy of 2023-06-07"
COPY_OF_2025 = "public copy of 2025-02-18"
SINCE_2023_06, SINCE_2023_12, SINCE_2025_02 = date(2023, 6, 7), date(2023, 12, 27), date(2025, 2, 18)
THESE_FIGURES = "2026-11-27"
"""The edition from which the compensation depends on date and violation."""


class Violation(LabelledEnum):
    """The violations that the platform detects (CL-1)."""

    LATE_SHIPMENT = "late_shipment", "延迟发货"
    OUT_OF_STOCK = "out_of_stock", "缺货"
    FALSE_SHIPMENT = "false_shipment", "虚假发货"
    REFUSED_TO_SHIP = "refused_to_ship", "拒绝发货"
    FALSE_TRACK = "false_track", "虚假物流轨迹"
    FRAUD_SHIPMENT = "fraud_shipment", "欺诈发货"
    OTHER = "other", "其他"


class ClaimStatus(LabelledEnum):
    """What has become of a claim when it is opened: the platform may have approved it at once (CL-1)."""

    PROCESSING = "processing", "处理中"
    ESTABLISHED = "established", "已成立"


class OpenedBy(LabelledEnum):
    """The parties that open claims (CL-1)."""

    PLATFORM = "platform", "平台"
    BUYER = "buyer", "买家"


Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
"""A share of an amount: 0.05 is 5 %."""


class SubOrder(Labelled):
    """A sub-order: the goods amount (CNY) actually paid, without freight, and whether it violates."""

    sub_order_id: DigitId
    """子订单号"""
    goods_amount: Money
    """货款实付

    不含运费
    """
    violating: bool
    """违规"""


class ClaimFacts(ShopFacts):
    """The claim as the console shows it; its trade may be closed already (CL-7)."""

    claim_id: Id
    """理赔单号"""
    order_id: DigitId
    """订单号"""
    violation: Violation
    """违规类型"""
    opened_by: OpenedBy
    """发起方"""
    opened_at: Instant
    """发起时间"""
    status: ClaimStatus = Field(
        default=ClaimStatus.PROCESSING, exclude_if=lambda status: status == ClaimStatus.PROCESSING
    )
    """发起时状态"""
    trade_closed: bool = False
    """交易已关闭"""
    sub_orders: tuple[SubOrder, ...] = Field(min_length=1, max_length=MOST_SUB_ORDERS)
    """子订单"""

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
    def order(self) -> str:
        """The main order's id."""
        return self.order_id


class ClaimPolicy(Policy, clocks=(Claim1688,)):
    """The figures of CL-2 ... CL-4; that of the clock comes from the chart.

    Those of a ``fraud`` are None as long as the ones of all violations hold for it.
    """

    rate: Figure[Share] = scheduled(
        "比例",
        "CL-2",
        Dated(since=SINCE_2023_06, value=Decimal("0.00"), source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2023_12, value=Decimal("0.05"), source=f"{ARTICLE} 规则", provenance="stated"),
    )
    """违约金比例"""
    per_sub_order: Figure[Money] = scheduled(
        "CNY",
        "CL-2",
        Dated(since=SINCE_2023_06, value=Decimal("5.00"), source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2023_12, value=NOTHING, source=f"{ARTICLE} 规则", provenance="stated"),
    )
    """每笔子订单定额赔付"""
    paid_whole_below: Figure[Money] = scheduled(
        "CNY",
        "CL-2",
        Dated(since=SINCE_2023_06, value=NOTHING, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2023_12, value=Decimal("5.00"), source=f"{ARTICLE} 规则", provenance="stated"),
    )
    """全额赔付界限"""
    floor: Figure[Money] = scheduled(
        "CNY",
        "CL-3",
        Dated(since=SINCE_2023_06, value=NOTHING, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2023_12, value=Decimal("5.00"), source=f"{ARTICLE} 注", provenance="read"),
    )
    """主订单赔付下限"""
    ceiling: Figure[Money] = scheduled(
        "CNY",
        "CL-3",
        Dated(since=SINCE_2023_06, value=Decimal("50.00"), source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2023_12, value=Decimal("50.00"), source=f"{ARTICLE} 注", provenance="stated"),
    )
    """主订单赔付上限"""
    fraud_rate: Figure[Share | None] = scheduled(
        "比例",
        "CL-2",
        Dated(since=SINCE_2023_06, value=None, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2025_02, value=Decimal("1.00"), source=COPY_OF_2025, provenance="read"),
    )
    """欺诈发货:赔付比例"""
    fraud_paid_whole_below: Figure[Money | None] = scheduled(
        "CNY",
        "CL-2",
        Dated(since=SINCE_2023_06, value=None, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2025_02, value=NOTHING, source=COPY_OF_2025, provenance="read"),
    )
    """欺诈发货:全额赔付界限"""
    fraud_floor: Figure[Money | None] = scheduled(
        "CNY",
        "CL-3",
        Dated(since=SINCE_2023_06, value=None, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2025_02, value=Decimal("10.00"), source=COPY_OF_2025, provenance="read"),
    )
    """欺诈发货:赔付下限"""
    fraud_ceiling: Figure[Money | None] = scheduled(
        "CNY",
        "CL-3",
        Dated(since=SINCE_2023_06, value=None, source=COPY_OF_2023, provenance="read"),
        Dated(since=SINCE_2025_02, value=Decimal("500.00"), source=COPY_OF_2025, provenance="read"),
    )
    """欺诈发货:赔付上限"""
    paused_until: Figure[Instant | None] = Figure(
        value=None, unit="时刻", clause="CL-4", source=COPY_OF_2023, provenance="read"
    )
    """春节暂停计时至(按平台公告)"""


class Appeal(Form):
    """An appeal with its reason and evidence (CL-10)."""

    reason: Text
    """申诉理由"""
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证"""


class TradeClosure(Form):
    """A closed trade, refunded or not; the claim goes on (CL-7)."""

    refunded: bool
    """已退款"""


class AnomalyLink(Form):
    """A shipping anomaly of the order that was not settled in time, so that the claim was to be expected (CL-11)."""

    anomaly_id: Id
    """预警编号"""


class ClaimCase(Case):
    """A claim, its compensation, and the anomalies of which it was expected."""

    facts: ClaimFacts
    policy: ClaimPolicy = ClaimPolicy()
    anomalies: Annotated[tuple[Id, ...], Field(exclude_if=not_)] = ()

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "appeal": Appeal,
        "proof": Proof,
        "trade_closure": TradeClosure,
        "anomaly_link": AnomalyLink,
    }
    appeals = Appeals(clause="CL-5", won="dismissed", lost="established")

    @property
    def judged_at_opening(self) -> bool:
        """打开时平台已判定成立"""
        return self.facts.status == ClaimStatus.ESTABLISHED

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the anomalies of which the claim was expected."""
        del at
        if rule != "link_anomaly" or not isinstance(form, AnomalyLink):
            return self
        return self.model_copy(update={"anomalies": (*self.anomalies, form.anomaly_id)})

    @property
    def terms(self) -> Terms:
        """The figures that the compensation of this violation is computed from."""
        policy = self.policy
        general = Terms(policy.rate.value, policy.paid_whole_below.value, policy.floor.value, policy.ceiling.value)
        if not self.opened_since(THESE_FIGURES):
            return general
        general = replace(general, per_sub_order=policy.per_sub_order.value)
        return self._of_fraud(general) if self.facts.violation == Violation.FRAUD_SHIPMENT else general

    def _of_fraud(self, general: Terms) -> Terms:
        policy = self.policy
        own = {
            "rate": policy.fraud_rate.value,
            "paid_whole_below": policy.fraud_paid_whole_below.value,
            "floor": policy.fraud_floor.value,
            "ceiling": policy.fraud_ceiling.value,
        }
        return replace(general, **{name: value for name, value in own.items() if value is not None})

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return when a clock runs out; a pause that the platform has announced is waited for (CL-4)."""
        paused_until = self.policy.paused_until.value
        if figure == "answering" and paused_until is not None:
            entered = max(entered, paused_until)
        return super().due(figure, entered)

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
        """Return a claim of the platform, a buyer's on a closed trade, and one that the platform approved at once."""
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
        larger = (SubOrder(sub_order_id="SO1", goods_amount=Decimal("300.00"), violating=True),)
        approved = facts.model_copy(update={"status": ClaimStatus.ESTABLISHED, "sub_orders": larger})
        return [cls(facts=facts), cls(facts=buyers), cls(facts=approved)]
