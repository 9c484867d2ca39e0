"""1688 shipping-anomaly warning 发货异常预警: facts, forms and figures of rule CL-11."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from cases.case import SAMPLE_INSTANT, Case, Cost, ShopFacts
from cases.forms import MOST_EVIDENCE, Evidence, Form, Note, Shipment
from cases.labels import LabelledEnum
from cases.models import DigitId, Id, Instant, Money, Name, Text
from cases.policy import Policy
from statecharts.anomaly_1688 import Anomaly1688


class Anomaly(LabelledEnum):
    """The anomalies that the platform warns of."""

    STALLED = "stalled", "轨迹停滞"
    LOST = "lost", "丢件"
    DAMAGED = "damaged", "破损"
    REFUND_ASKED = "refund_asked", "买家要求退款"
    REFUSED_DELIVERY = "refused_delivery", "买家拒收"


class AnomalyFacts(ShopFacts):
    """The warning as the console shows it, the parcel, and the goods amount (CNY) in it."""

    anomaly_id: Id
    """预警编号"""
    order_id: DigitId
    """订单号"""
    kind: Anomaly
    """异常类型"""
    warned_at: Instant
    """预警时间"""
    tracking_no: Name
    """运单号"""
    goods_amount: Money
    """货款"""

    @property
    def own_id(self) -> str:
        """The warning's id."""
        return self.anomaly_id

    @property
    def began_at(self) -> datetime:
        """The instant of the warning, from which the 24 h run."""
        return self.warned_at

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id

    @property
    def at_stake(self) -> Decimal:
        """The goods amount of the parcel."""
        return self.goods_amount


class AnomalyPolicy(Policy, clocks=(Anomaly1688,)):
    """The figures of CL-11, both of which come from the chart's clocks."""


class FollowUp(Form):
    """What carrier or buyer were told, and what they said."""

    note: Note
    """跟进情况

    告知了什么,对方怎么说
    """


class AnomalyReport(Form):
    """A report that the buyer cannot be reached, with its reason and evidence."""

    reason: Text
    """报备理由"""
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证"""


class Worsening(Form):
    """What has become of a parcel whose track had stalled."""

    kind: Literal[Anomaly.LOST, Anomaly.DAMAGED, Anomaly.REFUND_ASKED, Anomaly.REFUSED_DELIVERY]
    """变成了什么异常"""


_LINKS_SINCE = "2026-11-28"
"""Since this edition the claim that was to be expected is told of which anomaly."""


class AnomalyCase(Case):
    """A warning, and when a stalled parcel turned out to be worse than that."""

    facts: AnomalyFacts
    policy: AnomalyPolicy = AnomalyPolicy()
    worsened_at: Instant | None = None

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "shipment": Shipment,
        "follow_up": FollowUp,
        "anomaly_report": AnomalyReport,
        "worsening": Worsening,
    }

    @property
    def opened_before_linking(self) -> bool:
        """2026-11-28 前受理"""
        return not self.opened_since(_LINKS_SINCE)

    def telling(self, effect: str) -> dict[str, Any] | None:
        """Return which anomaly the claim was expected of."""
        del effect
        return {"anomaly_id": self.facts.anomaly_id}

    @property
    def stalled(self) -> bool:
        """物流轨迹停滞"""
        return self.facts.kind == Anomaly.STALLED and self.worsened_at is None

    @property
    def needs_solution(self) -> bool:
        """须退款或换单号补发"""
        return not self.stalled

    @property
    def solution_needed_at(self) -> datetime | None:
        """The instant from which the 24 h run: that of the warning, or of the worsening; None while it only stalls."""
        return self.worsened_at or (None if self.stalled else self.facts.warned_at)

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep when a stalled parcel got worse, whether or not the platform said how."""
        del form
        return self.model_copy(update={"worsened_at": at}) if rule == "worsen" else self

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what a refund and a second parcel cost."""
        goods = self.facts.goods_amount
        if rule == "refund":
            return (Cost(amount=goods, clause="CL-11", note=f"退还买家货款 ¥{goods}"),)
        if rule == "replace_tracking":
            return (Cost(amount=None, clause="CL-11", note=f"补发货品(货款 ¥{goods})和运费由商家承担"),)
        return ()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return a stalled parcel and a lost one."""
        facts = AnomalyFacts(
            shop_id="S1",
            anomaly_id="W1",
            order_id="O1",
            kind=Anomaly.STALLED,
            warned_at=SAMPLE_INSTANT,
            tracking_no="YT1",
            goods_amount=Decimal("200.00"),
        )
        return [cls(facts=facts), cls(facts=facts.model_copy(update={"kind": Anomaly.LOST}))]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a form for the rule whose form the guards depend on."""
        return {"worsen": (Worsening(kind=Anomaly.LOST),)}
