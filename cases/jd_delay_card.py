"""JD delay card 延迟发货卡片: facts, forms and figures of rules JD-1 ... JD-6 and JD-14."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import not_
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from cases.case import SAMPLE_INSTANT, Case, Cost, OrderFacts
from cases.forms import MOST_EVIDENCE, EvidenceKind, Form, NoForm, Note, Shipment, StatedReason
from cases.labels import Labelled
from cases.models import Instant, Text, Url
from cases.policy import Figure, Policy
from cases.shanghai import shanghai
from statecharts.jd_delay_card import JdDelayCard

_AMENDED = "2026-11-27"
"""Cases opened with this edition of the figures or a later one follow the amended rules of the chart."""


class DelayFacts(OrderFacts):
    """The order that will be late, which never gets a second card (JD-1); ``sent_at`` is None until that is sent."""

    promised_ship_at: Instant
    """承诺发货时间"""
    proposed_ship_at: Instant
    """拟改发货时间"""
    reason: Text
    """延迟原因"""
    sent_at: Instant | None = None
    """卡片发送时间"""

    @property
    def began_at(self) -> datetime | None:
        """The instant at which the card was sent, or None if it was not sent yet."""
        return self.sent_at


class DelayPolicy(Policy, clocks=(JdDelayCard,)):
    """The figures of JD-1 ... JD-6; those of the clocks come from the chart."""

    cards_an_order: Figure[Literal[1]] = Figure(
        value=1, unit="次", clause="JD-1", source="source 004 §2 目前只支持发送1次", provenance="stated"
    )
    """每单可发卡片次数"""


class CardSent(Form):
    """The instant at which the card was sent, from which the buyer's 48 h run (JD-2)."""

    sent_at: Instant
    """卡片发送时间"""


class AgreementProof(Labelled):
    """Proof that buyer and shop agreed: one of the three kinds that JD takes (JD-3)."""

    kind: Literal[EvidenceKind.CHAT_SCREENSHOT, EvidenceKind.SMS, EvidenceKind.CALL_RECORD]
    """种类"""
    url: Url
    """地址

    图片或文件的网址
    """
    note: Note | None = None
    """说明"""


