"""Abnormal order on JD 异常订单: facts, forms and figures of rule JD-13."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Self

from cases.case import SAMPLE_INSTANT, Case, Cost, OrderFacts
from cases.forms import Form, Proof, Shipment
from cases.labels import LabelledEnum
from cases.models import Instant, Text
from cases.policy import Policy
from statecharts.jd_abnormal_order import JdAbnormalOrder


class AbnormalKind(LabelledEnum):
    """Why an order cannot or should not be shipped."""

    UNREACHABLE = "unreachable", "联系不上买家"
    BAD_ADDRESS = "bad_address", "地址有误"
    MALICIOUS = "malicious", "疑似恶意订单"


class AbnormalOrderFacts(OrderFacts):
    """The order: when it was placed, what is wrong with it, and whether it was shipped before the opening."""

    ordered_at: Instant
    """下单时间"""
    kind: AbnormalKind
    """异常类型"""
    shipped: bool
    """已发货"""

    @property
    def began_at(self) -> datetime:
        """The instant of the order, from which the platform's warning runs."""
        return self.ordered_at


class AbnormalOrderPolicy(Policy, clocks=(JdAbnormalOrder,)):
    """The figure of JD-13, which comes from the chart's clock."""


class AbnormalOrderReport(Proof):
    """A report for the deletion of an order, with its reason and evidence."""

    reason: Text
    """上报理由"""


class AbnormalOrderRejection(Form):
    """The platform's reason for rejecting a report."""

    reason: Text
    """平台给出的理由"""


class AbnormalOrderCase(Case):
    """An abnormal order, and whether it has been shipped since the opening."""

    facts: AbnormalOrderFacts
    policy: AbnormalOrderPolicy = AbnormalOrderPolicy()
    shipped_since: bool = False

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "abnormal_order_report": AbnormalOrderReport,
        "abnormal_order_rejection": AbnormalOrderRejection,
        "shipment": Shipment,
    }

    @property
    def malicious(self) -> bool:
        """疑似恶意订单"""
        return self.facts.kind is AbnormalKind.MALICIOUS

    @property
    def shipped(self) -> bool:
        """已发货"""
        return self.facts.shipped or self.shipped_since

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep that the order was shipped: the platform warns of it no more."""
        del form, at
        return self.model_copy(update={"shipped_since": True}) if rule == "ship" else self

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what shipping a malicious order and not reporting an order mean; neither has an amount."""
        if rule == "ship" and self.malicious:
            return (Cost(amount=None, clause="JD-13", note="发货后京东不再预警该恶意订单,仍可上报"),)
        if rule == "give_up" and not self.shipped:
            return (Cost(amount=None, clause="JD-10", note="不删单的订单仍须按时发货,否则计延迟发货一单"),)
        return ()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return an unreachable buyer, and a malicious order before and after it was shipped."""
        facts = AbnormalOrderFacts(
            shop_id="S1", order_id="O1", ordered_at=SAMPLE_INSTANT, kind=AbnormalKind.UNREACHABLE, shipped=False
        )
        malicious = facts.model_copy(update={"kind": AbnormalKind.MALICIOUS})
        return [cls(facts=sample) for sample in (facts, malicious, malicious.model_copy(update={"shipped": True}))]
