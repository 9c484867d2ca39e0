"""Interception of a parcel on Douyin 快递拦截: facts, forms and figures of rule DS-8."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import Case, Cost, ShopFacts
from cases.forms import Form, Proof
from cases.labels import Labelled, LabelledEnum
from cases.models import DigitId, Money, Name, Text
from cases.policy import Figure, Policy
from statecharts.douyin_interception import DouyinInterception

MOST_PARCELS = 50
"""The most parcels of an order, far more than one has in practice."""
FEE_UNKNOWN = "拦截费未知,以抖店页面显示为准"


class RefundStage(LabelledEnum):
    """How far the buyer's refund has come; either allows an interception."""

    APPLIED = "applied", "已申请"
    SUCCEEDED = "succeeded", "已退款"


class ParcelOnItsWay(Labelled):
    """A parcel: the amount of its goods and the fee of stopping it, None while unknown, in CNY."""

    tracking_no: Name
    """快递单号"""
    carrier: Name
    """快递公司"""
    goods_amount: Money
    """货款"""
    fee: Money | None = None
    """拦截费"""
    out_for_delivery: bool
    """派送中"""

    @property
    def fee_note(self) -> str:
        """The fee in words."""
        return FEE_UNKNOWN if self.fee is None else f"拦截费 ¥{self.fee}"


class InterceptionFacts(ShopFacts):
    """The after-sale and the parcels of its order; ``agreement_signed``: the shop has agreed to interceptions."""

    after_sale_id: DigitId
    """售后单号"""
    order_id: DigitId
    """订单号"""
    refund: RefundStage
    """退款进度"""
    agreement_signed: bool
    """已签拦截协议"""
    parcels: tuple[ParcelOnItsWay, ...] = Field(min_length=1, max_length=MOST_PARCELS)
    """包裹"""

    @model_validator(mode="after")
    def _unique_parcels(self) -> Self:
        if len({parcel.tracking_no for parcel in self.parcels}) != len(self.parcels):
            raise ValueError("parcels: 快递单号重复 / duplicate tracking_no")
        return self

    @property
    def own_id(self) -> str:
        """The after-sale id."""
        return self.after_sale_id

    @property
    def began_at(self) -> datetime | None:
        """None: nothing runs before the opening of the case."""
        return None

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id

    @property
    def at_stake(self) -> Decimal:
        """The goods of all parcels."""
        return sum((parcel.goods_amount for parcel in self.parcels), Decimal("0.00"))


class InterceptionPolicy(Policy, clocks=(DouyinInterception,)):
    """The figure of DS-8; no clock runs."""

    compensation_cap: Figure[Money] = Figure(
        value=Decimal("1000.00"), unit="CNY", clause="DS-8", source="source 003 二 4", provenance="stated"
    )
    """快递公司赔付上限"""


class InterceptionTarget(Form):
    """The parcel that is meant, by its tracking number."""

    tracking_no: Name
    """快递单号"""


class ParcelLoss(LabelledEnum):
    """What may become of a parcel on its way back."""

    LOST = "lost", "丢失"
    DAMAGED = "damaged", "损坏"


class InterceptionLoss(Form):
    """What became of a parcel on its way back, and the actual loss (CNY)."""

    kind: ParcelLoss
    """包裹情况"""
    actual_loss: Money
    """实际损失"""


class CompensationPaid(Form):
    """The amount (CNY) that the carrier has paid."""

    amount: Money
    """赔付金额"""


class InterceptionRefused(Form):
    """The words in which carrier or platform refuse an interception or a complaint."""

    reason: Text
    """对方给出的理由"""


_TELLS_SUCCESS_SINCE = "2026-11-28"
"""Since this edition the order's watch is told that its parcel comes back."""


