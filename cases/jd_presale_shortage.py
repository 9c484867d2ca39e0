"""JD presale shortage 预售无货: facts, forms and figures of rules JD-8, JD-9 and JD-14."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Case, Cost, OrderFacts
from cases.forms import MOST_EVIDENCE, Evidence, EvidenceKind, Form, Proof, Shipment
from cases.models import Instant, Money, Text, cents
from cases.policy import Figure, Policy
from statecharts.jd_presale_shortage import JdPresaleShortage

Times = Annotated[Decimal, Field(ge=0, le=10, decimal_places=2)]
"""How often an amount is paid: 2 is twofold."""


class ShortageFacts(OrderFacts):
    """A presale order that cannot be shipped, and whether its balance had been paid at the opening."""

    deposit: Money
    """定金"""
    balance_paid: bool
    """尾款已付"""
    promised_ship_at: Instant
    """承诺发货时间"""

    @property
    def began_at(self) -> datetime | None:
        """None: the first clock runs to the promised shipping time, whenever the case is opened."""
        return None


class ShortagePolicy(Policy, clocks=(JdPresaleShortage,)):
    """The figures of JD-8 and JD-9; those of the clocks come from the chart."""

    deposit_times: Figure[Times] = Figure(
        value=Decimal(2), unit="倍", clause="JD-8, JD-9", source="source 004 §3", provenance="stated"
    )
    """定金返还倍数"""


class ArrivalTold(Form):
    """The time of arrival that the buyer was told, and the proof of the call (JD-9)."""

    arrival_at: Instant
    """告知的到货时间"""
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证"""


class DeletionRequest(Proof):
    """A request to delete the order, with the buyer's explicit consent (JD-9)."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证

    其中须有买家明确同意的凭证
    """

    @model_validator(mode="after")
    def _consent_is_proved(self) -> Self:
        if all(piece.kind is not EvidenceKind.BUYER_CONSENT for piece in self.evidence):
            raise ValueError(
                "删单须有买家明确同意的凭证 buyer_consent / a deletion needs evidence of kind buyer_consent (JD-9)"
            )
        return self


class DeletionRefusal(Form):
    """The platform's reason for not deleting the order."""

    reason: Text
    """平台给出的理由"""


class ShortageCase(Case):
    """A presale shortage: the time of arrival that the buyer was told, and whether the buyer has accepted it."""

    facts: ShortageFacts
    policy: ShortagePolicy = ShortagePolicy()
    arrival_at: Instant | None = None
    arrival_accepted: bool = False

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "arrival": ArrivalTold,
        "deletion": DeletionRequest,
        "deletion_refusal": DeletionRefusal,
        "shipment": Shipment,
    }

    @property
    def balance_paid(self) -> bool:
        """打开案件时尾款已付"""
        return self.facts.balance_paid

    @property
    def ship_by(self) -> datetime:
        """The shipping time in force: the accepted time of arrival, or else the promised time."""
        accepted = self.arrival_at if self.arrival_accepted else None
        return accepted or self.facts.promised_ship_at

    @property
    def returned(self) -> Decimal:
        """The deposit that goes back to the buyer, twofold (JD-8, JD-9)."""
        return cents(self.facts.deposit * self.policy.deposit_times.value)

    @property
    def at_stake(self) -> Decimal:
        """The deposit that goes back to the buyer, twofold."""
        return self.returned

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the time of arrival that the buyer was told, and that it was accepted."""
        del at
        changes: dict[str, object] = {}
        if isinstance(form, ArrivalTold):
            changes["arrival_at"] = form.arrival_at
        if rule == "accept_arrival":
            changes["arrival_accepted"] = True
        return self.model_copy(update=changes) if changes else self

    def amount(self, effect: str) -> Decimal | None:
        """Return twice the deposit (JD-8, JD-9); a late order counts without an amount (JD-14)."""
        return self.returned if effect in ("pay_before_balance", "pay_after_balance") else None

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what ending the order, deleting it and telling a time of arrival cost."""
        twofold = f"双倍返还定金 ¥{self.returned}"
        if rule == "buyer_agrees":
            return (Cost(amount=self.returned, clause="JD-8", note=twofold),)
        if rule == "file_deletion":
            note = f"删单通过后{twofold};未通过则须按期限发货,期限已过即按延迟发货计一单"
            return (Cost(amount=self.returned, clause="JD-9", note=note),)
        if rule == "tell_arrival":
            note = "买家接受,到货时间即为发货期限;买家不接受,按延迟发货计一单"
            return (Cost(amount=None, clause="JD-9", note=note),)
        return ()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return an order whose balance is to be paid, and one whose balance was paid."""
        facts = ShortageFacts(
            shop_id="S1",
            order_id="O1",
            deposit=Decimal("50.00"),
            balance_paid=False,
            promised_ship_at=SAMPLE_INSTANT + timedelta(days=3),
        )
        return [cls(facts=facts), cls(facts=facts.model_copy(update={"balance_paid": True}))]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a time of arrival, which moves the deadline once it is accepted."""
        proof = Evidence(kind=EvidenceKind.CALL_RECORD, url="https://example.com/call.mp3")
        told = ArrivalTold(arrival_at=SAMPLE_INSTANT + timedelta(days=9), evidence=(proof,))
        return {"tell_arrival": (told,)}
