"""JD shipment watch 发货与揽收监控: facts, forms and figures of rules JD-10, JD-12 and JD-14."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Case, Cost, OrderFacts
from cases.forms import Evidence, EvidenceKind, Form, Proof, Shipment, StatedReason
from cases.labels import LabelledEnum
from cases.models import EARLIEST, LATEST, Instant
from cases.policy import Figure, Policy
from cases.shanghai import end_of_day, shanghai, shanghai_day
from statecharts.jd_shipment import JdShipment

_TELLS_SINCE = "2026-11-28"
"""Since this edition the order's delay card is told what the watch has learned first."""


class OrderKind(LabelledEnum):
    """The kinds of orders, by when they are promised (JD-10)."""

    STOCK = "stock", "现货"
    PRESALE = "presale", "预售"
    CUSTOM = "custom", "定制"


class ExemptBy(LabelledEnum):
    """The reports and agreements by which an order is exempt (JD-2, JD-3, JD-7, JD-12)."""

    CARD = "card", "延迟发货卡片"
    EMERGENCY_REPORT = "emergency_report", "紧急报备"
    ADVANCE_REPORT = "advance_report", "预报备"
    PHONE_CANCEL = "phone_cancel", "电话取消报备"


class JdShipmentFacts(OrderFacts):
    """An order to ship; presale and custom goods are promised until the end of a day in Shanghai."""

    ordered_at: Instant
    """下单时间"""
    kind: OrderKind
    """订单类型"""
    promised_last_day: date | None = None
    """承诺发货的最后一天

    预售、定制须填,现货不填
    """

    @model_validator(mode="after")
    def _promised_day(self) -> Self:
        if (self.kind is OrderKind.STOCK) != (self.promised_last_day is None):
            raise ValueError(
                "promised_last_day: 预售、定制须填,现货不填 / required for presale and custom, not allowed for stock"
            )
        if self.promised_last_day and not shanghai_day(EARLIEST) <= self.promised_last_day < shanghai_day(LATEST):
            raise ValueError("promised_last_day: 须在 2000 年到 2099 年之间 / must be between the years 2000 and 2099")
        return self

    @property
    def began_at(self) -> datetime:
        """The instant of the order, from which the clocks of goods in stock run (JD-10)."""
        return self.ordered_at

    @property
    def counted_from(self) -> datetime:
        """The order, or the end of the last promised day: both clocks run from it (JD-10)."""
        return end_of_day(self.promised_last_day) if self.promised_last_day else self.ordered_at


Rate = Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4)]
"""A share of orders."""
Score = Annotated[int, Field(ge=0, le=100)]
"""Points of a week's score."""


class JdShipmentPolicy(Policy, clocks=(JdShipment,)):
    """The figures of JD-10, which come from the chart's clocks, and those of a shop's weekly score (JD-11)."""

    pickup_rate: Figure[Rate] = Figure(
        value=Decimal("0.95"), unit="比例", clause="JD-11", source="source 004 §5 (3), (4)", provenance="stated"
    )
    """周揽件及时率门槛"""
    score_a_late_order: Figure[Score] = Figure(
        value=1, unit="分", clause="JD-11", source="source 004 §5 (3), (4)", provenance="stated"
    )
    """延迟发货每单扣分"""
    score_a_week: Figure[Score] = Figure(
        value=7, unit="分", clause="JD-11", source="source 004 §5 (3), (4)", provenance="stated"
    )
    """每周扣分上限"""