class InterceptionCase(Case):
    """An interception: the parcel chosen, which parcels are out of reach, and what was lost and paid."""

    facts: InterceptionFacts
    policy: InterceptionPolicy = InterceptionPolicy()
    chosen: str | None = None
    delivering: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    refund_told: bool = False
    actual_loss: Money | None = None
    paid: Money | None = None

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "interception_target": InterceptionTarget,
        "interception_loss": InterceptionLoss,
        "compensation_paid": CompensationPaid,
        "interception_refused": InterceptionRefused,
        "proof": Proof,
    }

    @property
    def agreement_in_force(self) -> bool:
        """本店已签拦截协议"""
        return self.facts.agreement_signed

    @property
    def refunded(self) -> bool:
        """退款已成功"""
        return self.refund_told or self.facts.refund is RefundStage.SUCCEEDED

    @property
    def refund_untold(self) -> bool:
        """已退款但尚未告知发货监控"""
        return self.refunded and not self.refund_told

    @property
    def says_nothing_of_the_watch(self) -> bool:
        """订单有多个包裹,或 2026-11-28 前受理"""
        return len(self.facts.parcels) > 1 or not self.opened_since(_TELLS_SUCCESS_SINCE)

    @property
    def out_of_reach(self) -> bool:
        """包裹已派送或签收"""
        return all(self._reason_out_of_reach(parcel) for parcel in self._in_question)

    @property
    def signed_for(self) -> bool:
        """退回途中的包裹被签收"""
        return all(parcel.tracking_no in self.signed for parcel in self._in_question)

    @property
    def parcel(self) -> ParcelOnItsWay | None:
        """The parcel that was chosen, or the only one; None as long as it is open which."""
        return self._in_question[0] if len(self._in_question) == 1 else None

    @property
    def compensation(self) -> Decimal | None:
        """The compensation to be expected: the actual loss up to the cap, None while it is unknown."""
        return None if self.actual_loss is None else min(self.actual_loss, self.policy.compensation_cap.value)

    @property
    def _in_question(self) -> tuple[ParcelOnItsWay, ...]:
        chosen = tuple(parcel for parcel in self.facts.parcels if parcel.tracking_no == self.chosen)
        return chosen or self.facts.parcels

    def _reason_out_of_reach(self, parcel: ParcelOnItsWay) -> str | None:
        if parcel.tracking_no in self.signed:
            return "已签收 / has been signed for"
        if parcel.out_for_delivery or parcel.tracking_no in self.delivering:
            return "已在派送 / is out for delivery"
        return None

    def unfit(self, rule: str, form: Form, at: datetime) -> str | None:
        """Return why a tracking number does not fit: it is none of the case's, or its parcel is out of reach."""
        del at
        if not isinstance(form, InterceptionTarget):
            return None
        parcels = {parcel.tracking_no: parcel for parcel in self.facts.parcels}
        parcel = parcels.get(form.tracking_no)
        if parcel is None:
            return f"tracking_no: 不是本案件的包裹 / not a parcel of this case; expected one of: {', '.join(parcels)}"
        why = self._reason_out_of_reach(parcel) if rule == "choose_parcel" else None
        return why and f"{form.tracking_no} {why},不能拦截 / and cannot be intercepted (DS-8)"

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the parcel chosen, what is known of parcels, that the refund was told, the loss, and what was paid."""
        del at
        changes: dict[str, object] = {}
        match rule, form:
            case "choose_parcel", InterceptionTarget():
                changes["chosen"] = form.tracking_no
            case "reconsider", _:
                changes["chosen"] = None
            case "out_for_delivery", _:
                changes["delivering"] = self._with(self.delivering, form)
            case "sign", _:
                changes["signed"] = self._with(self.signed, form)
            case "found_refunded" | "refund_succeeds", _:
                changes["refund_told"] = True
            case "lose", InterceptionLoss():
                changes["actual_loss"] = form.actual_loss
            case "compensate", CompensationPaid():
                changes["paid"] = form.amount
        return self.model_copy(update=changes) if changes else self

    def _with(self, known: tuple[str, ...], form: Form | None) -> tuple[str, ...]:
        """Return tracking numbers with the one reported; a report without any is about the only parcel."""
        parcel = self.parcel
        named = form.tracking_no if isinstance(form, InterceptionTarget) else parcel.tracking_no if parcel else None
        told = {*known, named}
        return tuple(sorted(parcel.tracking_no for parcel in self.facts.parcels if parcel.tracking_no in told))

    def amount(self, effect: str) -> Decimal | None:
        """Return the fee of the parcel, and what the carrier is expected to pay and has paid."""
        match effect:
            case "charge_fee":
                return self.parcel.fee if self.parcel else None
            case "expect_compensation":
                return self.compensation
            case "receive_compensation":
                return self.paid
        return None

    def call_form(self, effect: str, form: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the parcel to stop, which the form of ``confirm`` does not name."""
        if effect != "intercept_parcel" or self.parcel is None:
            return form
        return {"carrier": self.parcel.carrier, "tracking_no": self.parcel.tracking_no}

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return the fee of every parcel before one is chosen, that of the chosen one, and what a complaint brings."""
        match rule:
            case "choose_parcel":
                return tuple(
                    Cost(
                        amount=parcel.fee,
                        clause="DS-8",
                        note=f"{parcel.carrier} {parcel.tracking_no}:{parcel.fee_note}",
                        choice=parcel.tracking_no,
                    )
                    for parcel in self.facts.parcels
                    if not self._reason_out_of_reach(parcel)
                )
            case "confirm":
                note = f"{self.parcel.fee_note};" if self.parcel else f"{FEE_UNKNOWN};"
                note += "拦截成功后仍可能在退回途中丢失或损坏"
                return (Cost(amount=self.parcel.fee if self.parcel else None, clause="DS-8", note=note),)
            case "complain":
                note = f"快递公司按实际损失线下赔付,{self._expected_note}"
                return (Cost(amount=None, clause="DS-8", note=note),)
            case "waive_complaint":
                return (Cost(amount=self.compensation, clause="DS-8", note=f"放弃赔付,{self._expected_note}"),)
        return ()

    @property
    def _expected_note(self) -> str:
        expected = "损失金额未知" if self.compensation is None else f"预计 ¥{self.compensation}"
        return f"{expected}(最高 ¥{self.policy.compensation_cap.value})"

    @classmethod
    def samples(cls) -> list[Self]:
        """Return two parcels of a shop without the agreement, one of a shop with it, and one out for delivery."""
        near = ParcelOnItsWay(
            tracking_no="SF1", carrier="SF", goods_amount=Decimal("80.00"), fee=Decimal("8.00"), out_for_delivery=False
        )
        far = near.model_copy(update={"tracking_no": "YT2", "carrier": "YTO", "fee": None})
        facts = InterceptionFacts(
            shop_id="S1",
            after_sale_id="A1",
            order_id="O1",
            refund=RefundStage.APPLIED,
            agreement_signed=False,
            parcels=(near, far),
        )
        signed = facts.model_copy(
            update={"refund": RefundStage.SUCCEEDED, "agreement_signed": True, "parcels": (near,)}
        )
        gone = signed.model_copy(update={"parcels": (near.model_copy(update={"out_for_delivery": True}),)})
        return [cls(facts=sample) for sample in (facts, signed, gone)]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return either parcel for every rule that names one."""
        parcels = tuple(InterceptionTarget(tracking_no=number) for number in ("SF1", "YT2"))
        return dict.fromkeys(("choose_parcel", "out_for_delivery", "sign"), parcels)
