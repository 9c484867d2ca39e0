"""Taobao Anxinjian split order 安心鉴拆单: the case of rules AX-1 ... AX-12, and what each order sees of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cases.case import SAMPLE_INSTANT, Case, Cost, Facts
from cases.durations import parse_duration
from cases.forms import Form, Shipment
from cases.labels import Labelled, LabelledEnum
from cases.models import DigitId, Id, Instant, Money
from cases.policy import Figure, Lengths, Policy
from statecharts.anxinjian_split import AMENDED, AnxinjianOrder, AnxinjianSplit

MOST_ORDERS = 20
"""The most orders that the purchase of one item is split over."""


class SplitOrder(Labelled):
    """An order; ``auto_receipt_at`` is the platform's instant of automatic receipt, None while unknown."""

    order_id: DigitId
    """订单号"""
    carries_item: bool
    """实物在此订单"""
    auto_receipt_at: Instant | None = None
    """自动收货时间"""


class SplitFacts(Facts):
    """A physical item and the orders that its purchase was split over; exactly one of them carries it."""

    provider_id: Id
    """服务商"""
    merchant_id: Id
    """商家"""
    item_id: Id
    """鉴定商品编号"""
    authentication_fee: Money
    """鉴定费"""
    freight_fee: Money
    """每单运费"""
    sub_orders: tuple[SplitOrder, ...] = Field(min_length=1, max_length=MOST_ORDERS)
    """订单"""

    @model_validator(mode="after")
    def _one_item(self) -> Self:
        orders = [sub_order.order_id for sub_order in self.sub_orders]
        if len(set(orders)) < len(orders):
            raise ValueError("sub_orders: 订单号重复 / duplicate order_id")
        if sum(sub_order.carries_item for sub_order in self.sub_orders) != 1:
            raise ValueError("sub_orders: 须恰有一单 carries_item / exactly one order carries the item")
        return self

    @property
    def own_id(self) -> str:
        """The item id."""
        return self.item_id

    @property
    def began_at(self) -> datetime | None:
        """None: the clocks run from the opening of the case, by when the orders were already waiting."""
        return None

    @property
    def shop(self) -> str:
        """The merchant's shop, which bears freight and losses."""
        return self.merchant_id

    @property
    def order(self) -> str:
        """The order that carries the item."""
        return next(sub_order.order_id for sub_order in self.sub_orders if sub_order.carries_item)


class SplitPolicy(Policy, clocks=(AnxinjianOrder, AnxinjianSplit)):
    """The figures of AX-1, AX-9 and AX-10; automatic receipt has no figure, as the platform sets its instant."""

    escalate_before: Figure[Lengths] = Figure(
        value=(parse_duration("72h"), parse_duration("24h")),
        unit="自动收货前",
        clause="AX-9",
        source="assumption",
        provenance="assumed",
    )
    """临近自动退款的升级时点"""


class Way(LabelledEnum):
    """The two ways to treat the orders without the item (AX-5)."""

    KEEP_SINGLE = "keep_single", "只留实物订单"
    KEEP_ALL = "keep_all", "全部保留"


class WhyUnsigned(LabelledEnum):
    """The reasons why an order has not been signed in (AX-1)."""

    REFUNDED_BEFORE_SHIPPING = "refunded_before_shipping", "发货前已退款"
    IN_TRANSIT = "in_transit", "商品在途"
    UNKNOWN = "unknown", "原因不明"


class Verdict(LabelledEnum):
    """The verdicts of an authentication (AX-4)."""

    PASS = "pass", "通过"
    FAIL = "fail", "不通过"


class OnlineStep(LabelledEnum):
    """The online steps of an order, in their order (AX-1, AX-2)."""

    SIGN_IN = "sign_in", "签收"
    RECORD = "record", "录单"
    INSPECT = "inspect", "质检"
    PACK = "pack", "打包"
    WAYBILL = "waybill", "打单"


