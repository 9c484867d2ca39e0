"""Douyin reship 补寄: facts, forms and figures of rules DR-1 ... DR-22."""

import operator
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Case, Cost, ShopFacts
from cases.forms import MOST_EVIDENCE, Evidence, EvidenceKind, Form, Proof, Shipment
from cases.labels import LabelledEnum
from cases.models import DigitId, Duration, Excerpt, Id, Instant, Money, Text
from cases.policy import Figure, Policy, duration
from statecharts.douyin_reship import DouyinReship

HELP_PAGE = "source 002"
USUAL_REFUSALS = ("商品已正常送达", "商品未少发漏发", "已与买家协商一致")
"""The reasons that are offered to whoever refuses; any other may be written."""
Categories = Annotated[tuple[Id, ...], Field(max_length=500)]


class Reason(LabelledEnum):
    """The reasons for which a buyer asks for a reship (DR-1)."""

    NEVER_RECEIVED = "never_received", "一直未收到货"
    SHORT_SHIPPED = "short_shipped", "少发漏发"
    OTHER = "other", "其他"


class EvidencePhase(StrEnum):
    """The platform waits for the merchant's evidence, has got some, or no longer waits (DR-20)."""

    AWAITED = "awaited"
    HANDED_IN = "handed_in"
    OVER = "over"


class ReshipFacts(ShopFacts):
    """The application in the platform's record; ``received_at`` is None while receipt is not confirmed.

    ``category_id`` is None if the record does not name it: the platform has then checked the category itself (DR-3).
    ``shipped``: the order has been shipped, without which there is nothing to send again (DR-2).
    """

    after_sale_id: DigitId
    """售后单号"""
    order_id: DigitId
    """订单号"""
    category_id: DigitId | None = None
    """类目"""
    reason: Reason
    """申请原因"""
    order_amount: Money
    """订单金额"""
    applied_at: Instant
    """申请时间"""
    received_at: Instant | None = None
    """确认收货时间"""
    shipped: bool = Field(default=True, exclude_if=bool)
    """订单已发货"""
    description: Excerpt = ""
    """买家说明"""

    @property
    def own_id(self) -> str:
        """The after-sale id."""
        return self.after_sale_id

    @property
    def began_at(self) -> datetime:
        """The instant of the application, from which the merchant's 48 h run (DR-4)."""
        return self.applied_at

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id

    @property
    def at_stake(self) -> Decimal:
        """The order amount, which would be refunded."""
        return self.order_amount


class ReshipPolicy(Policy, clocks=(DouyinReship,)):
    """The figures of DR-2 ... DR-22; those of the clocks come from the chart."""

    application_window: Figure[Duration] = duration("15d", "DR-2", f"{HELP_PAGE} §4.1", "stated")
    """申请时限"""
    open_categories: Figure[Categories] = Figure(
        value=(), unit="类目", clause="DR-3", source=f"{HELP_PAGE} §2", provenance="stated"
    )
    """开放补寄的类目(空为全部)"""
    late_compensation: Figure[Money] = Figure(
        value=Decimal("3.00"), unit="CNY", clause="DR-10", source=f"{HELP_PAGE} §4.3", provenance="stated"
    )
    """超时赔付"""


class Refusal(Form):
    """A refusal with its reason (DR-14); one agreed with the buyer proves the buyer's consent (DR-13)."""

    reason: Text = Field(examples=list(USUAL_REFUSALS))
    """拒绝理由"""
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=MOST_EVIDENCE)
    """凭证"""
    after_consent: bool = False
    """已与买家协商一致

    须附买家同意的凭证
    """

    @model_validator(mode="after")
    def _consent_is_proved(self) -> Self:
        if self.after_consent and all(piece.kind is not EvidenceKind.BUYER_CONSENT for piece in self.evidence):
            raise ValueError(
                "协商一致后拒绝须有 buyer_consent 凭证 / after_consent needs evidence of kind buyer_consent (DR-13)"
            )
        return self


class ConsentedRefusal(Refusal):
    """A refusal after the merchant has agreed: only with the buyer's consent (DR-13)."""

    @model_validator(mode="after")
    def _consent_is_claimed(self) -> Self:
        if not self.after_consent:
            raise ValueError("已同意后只能协商一致后拒绝 / once agreed, after_consent must be true (DR-13)")
        return self


class Modification(Form):
    """The buyer's modified application, perhaps with another reason (DR-15)."""

    reason: Reason
    """新的申请原因"""
    description: Excerpt = ""
    """买家说明"""


class EvidenceAsked(Form):
    """The instant until which the platform waits for the merchant's evidence (DR-20)."""

    until: Instant
    """举证截止时间"""


class UntrueNumber(Form):
    """A tracking number that the platform finds untrue, and whether the goods were shipped all the same (DR-22)."""

    shipped: bool
    """货物已实际寄出"""


_TELLS_RESHIP_SINCE = "2026-11-28"
"""Since this edition the order's shipment watch is told that another parcel is on its way."""