class EmergencyReport(Form):
    """A report with the concrete shipping time agreed with the buyer, and its proof (JD-3)."""

    agreed_ship_at: Instant
    """约定发货时间

    与买家商定的具体时间
    """
    evidence: tuple[AgreementProof, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证"""


Stood = Literal["awaiting_buyer", "declined", "expired", "report_refused", "approved", "late"]
"""Where a case stands apart from the report that is under review, to which it returns when that is called back."""

_LEADS_TO: Mapping[str, Stood] = {
    "sent_before": "awaiting_buyer",
    "presume_sent": "awaiting_buyer",
    "expire": "expired",
    "accept": "approved",
    "approve_report": "approved",
    "miss_agreed_ship": "late",
}


class DelayCase(Case):
    """A delay card and the reports of its order: the time agreed, and whether the one in force has passed.

    ``stood`` is None until the card is sent; ``card_settled``: the buyer has answered it, or it is not needed.  Of what
    has been added since the opening, cases from before the amendment keep only the first four fields.
    """

    facts: DelayFacts
    policy: DelayPolicy = DelayPolicy()
    confirmed_sent_at: Instant | None = None
    agreed_ship_at: Instant | None = None
    promise_missed_already: bool = False
    escalated_already: bool = False
    asked_ship_at: Instant | None = Field(default=None, exclude_if=not_)
    stood: Stood | None = Field(default=None, exclude_if=not_)
    reported_already: bool = Field(default=False, exclude_if=not_)
    card_settled: bool = Field(default=False, exclude_if=not_)
    approved_already: bool = Field(default=False, exclude_if=not_)
    agreed_missed_already: bool = Field(default=False, exclude_if=not_)

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "card_sent": CardSent,
        "emergency_report": EmergencyReport,
        "shipment": Shipment,
        "refusal": StatedReason,
        "unexplained": NoForm,
    }

    @property
    def amended(self) -> bool:
        """Whether the case follows the amended rules."""
        return self.opened_since(_AMENDED)

    @property
    def before_amendment(self) -> bool:
        """按修订前的规则受理"""
        return not self.amended

    @property
    def already_sent(self) -> bool:
        """打开案件时卡片已发送"""
        return self.facts.sent_at is not None

    @property
    def card_asked_for(self) -> bool:
        """卡片已发送或已提示发送"""
        return self.already_sent or self.reported_already

    @property
    def card_unsent(self) -> bool:
        """卡片尚未发送"""
        return self.sent_at is None and not self.card_settled

    @property
    def card_out(self) -> bool:
        """买家尚未答复卡片"""
        return self.sent_at is not None and not self.card_settled

    @property
    def promise_missed(self) -> bool:
        """已过承诺发货时间"""
        return self.promise_missed_already

    @property
    def agreed_missed(self) -> bool:
        """已过约定发货时间"""
        return self.agreed_missed_already

    @property
    def deadline_missed(self) -> bool:
        """已过当前有效的发货时间"""
        return self.agreed_missed_already if self.approved_already else self.promise_missed_already

    @property
    def approved_before(self) -> bool:
        """报备曾获通过"""
        return self.approved_already

    @property
    def approval_in_force(self) -> bool:
        """已通过的约定时间仍有效"""
        return self.stood == "approved"

    @property
    def stood_sending(self) -> bool:
        """报备前待发送卡片"""
        return self.stood is None

    @property
    def stood_awaiting(self) -> bool:
        """报备前待买家点击"""
        return self.stood == "awaiting_buyer"

    @property
    def stood_declined(self) -> bool:
        """报备前买家已拒绝"""
        return self.stood == "declined"

    @property
    def stood_expired(self) -> bool:
        """报备前卡片超时未点击"""
        return self.stood == "expired"

    @property
    def stood_refused(self) -> bool:
        """报备前上次报备未通过"""
        return self.stood == "report_refused"

    @property
    def stood_late(self) -> bool:
        """报备前已过约定发货时间"""
        return self.stood == "late"

    @property
    def escalated(self) -> bool:
        """已升级催审"""
        return self.escalated_already

    @property
    def sent_at(self) -> datetime | None:
        """The instant at which the card was sent, or counts as sent."""
        return self.confirmed_sent_at or self.facts.sent_at

    @property
    def card_expires_at(self) -> datetime | None:
        """The instant until which the buyer can answer the card."""
        return None if self.sent_at is None else super().due("card_click", self.sent_at)

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return the promised or the agreed time of the order; the buyer's clock runs from the sending of the card."""
        if figure == "agreed_ship_at":
            return self.agreed_ship_at or self.facts.proposed_ship_at
        if figure == "card_click":
            entered = self.sent_at or entered
        return super().due(figure, entered)

    def unfit(self, rule: str, form: Form, at: datetime) -> str | None:
        """Return that the time of a report has passed, or is no later than the one in force (JD-3)."""
        del rule
        if not isinstance(form, EmergencyReport) or not self.amended:
            return None
        if form.agreed_ship_at <= at:
            return "agreed_ship_at: 约定的发货时间须晚于现在 / must be in the future"
        in_force = self.due("agreed_ship_at", at)
        if self.approval_in_force and in_force and form.agreed_ship_at <= in_force:
            until = shanghai(in_force)
            return f"agreed_ship_at: 须晚于已通过的 {until} / must be later than the time already approved: {until}"
        return None

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep when the card was sent and which time was agreed; a new report can be escalated again."""
        changes: dict[str, object] = {}
        if rule == "miss_promise":
            changes["promise_missed_already"] = True
        if rule in ("file_emergency_report", "review_overdue"):
            changes["escalated_already"] = rule == "review_overdue"
        if isinstance(form, CardSent):
            changes["confirmed_sent_at"] = form.sent_at
        if isinstance(form, EmergencyReport):
            changes["asked_ship_at" if self.amended else "agreed_ship_at"] = form.agreed_ship_at
        if self.amended:
            changes |= self._reported(rule, form, at)
        return self.model_copy(update=changes) if changes else self

    def _reported(self, rule: str, form: Form | None, at: datetime) -> dict[str, object]:
        """Return where the case stands apart from a report under review, and what was agreed.

        What can no longer matter is forgotten.
        """
        changes: dict[str, object] = {"stood": _LEADS_TO[rule]} if rule in _LEADS_TO else {}
        match rule:
            case "card_sent" | "presume_sent":
                changes |= {} if isinstance(form, CardSent) else {"confirmed_sent_at": at}
                changes |= {} if self.stood else {"stood": "awaiting_buyer"}
            case "file_emergency_report":
                changes["reported_already"] = self.stood is None
            case "decline":
                changes["stood"] = "declined" if self.stood_awaiting else self.stood
            case "refuse_report":
                changes["stood"] = self.stood if self.approval_in_force else "report_refused"
            case "accept" | "approve_report":
                known = self.facts.proposed_ship_at if rule == "accept" else self.asked_ship_at
                changes |= {"agreed_ship_at": known or self.agreed_ship_at}
                changes |= {"approved_already": True, "agreed_missed_already": False, "promise_missed_already": False}
            case "miss_agreed_ship":
                changes["agreed_missed_already"] = True
        if rule in ("accept", "decline", "expire", "approve_report"):
            changes |= {"card_settled": True, "confirmed_sent_at": None}
        if rule in ("approve_report", "refuse_report", "recall_report"):
            changes |= {"asked_ship_at": None, "escalated_already": False}
        return changes

    def telling(self, effect: str) -> dict[str, Any] | None:
        """Return what exempts the order, and the agreed time until which it does (JD-14); nothing else has a form."""
        by = {"exempt_by_card": "card", "exempt_by_report": "emergency_report"}.get(effect)
        if by is None:
            return None
        return {"by": by, "until": (self.agreed_ship_at or self.facts.proposed_ship_at).isoformat()}

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return that a card is sent once, and what shipping late and calling a report back cost."""
        if not self.amended:
            return ()
        match rule:
            case "card_sent":
                note = f"每单只能发 {self.policy.cards_an_order.value} 次,接受、拒绝或超时后都不能再发"
                return (Cost(amount=None, clause="JD-1", note=note),)
            case "recall_report" if not self.approved_already:
                note = "撤回后不再审核:过了承诺发货时间即计延迟发货一单"
                return (Cost(amount=None, clause="JD-14", note=note),)
            case "ship" if self.deadline_missed:
                return (Cost(amount=None, clause="JD-5", note="已过时限:记延迟发货违规一次"),)
        return ()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return a card to send with the promised time near and far, and a card that was sent."""
        facts = DelayFacts(
            shop_id="S1",
            order_id="O1",
            promised_ship_at=SAMPLE_INSTANT + timedelta(hours=24),
            proposed_ship_at=SAMPLE_INSTANT + timedelta(days=5),
            reason="仓库盘点",
        )
        far = facts.model_copy(update={"promised_ship_at": SAMPLE_INSTANT + timedelta(days=30)})
        return [cls(facts=sample) for sample in (facts, far, facts.model_copy(update={"sent_at": SAMPLE_INSTANT}))]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a form for every rule that asks for one."""
        proof = AgreementProof(kind=EvidenceKind.CHAT_SCREENSHOT, url="https://example.com/chat.png")
        report = EmergencyReport(agreed_ship_at=SAMPLE_INSTANT + timedelta(days=9), evidence=(proof,))
        return {
            "card_sent": (CardSent(sent_at=SAMPLE_INSTANT),),
            "file_emergency_report": (report,),
            "ship": (Shipment(carrier="JDL", tracking_no="JD1"),),
            "refuse_report": (StatedReason(reason="凭证中没有具体的发货时间"),),
        }