class WayChosen(Form):
    """The way agreed with buyer and merchant; ``keep_all`` needs the merchant's consent to the freight (AX-6)."""

    way: Way
    """处理方式"""
    freight_consent: bool = False
    """商家同意承担运费

    全部保留须商家同意
    """

    @property
    def agreed(self) -> bool:
        """只留实物订单,或商家已同意承担运费(freight_consent)"""
        return self.way is Way.KEEP_SINGLE or self.freight_consent


class Unsigned(Form):
    """The reason why an order could not be signed in (AX-1)."""

    why: WhyUnsigned
    """未签收原因"""


class VerdictGiven(Form):
    """The verdict of the authentication (AX-4)."""

    verdict: Verdict
    """鉴定结论"""

    @property
    def passed(self) -> bool:
        """鉴定通过"""
        return self.verdict is Verdict.PASS


class Blocked(Form):
    """The online step that cannot be done: the sign-in (AX-1), or one after it (AX-2)."""

    step: OnlineStep
    """受阻的步骤"""

    @property
    def at_sign_in(self) -> bool:
        """受阻的是签收"""
        return self.step is OnlineStep.SIGN_IN


class BlockedOnline(Blocked):
    """A step after the sign-in: the only ones that could be blocked before AX-1 named the sign-in."""

    step: Literal[OnlineStep.RECORD, OnlineStep.INSPECT, OnlineStep.PACK, OnlineStep.WAYBILL]
    """受阻的步骤"""