class Exemption(Form):
    """What makes an order exempt: without ``until`` altogether, else it is the new deadline of both clocks (JD-14).

    With a period, both ends included, the orders that were created in it are exempt, and no other (JD-7).
    """

    by: ExemptBy
    """免责依据"""
    until: Instant | None = None
    """新的发货期限

    不填则整单免责
    """
    begins_at: Instant | None = None
    """免责时段开始"""
    ends_at: Instant | None = None
    """免责时段结束

    含当时;与开始时间须同时填写
    """

    @model_validator(mode="after")
    def _whole_period(self) -> Self:
        if (self.begins_at is None) != (self.ends_at is None):
            raise ValueError("begins_at, ends_at: 须同时填写 / give both or neither")
        return self

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant of its period, None if it has none."""
        return (self.begins_at, self.ends_at) if self.begins_at and self.ends_at else None


class JdShipmentCase(Case):
    """An order to ship: which deadlines it has missed, and until when it is exempt."""

    facts: JdShipmentFacts
    policy: JdShipmentPolicy = JdShipmentPolicy()
    upload_missed_already: bool = False
    pickup_missed_already: bool = False
    exempted: bool = False
    exempt_until: Instant | None = None
    phone_cancel_filed_already: bool = False

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "shipment": Shipment,
        "proof": Proof,
        "exemption": Exemption,
        "refusal": StatedReason,
    }

    @property
    def opened_before_telling(self) -> bool:
        """2026-11-28 前受理"""
        return not self.opened_since(_TELLS_SINCE)

    @property
    def upload_missed(self) -> bool:
        """已超时未上传单号"""
        return self.upload_missed_already

    @property
    def pickup_missed(self) -> bool:
        """已超时未揽收"""
        return self.pickup_missed_already

    @property
    def phone_cancel_filed(self) -> bool:
        """电话取消已报备待审核"""
        return self.phone_cancel_filed_already

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return the agreed instant of an exempt order, None if it is exempt altogether (JD-14)."""
        return self.exempt_until if self.exempted else super().due(figure, entered)

    def unfit(self, rule: str, form: Form, at: datetime) -> str | None:
        """Return that an exemption is about orders of another period (JD-7)."""
        del rule, at
        if not isinstance(form, Exemption) or form.period is None:
            return None
        begins_at, ends_at = form.period
        if begins_at <= self.facts.ordered_at <= ends_at:
            return None
        written = f"{shanghai(begins_at)} - {shanghai(ends_at)}"
        return f"下单时间不在免责时段内 / the order was not created in the exempt period: {written}"

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep what was missed; an exemption takes that back, and of several the most generous counts."""
        del at
        match rule:
            case "miss_upload":
                return self.model_copy(update={"upload_missed_already": True})
            case "miss_pickup":
                return self.model_copy(update={"pickup_missed_already": True})
            case "report_phone_cancel" | "refuse_report":
                return self.model_copy(update={"phone_cancel_filed_already": rule == "report_phone_cancel"})
            case "exempt":
                return self._exempted(form if isinstance(form, Exemption) else None)
        return self

    def _exempted(self, by: Exemption | None) -> Self:
        """Return the case of an order that is exempt; what was reported without its form says no deadline."""
        until = by.until if by else None
        if self.exempted and self.exempt_until is None:
            until = None
        elif self.exempt_until and until:
            until = max(self.exempt_until, until)
        answered = by is not None and by.by is ExemptBy.PHONE_CANCEL
        changes: dict[str, object] = {
            "exempted": True,
            "exempt_until": until,
            "upload_missed_already": False,
            "pickup_missed_already": False,
            "phone_cancel_filed_already": self.phone_cancel_filed_already and not answered,
        }
        return self.model_copy(update=changes)

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what not reporting a cancellation on the phone costs (JD-12)."""
        if rule != "report_phone_cancel":
            return ()
        note = "不报备或报备未通过:超时即计延迟发货一单,每单扣 1 分,每周最多 7 分"
        return (Cost(amount=None, clause="JD-12", note=note),)

    @classmethod
    def samples(cls) -> list[Self]:
        """Return an order of goods in stock, and a presale that is promised for a later day."""
        facts = JdShipmentFacts(shop_id="S1", order_id="O1", ordered_at=SAMPLE_INSTANT, kind=OrderKind.STOCK)
        day = shanghai_day(SAMPLE_INSTANT + timedelta(days=10))
        presale = facts.model_copy(update={"kind": OrderKind.PRESALE, "promised_last_day": day})
        return [cls(facts=facts), cls(facts=presale)]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return an exemption of every kind, and a form for every other rule that asks for one."""
        proof = Evidence(kind=EvidenceKind.CALL_RECORD, url="https://example.com/call.mp3")
        later = SAMPLE_INSTANT + timedelta(days=5)
        return {
            "upload_tracking": (Shipment(carrier="JDL", tracking_no="JD1"),),
            "exempt": (
                Exemption(by=ExemptBy.CARD, until=later),
                Exemption(by=ExemptBy.ADVANCE_REPORT, begins_at=SAMPLE_INSTANT, ends_at=later),
                Exemption(by=ExemptBy.PHONE_CANCEL),
            ),
            "report_phone_cancel": (Proof(evidence=(proof,)),),
            "refuse_report": (StatedReason(reason="凭证不清晰"),),
        }
