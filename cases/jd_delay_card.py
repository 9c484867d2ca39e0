"""JD delay card 延迟发货卡片: facts, forms and figures of rules JD-1 ... JD-6."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field

from cases.case import SAMPLE_INSTANT, Case, Facts
from cases.forms import MOST_EVIDENCE, EvidenceKind, Form, Note, Shipment
from cases.models import Id, Instant, Strict, Text, Url
from cases.policy import Policy
from statecharts.jd_delay_card import JdDelayCard


class DelayFacts(Facts):
    """The order that will be late; ``sent_at`` is None until the card is sent."""

    shop_id: Id
    order_id: Id
    promised_ship_at: Instant
    proposed_ship_at: Instant
    reason: Text
    sent_at: Instant | None = None

    @property
    def own_id(self) -> str:
        """The order id, as an order never gets a second card (JD-1)."""
        return self.order_id

    @property
    def began_at(self) -> datetime | None:
        """The instant at which the card was sent, or None if it was not sent yet."""
        return self.sent_at

    @property
    def shop(self) -> str:
        """The shop id."""
        return self.shop_id

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id


class DelayPolicy(Policy, clocks=(JdDelayCard,)):
    """The figures of JD-1 ... JD-6, all of which come from the chart's clocks."""


class CardSent(Form):
    """The instant at which the card was sent, from which the buyer's 48 h run (JD-2)."""

    sent_at: Instant


class AgreementProof(Strict):
    """Proof that buyer and shop agreed: one of the three kinds that JD takes (JD-3)."""

    kind: Literal[EvidenceKind.CHAT_SCREENSHOT, EvidenceKind.SMS, EvidenceKind.CALL_RECORD]
    url: Url
    note: Note | None = None


class EmergencyReport(Form):
    """A report with the concrete shipping time agreed with the buyer, and its proof (JD-3)."""

    agreed_ship_at: Instant
    evidence: tuple[AgreementProof, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)


class DelayCase(Case):
    """A delay card: when it was sent, the agreed shipping time, and whether the promised one has passed."""

    facts: DelayFacts
    policy: DelayPolicy = DelayPolicy()
    confirmed_sent_at: Instant | None = None
    agreed_ship_at: Instant | None = None
    promise_missed_already: bool = False
    escalated_already: bool = False

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "card_sent": CardSent,
        "emergency_report": EmergencyReport,
        "shipment": Shipment,
    }

    @property
    def already_sent(self) -> bool:
        """打开案件时卡片已发送"""
        return self.facts.sent_at is not None

    @property
    def promise_missed(self) -> bool:
        """已过承诺发货时间"""
        return self.promise_missed_already

    @property
    def escalated(self) -> bool:
        """已升级催审"""
        return self.escalated_already

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return the promised or the agreed time of the order; the buyer's clock runs from the sending of the card."""
        if figure == "promised_ship_at":
            return self.facts.promised_ship_at
        if figure == "agreed_ship_at":
            return self.agreed_ship_at or self.facts.proposed_ship_at
        if figure == "card_click":
            entered = self.confirmed_sent_at or self.facts.sent_at or entered
        return super().due(figure, entered)

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep when the card was sent and which time was agreed; a new report can be escalated again."""
        del at
        changes: dict[str, object] = {}
        if rule == "miss_promise":
            changes["promise_missed_already"] = True
        if rule in ("file_emergency_report", "review_overdue"):
            changes["escalated_already"] = rule == "review_overdue"
        if isinstance(form, CardSent):
            changes["confirmed_sent_at"] = form.sent_at
        if isinstance(form, EmergencyReport):
            changes["agreed_ship_at"] = form.agreed_ship_at
        return self.model_copy(update=changes) if changes else self

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
        }