class Ending(StrEnum):
    """The ways in which an order ends."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    LOST = "lost"


ENDINGS: Mapping[str, Ending] = {
    "confirm_receipt": Ending.CONFIRMED,
    "refund_order": Ending.CANCELLED,
    "found_refunded": Ending.CANCELLED,
    "return_item": Ending.RETURNED,
    "auto_refund": Ending.LOST,
}
"""The rules by which an order ends; how one ends that carries the item and is refunded, depends on where that is."""


class Whereabouts(StrEnum):
    """How far an order has come; without any, its parcel is still expected."""

    UNVERIFIED = "unverified"
    WITH_PROVIDER = "with_provider"
    SHIPPED = "shipped"


REACHED: Mapping[str, Whereabouts | None] = {
    "verify_overdue": Whereabouts.UNVERIFIED,
    "found_unknown": Whereabouts.UNVERIFIED,
    "found_in_transit": None,
    "sign_in": Whereabouts.WITH_PROVIDER,
    "pick_up": Whereabouts.SHIPPED,
}
"""How far the rules bring an order."""


class SplitCase(Case):
    """An item: the way chosen for its orders, the order that was authenticated, and how orders ended."""

    facts: SplitFacts
    policy: SplitPolicy = SplitPolicy()
    way: Way | None = None
    choice_escalated_already: bool = False
    authenticated_order: str | None = None
    waived_orders: tuple[str, ...] = ()
    unsigned: dict[str, WhyUnsigned] = {}
    waybills: dict[str, str] = {}
    charged_waybills: tuple[str, ...] = ()
    endings: dict[str, Ending] = {}
    choice_acted_on_already: bool = False
    refunded_orders: tuple[str, ...] = ()
    whereabouts: dict[str, Whereabouts] = {}

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "way": WayChosen,
        "unsigned": Unsigned,
        "verdict": VerdictGiven,
        "blocked": Blocked,
        "blocked_online": BlockedOnline,
        "shipment": Shipment,
    }

    @property
    def others(self) -> tuple[str, ...]:
        """The orders without the item that have not ended."""
        return tuple(order for order in self.orders if order != self.facts.order and order not in self.endings)

    @property
    def nothing_to_choose(self) -> bool:
        """没有其他未了结的订单"""
        return not self.others

    @property
    def keeps_all(self) -> bool:
        """已定为全部保留"""
        return self.way is Way.KEEP_ALL

    @property
    def choice_acted_on(self) -> bool:
        """已有订单按选定的方式退款或无需鉴定"""
        return self.choice_acted_on_already

    @property
    def choice_escalated(self) -> bool:
        """已升级给平台"""
        return self.choice_escalated_already

    @property
    def all_ended(self) -> bool:
        """所有订单均已了结"""
        return set(self.endings) == set(self.orders)

    @property
    def any_lost(self) -> bool:
        """有订单被自动退款"""
        return Ending.LOST in self.endings.values()

    @property
    def orders(self) -> tuple[str, ...]:
        """The ids of the orders, each of which has a chart of its own."""
        return tuple(sub_order.order_id for sub_order in self.facts.sub_orders)

    def waybill(self, order: str) -> str:
        """Return the waybill of an order; an order without a number counts as having a waybill of its own."""
        return self.waybills.get(order, order)

    def part(self, order: str | None) -> Any:
        """Return the case as one order sees it."""
        return self if order is None else OrderOfSplit(self, order)

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the way that counts (AX-5, AX-6), and that the merchant's silence was escalated (AX-10)."""
        del at
        if rule == "buyer_keeps":
            return self.model_copy(update={"way": Way.KEEP_ALL})
        if rule == "choose":
            chosen = form.way if isinstance(form, WayChosen) and form.freight_consent else Way.KEEP_SINGLE
            return self.model_copy(update={"way": chosen})
        return self.model_copy(update={"choice_escalated_already": True}) if rule == "escalate_choice" else self

    def apply_to_order(self, order: str, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep those facts about an order on which other orders or the item depend."""
        del at
        changes: dict[str, object] = {}
        if rule == "authenticate":
            changes["authenticated_order"] = order
        if rule == "waive":
            changes["waived_orders"] = (*self.waived_orders, order)
        if isinstance(form, Unsigned):
            changes["unsigned"] = {**self.unsigned, order: form.why}
        if isinstance(form, Shipment) and rule == "print_waybill":
            changes["waybills"] = {**self.waybills, order: f"{form.carrier} {form.tracking_no}"}
        if rule == "confirm_receipt" and self.part(order).pays_freight:
            changes["charged_waybills"] = (*self.charged_waybills, self.waybill(order))
        if ending := self._ending(order, rule):
            changes["endings"] = {**self.endings, order: ending}
        if self.opened_since(AMENDED):
            changes |= self._reached(order, rule)
        return self.model_copy(update=changes) if changes else self

    def _ending(self, order: str, rule: str) -> Ending | None:
        """Return how an order ends by a rule; the item's goes back once it is refunded while with the provider."""
        if rule == "refund_order" and order == self.facts.order:
            match self.whereabouts.get(order):
                case Whereabouts.WITH_PROVIDER:
                    return None
                case Whereabouts.SHIPPED:
                    return Ending.LOST
        return ENDINGS.get(rule)

    def _reached(self, order: str, rule: str) -> dict[str, object]:
        """Return how far an order has come, and whether the choice was acted on (AX-5, AX-12)."""
        changes: dict[str, object] = {}
        if rule in REACHED:
            others = {name: stands for name, stands in self.whereabouts.items() if name != order}
            changes["whereabouts"] = others | ({order: REACHED[rule]} if REACHED[rule] else {})
        if rule == "refund_order":
            changes["refunded_orders"] = (*self.refunded_orders, order)
        if rule == "waive" or (rule == "refund_order" and order != self.facts.order and self.way is not None):
            changes["choice_acted_on_already"] = True
        return changes

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what either way costs beyond the one authentication (AX-8, AX-6), and what a failed one does."""
        many, freight = len(self.others), self.facts.freight_fee * len(self.others)
        if rule == "buyer_keeps":
            note = f"其余 {many} 单全部保留,运费 ¥{freight} 由商家承担,无须商家同意"
            return (Cost(amount=freight, clause="AX-6", note=note),)
        if rule == "authenticate" and self.opened_since(AMENDED):
            fee = self.facts.authentication_fee
            note = f"鉴定费 ¥{fee} 照收,商品退回商家,买家退款"
            return (Cost(amount=fee, clause="AX-11", note=note, choice="fail"),)
        if rule != "choose":
            return ()
        bought_again = f"额外鉴定费 ¥0.00,运费 ¥0.00;其余 {many} 单退款后重拍普通订单,由商家发货"
        kept = f"额外鉴定费 ¥0.00,运费 ¥{freight};其余 {many} 单无需鉴定,面单须揽收且签收;须商家同意承担运费"
        return (
            Cost(amount=Decimal("0.00"), clause="AX-8", note=bought_again, choice=Way.KEEP_SINGLE),
            Cost(amount=freight, clause="AX-8", note=kept, choice=Way.KEEP_ALL),
        )

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """Return what keeping all orders costs, to which the merchant must consent (AX-6)."""
        if rule != "choose" or not self.others or self.choice_acted_on or not self.opened_since(AMENDED):
            return ()
        freight = self.facts.freight_fee * len(self.others)
        note = f"全部保留须登记商家同意承担运费 ¥{freight}(freight_consent),未同意不能选"
        return (Cost(amount=freight, clause="AX-6", note=note),)

    @classmethod
    def samples(cls) -> list[Self]:
        """Return a case with one order, one with two, one acted on, and two that ended, without and with a loss."""
        case = cls(facts=_facts("O1", "O2"))
        ended = {"O1": Ending.CONFIRMED, "O2": Ending.CANCELLED}
        return [
            cls(facts=_facts("O1")),
            case,
            case.model_copy(update={"choice_acted_on_already": True}),
            case.model_copy(update={"endings": ended}),
            case.model_copy(update={"endings": {**ended, "O2": Ending.LOST}}),
        ]

    @classmethod
    def part_type(cls) -> type:
        """Return the type that an order's chart sees."""
        return OrderOfSplit

    @classmethod
    def part_samples(cls) -> list[Any]:
        """Return an order with the item and one without it, before and after a way was chosen."""
        case = cls(facts=_facts("O1", "O2"))
        cases = [case, *(case.model_copy(update={"way": way}) for way in Way)]
        shared = case.model_copy(update={"way": Way.KEEP_ALL, "waybills": {"O1": "YTO YT2"}})
        unknown = cls(facts=_facts("O1", "O2", auto_receipt_at=None))
        return [sample.part(order) for sample in (*cases, unknown) for order in sample.orders] + [shared.part("O2")]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a form of every kind that changes the case."""
        return {
            "choose": tuple(WayChosen(way=way, freight_consent=True) for way in Way),
            "explain_unsigned": tuple(Unsigned(why=why) for why in WhyUnsigned),
            "authenticate": tuple(VerdictGiven(verdict=verdict) for verdict in Verdict),
            "report_blocked": (Blocked(step=OnlineStep.SIGN_IN), Blocked(step=OnlineStep.PACK)),
            "print_waybill": (Shipment(carrier="YTO", tracking_no="YT2"),),
        }


@dataclass(frozen=True)
class OrderOfSplit:
    """The case as the chart of one of its orders sees it."""

    case: SplitCase
    order: str

    @property
    def edition(self) -> str:
        """The edition of the figures with which the case was opened."""
        return self.case.edition

    def as_opened_with(self, edition: str) -> Self:
        """Return the order as it would be if its case was opened with another edition of the figures."""
        return replace(self, case=self.case.as_opened_with(edition))

    def instant(self, name: str) -> datetime | None:
        """Return an instant of the case by its name."""
        return self.case.instant(name)

    def length(self, figure: str) -> timedelta | None:
        """Return the length of time of a figure, None if it is not set."""
        return self.case.length(figure)

    def points(self, effect: str) -> None:
        """Return None: no ledger entry of an order has points."""
        del effect

    def telling(self, effect: str) -> None:
        """Return None: an order tells other cases nothing beyond what happened."""
        del effect

    @property
    def carries_item(self) -> bool:
        """实物在此订单"""
        return self.case.facts.order == self.order

    @property
    def none_authenticated(self) -> bool:
        """本件尚无订单鉴定"""
        return self.case.authenticated_order is None

    @property
    def keeps_all(self) -> bool:
        """已定为全部保留"""
        return self.case.keeps_all

    @property
    def keeps_single(self) -> bool:
        """已选只保留实物订单"""
        return self.case.way is Way.KEEP_SINGLE

    @property
    def refunded_before_shipping(self) -> bool:
        """查明商家发货前已退款"""
        return self._unsigned is WhyUnsigned.REFUNDED_BEFORE_SHIPPING

    @property
    def in_transit(self) -> bool:
        """查明商品在途"""
        return self._unsigned is WhyUnsigned.IN_TRANSIT

    @property
    def cause_unknown(self) -> bool:
        """未签收原因不明"""
        return self._unsigned is WhyUnsigned.UNKNOWN

    @property
    def pays_freight(self) -> bool:
        """无需鉴定且其面单尚未计运费"""
        paid = {self.case.waybill(self.case.facts.order), *self.case.charged_waybills}
        return self.order in self.case.waived_orders and self.case.waybill(self.order) not in paid

    @property
    def was_unverified(self) -> bool:
        """受阻前待平台核实"""
        return self._stands is Whereabouts.UNVERIFIED

    @property
    def was_signed_in(self) -> bool:
        """受阻前已签收"""
        return self._stands in (Whereabouts.WITH_PROVIDER, Whereabouts.SHIPPED)

    @property
    def item_with_provider(self) -> bool:
        """实物在服务商处"""
        return self.carries_item and self._stands is Whereabouts.WITH_PROVIDER

    @property
    def item_shipped(self) -> bool:
        """实物已发往买家"""
        return self.carries_item and self._stands is Whereabouts.SHIPPED

    @property
    def refund_known(self) -> bool:
        """已登记退款"""
        return self.order in self.case.refunded_orders

    @property
    def _unsigned(self) -> WhyUnsigned | None:
        return self.case.unsigned.get(self.order)

    @property
    def _stands(self) -> Whereabouts | None:
        return self.case.whereabouts.get(self.order)

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return when a clock runs out; automatic receipt is an instant of the platform's record (AX-9)."""
        if figure == "auto_receipt_at":
            receipts = {sub_order.order_id: sub_order.auto_receipt_at for sub_order in self.case.facts.sub_orders}
            return receipts[self.order]
        return self.case.due(figure, entered)

    def apply(self, rule: str, form: Form | None, at: datetime) -> "OrderOfSplit":
        """Return the order after one of its rules has fired."""
        return OrderOfSplit(self.case.apply_to_order(self.order, rule, form, at), self.order)

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what a step of the order costs: those of the case, which alone knows the fees."""
        return self.case.costs(rule) if rule == "authenticate" else ()

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """Return what shipping offline (AX-3) or a second authentication (AX-4) would cost, and what AX-7 requires."""
        fee = self.case.facts.authentication_fee
        if rule == "ship_offline":
            note = f"线下发货将无法确认收货、商家收不到货款、到期自动退款,且鉴定费 ¥{fee} 不产生"
            return (Cost(amount=fee, clause="AX-3", note=note),)
        if rule == "authenticate" and not (self.carries_item and self.none_authenticated):
            note = f"同一实物只鉴定一单,再鉴定一单将多扣鉴定费 ¥{fee}"
            return (Cost(amount=fee, clause="AX-4", note=note),)
        if rule == "confirm_receipt" and self.order in self.case.waived_orders:
            return (Cost(amount=None, clause="AX-7", note="无需鉴定的订单,面单须线上打出、揽收且签收后才能确认"),)
        return ()

    def amount(self, effect: str) -> Decimal | None:
        """Return the freight of a separate waybill (AX-8); the value of a lost order is unknown (AX-9)."""
        return self.case.facts.freight_fee if effect == "charge_freight" else None


def _facts(*orders: str, auto_receipt_at: Instant | None = SAMPLE_INSTANT + timedelta(days=10)) -> SplitFacts:
    return SplitFacts(
        provider_id="P1",
        merchant_id="M1",
        item_id="I1",
        authentication_fee=Decimal("30.00"),
        freight_fee=Decimal("12.00"),
        sub_orders=tuple(
            SplitOrder(order_id=order, carries_item=order == "O1", auto_receipt_at=auto_receipt_at) for order in orders
        ),
    )