class ReshipCase(Case):
    """A reship: the reason that counts now, whether the goods are out of stock, and what arbitration waits for.

    What cases of older editions never have is left out of what is carried over, which stays as it was recorded.
    """

    facts: ReshipFacts
    policy: ReshipPolicy = ReshipPolicy()
    new_reason: Reason | None = None
    marked_out_of_stock: bool = False
    found_untrue: bool = Field(default=False, exclude_if=operator.not_)
    evidence_until: Instant | None = Field(default=None, exclude_if=operator.not_)
    evidence: EvidencePhase | None = Field(default=None, exclude_if=operator.not_)

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "refusal": Refusal,
        "consented_refusal": ConsentedRefusal,
        "shipment": Shipment,
        "modification": Modification,
        "proof": Proof,
        "evidence_asked": EvidenceAsked,
        "untrue_number": UntrueNumber,
    }

    @property
    def never_received(self) -> bool:
        """一直未收到货"""
        return (self.new_reason or self.facts.reason) is Reason.NEVER_RECEIVED

    @property
    def out_of_stock(self) -> bool:
        """已标记缺货"""
        return self.marked_out_of_stock

    @property
    def in_time(self) -> bool:
        """已发货且在申请时限内"""
        received = self.facts.received_at
        return self.facts.shipped and (
            received is None or self.facts.applied_at - received <= self.policy.application_window.value
        )

    @property
    def category_open(self) -> bool:
        """类目已开放补寄"""
        categories = self.policy.open_categories.value
        category = self.facts.category_id
        return not categories or category is None or category in categories

    @property
    def number_untrue(self) -> bool:
        """单号已被判不真实"""
        return self.found_untrue

    @property
    def opened_before_telling_reship(self) -> bool:
        """2026-11-28 前受理"""
        return not self.opened_since(_TELLS_RESHIP_SINCE)

    @property
    def evidence_awaited(self) -> bool:
        """平台在等商家举证"""
        return self.evidence is EvidencePhase.AWAITED

    @property
    def evidence_handed_in(self) -> bool:
        """举证时限内已提交凭证"""
        return self.evidence is EvidencePhase.HANDED_IN

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the reason of a modification (DR-15), what is out of stock (DR-13) or untrue (DR-22), and DR-20."""
        del at
        changes: dict[str, object] = {}
        if rule == "mark_out_of_stock":
            changes["marked_out_of_stock"] = True
        if isinstance(form, Modification):
            changes["new_reason"] = form.reason
        if rule == "number_found_untrue" or (self.found_untrue and rule in ("ship", "correct_tracking")):
            changes["found_untrue"] = rule == "number_found_untrue"
        if isinstance(form, EvidenceAsked) and (self.evidence_until is None or form.until != self.evidence_until):
            changes |= {"evidence_until": form.until, "evidence": EvidencePhase.AWAITED}
        if rule == "submit_evidence" and self.evidence_awaited:
            changes["evidence"] = EvidencePhase.HANDED_IN
        if rule == "evidence_over":
            changes["evidence"] = EvidencePhase.OVER
        if rule == "rule_reship" and self.evidence_until:  # another arbitration asks for its own
            changes |= {"evidence_until": None, "evidence": None}
        return self.model_copy(update=changes) if changes else self

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return that the platform no longer waits for evidence that is handed in now (DR-20)."""
        if rule != "submit_evidence" or self.evidence is not EvidencePhase.OVER:
            return ()
        return (Cost(amount=None, clause="DR-20", note="举证时限已过,平台不再等待举证;仍可提交,但可能不影响裁定"),)

    def amount(self, effect: str) -> Decimal | None:
        """Return the coupon of DR-10; a violation of DR-11 has no known amount, which is not 0."""
        return self.policy.late_compensation.value if effect == "charge_late_penalty" else None

    @classmethod
    def samples(cls) -> list[Self]:
        """Return a case of every reason, two that are ineligible, one judged again (DR-11), one asked for evidence."""
        facts = ReshipFacts(
            shop_id="S1",
            after_sale_id="A1",
            order_id="O1",
            category_id="C1",
            reason=Reason.OTHER,
            order_amount=Decimal("100.00"),
            applied_at=SAMPLE_INSTANT,
        )
        late = facts.model_copy(update={"received_at": SAMPLE_INSTANT - timedelta(days=16)})
        closed = ReshipPolicy.resolve({"open_categories": ["C9"]})
        judged_again = ReshipPolicy.resolve({"late_again_every": "24h"})
        ordinary = [cls(facts=facts.model_copy(update={"reason": reason})) for reason in Reason]
        asked = cls(facts=facts, evidence_until=SAMPLE_INSTANT + timedelta(days=1), evidence=EvidencePhase.AWAITED)
        ineligible = [cls(facts=late), cls(facts=facts, policy=closed)]
        return [*ordinary, *ineligible, cls(facts=facts, policy=judged_again), asked]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a modification to every reason, evidence asked for, and an untrue number of either kind."""
        return {
            "modify": tuple(Modification(reason=reason) for reason in Reason),
            "ask_evidence": (EvidenceAsked(until=SAMPLE_INSTANT + timedelta(days=1)),),
            "number_found_untrue": tuple(UntrueNumber(shipped=shipped) for shipped in (True, False)),
        }
