"""Douyin shipment watch 揽收/虚假发货: facts, forms and figures of rules DS-1 ... DS-7, DS-9."""

import operator
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import Field

from cases.case import SAMPLE_INSTANT, Case, Cost, OrderFacts
from cases.durations import parse_duration
from cases.false_shipment import (
    ParcelTrack,
    PriorUse,
    Suspicion,
    is_malformed,
    leads_elsewhere,
    picked_up_too_early,
    reuse,
)
from cases.forms import Form, Shipment
from cases.labels import LabelledEnum
from cases.ledger import Points
from cases.models import DigitId, Duration, Instant, Money, Name, Text
from cases.policy import Figure, Lengths, Policy, duration
from statecharts.douyin_shipment import DouyinShipment

SHIPPING_ARTICLE = "source 003"
MOST_USES = 20
"""Earlier uses of a number in a report."""
FINES_AN_ORDER = 2
"""Late shipments of an order that are fined; the next blocks the product (DS-6)."""


NUMBER_SUSPICIONS = (Suspicion.MALFORMED_NUMBER, Suspicion.DUPLICATE_NUMBER, Suspicion.NUMBER_OF_ANOTHER)
TRACK_SUSPICIONS = (Suspicion.LEADS_ELSEWHERE, Suspicion.PICKED_UP_BEFORE_PAYMENT)
SUSPICION_AFTER: Mapping[str, Suspicion | None] = {
    "stall": Suspicion.STALLED,
    "stand_still": Suspicion.STANDING_STILL,
    "not_received": Suspicion.NOT_RECEIVED,
    "judge_false": None,
}
"""What is suspected after a clock of DS-2 or DS-3 has run out, or once the platform has judged."""


class ShippingMode(LabelledEnum):
    """The ways of shipping, which say until when a parcel must be picked up (DS-1)."""

    NORMAL = "normal", "普通发货"
    EXPRESS = "express", "极速发货"
    TIERED = "tiered", "阶梯发货"
    PRESALE = "presale", "预售"


class DouyinShipmentFacts(OrderFacts):
    """A paid order that is to be shipped.

    ``consignee`` is an opaque key of the person, equal for all orders of one person.  ``promised_ship_at`` and
    ``consignee_region`` are None if they are unknown.
    """

    product_id: DigitId
    """商品编号"""
    mode: ShippingMode
    """发货方式"""
    ordered_at: Instant
    """下单时间"""
    paid_at: Instant
    """付款时间"""
    promised_ship_at: Instant | None = None
    """承诺发货时间"""
    consignee: Name
    """收件人标识

    不是姓名:同一收件人的订单填同一个标识
    """
    consignee_region: Name | None = None
    """收件地区"""
    order_amount: Money
    """订单金额"""

    @property
    def began_at(self) -> datetime:
        """The instant of the order, from which the clocks of DS-1 and DS-7 run."""
        return self.ordered_at

    @property
    def at_stake(self) -> Decimal:
        """The order amount."""
        return self.order_amount


class DouyinShipmentPolicy(Policy, clocks=(DouyinShipment,)):
    """The figures of DS-1 ... DS-7; most of those of the clocks come from the chart."""

    pickup_after_order: Figure[Duration] = duration("72h", "DS-1", f"{SHIPPING_ARTICLE} §四", "stated")
    """揽收时限(普通发货,自下单)"""
    pickup_after_upload: Figure[Duration] = duration("24h", "DS-1", f"{SHIPPING_ARTICLE} §四", "stated")
    """揽收时限(极速、阶梯发货,自上传单号)"""
    stall_reminders: Figure[Lengths] = Figure(
        value=(parse_duration("4h"),), unit="截止前", clause="DS-2", source="assumption", provenance="assumed"
    )
    """物流无更新提醒时点"""
    number_reuse: Figure[Duration] = duration("30d", "DS-3", f"{SHIPPING_ARTICLE} §一", "stated")
    """单号不得用于他人的期间"""
    false_shipment_points: Figure[Points] = Figure(
        value=Decimal("0.1"), unit="分", clause="DS-5", source=f"{SHIPPING_ARTICLE} §四", provenance="stated"
    )
    """虚假发货每次积分"""
    points_a_week: Figure[Points | None] = Figure(
        value=Decimal(2), unit="分", clause="DS-5", source=f"{SHIPPING_ARTICLE} §四", provenance="stated"
    )
    """虚假发货每周积分上限"""
    points_a_day: Figure[Points | None] = Figure(
        value=Decimal(1),
        unit="分",
        clause="DS-5",
        source="public copy; source 003 says that there is a cap a day, and has lost it",
        provenance="read",
    )
    """虚假发货每日积分上限"""
    fines_a_day: Figure[Money | None] = Figure(
        value=Decimal("500.00"), unit="CNY", clause="DS-6", source=f"{SHIPPING_ARTICLE} §四", provenance="stated"
    )
    """发货超时每日扣款上限"""
    late_shipment_fine: Figure[Money] = Figure(
        value=Decimal("10.00"), unit="CNY", clause="DS-6", source=f"{SHIPPING_ARTICLE} §四", provenance="stated"
    )
    """发货超时每单扣除保证金"""


class TrackScan(Form):
    """A new line of the parcel's track.

    ``place`` is where it was made.  ``region`` is where the line says that the parcel is bound for (发往, 派送, 签收),
    not where it happens to be on its way; None if it does not say.
    """

    place: Name
    """扫描地点"""
    region: Name | None = None
    """发往地区

    轨迹写明发往、派送或签收的地区,途经地不算
    """
    status: Name
    """物流状态"""


class NumberReuse(Form):
    """The earlier uses of the parcel's tracking number for other orders of the shop."""

    tracking_no: Name
    """快递单号"""
    uses: tuple[PriorUse, ...] = Field(max_length=MOST_USES)
    """此前用于"""


class ShipPromise(Form):
    """The instant until which the platform now wants the order shipped (G-1)."""

    promised_ship_at: Instant
    """承诺发货时间"""


class PlatformWarning(Form):
    """A warning of the platform, with the instant until which it can be put right (DS-9)."""

    until: Instant
    """整改截止时间"""


class FalseShipmentJudgement(Form):
    """The platform's judgement, with its reason."""

    reason: Text
    """平台给出的理由"""


class DouyinShipmentCase(Case):
    """A shipment: the parcel's track, why it is suspected, and until when the platform has warned."""

    facts: DouyinShipmentFacts
    policy: DouyinShipmentPolicy = DouyinShipmentPolicy()
    uploaded_at: Instant | None = None
    waiting_since: Instant | None = None
    track: ParcelTrack | None = None
    suspicion: Suspicion | None = None
    warned_until: Instant | None = None
    late_shipments: int = Field(default=0, ge=0, le=FINES_AN_ORDER)
    promise: Instant | None = Field(default=None, exclude_if=operator.not_)

    forms: ClassVar[Mapping[str, type[Form]]] = {
        "shipment": Shipment,
        "number_reuse": NumberReuse,
        "scan": TrackScan,
        "ship_promise": ShipPromise,
        "warning": PlatformWarning,
        "judgement": FalseShipmentJudgement,
    }

    @property
    def picked_up(self) -> bool:
        """已揽收"""
        return self.track is not None

    @property
    def number_suspicious(self) -> bool:
        """单号可疑"""
        return self.suspicion in NUMBER_SUSPICIONS

    @property
    def track_suspicious(self) -> bool:
        """轨迹可疑"""
        return self.suspicion in TRACK_SUSPICIONS

    @property
    def stalled(self) -> bool:
        """疑似原因为揽收后无更新"""
        return self.suspicion is Suspicion.STALLED

    @property
    def fined_twice(self) -> bool:
        """发货超时已扣款两次"""
        return self.late_shipments >= FINES_AN_ORDER

    @property
    def warned(self) -> bool:
        """预警中"""
        return self.warned_until is not None

    @property
    def promised_ship_at(self) -> datetime | None:
        """Return until when the order must be shipped (DS-6): as the platform said last, else as promised."""
        return self.promise or self.facts.promised_ship_at

    @property
    def pickup_due_at(self) -> datetime | None:
        """Return until when the parcel must be picked up (DS-1); None while that is unknown."""
        if self.facts.mode is ShippingMode.PRESALE:
            return self.promised_ship_at
        if self.facts.mode is ShippingMode.NORMAL:
            return self.facts.ordered_at + self.policy.pickup_after_order.value
        return self.uploaded_at and self.uploaded_at + self.policy.pickup_after_upload.value

    @property
    def updated_at(self) -> datetime | None:
        """Return the last scan, or when the suspicion was cleared after it (DS-2)."""
        return self.track.updated_at if self.track else None

    @property
    def still_since(self) -> datetime | None:
        """Return since when the parcel has been where it is (DS-3)."""
        return self.track.still_since if self.track else None

    def unfit(self, rule: str, form: Form, at: datetime) -> str | None:
        """Return that a promise is the one known already: nothing has changed."""
        del at
        if (
            rule == "change_promise"
            and isinstance(form, ShipPromise)
            and form.promised_ship_at == self.promised_ship_at
        ):
            return "promised_ship_at: 与已知的承诺发货时间相同 / is the promise known already"
        return None

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Keep the track of the parcel, and why it is suspected."""
        changes: dict[str, object] = {}
        match rule:
            case "upload_tracking":
                suspicion = _of_number(form) or self.suspicion
                changes = {"uploaded_at": at, "waiting_since": at, "suspicion": suspicion, "late_shipments": 0}
            case "correct_tracking":  # another parcel, of which nothing is known yet
                changes = {"suspicion": _of_number(form), "track": None}
            case "number_reused":
                changes["suspicion"] = self._of_reuse(form) or self.suspicion
            case "scan":
                changes = self._scanned(form, at)
            case "clear_suspicion":  # the time to wait begins again
                track = self.track and self.track.trusted_from(at)
                changes = {"suspicion": None, "track": track, "waiting_since": at}
            case "miss_shipment":
                changes["late_shipments"] = min(self.late_shipments + 1, FINES_AN_ORDER)
            case "change_promise" | "warn":
                changes = _instant_set(form)
            case "clear_warning" | "warning_over":
                changes["warned_until"] = None
            case _ if rule in SUSPICION_AFTER:
                changes["suspicion"] = SUSPICION_AFTER[rule]
        return self.model_copy(update=changes) if changes else self

    def _of_reuse(self, form: Form | None) -> Suspicion | None:
        """Return what the earlier uses of the parcel's number make suspicious."""
        if not isinstance(form, NumberReuse) or self.uploaded_at is None:
            return Suspicion.NUMBER_OF_ANOTHER
        return reuse(self.uploaded_at, form.uses, self.policy.number_reuse.value)

    def _scanned(self, form: Form | None, at: datetime) -> dict[str, object]:
        """Return the changes by a scan: it ends a stall, and may show something else."""
        place, region = (form.place, form.region) if isinstance(form, TrackScan) else (None, None)
        track = self.track.scanned(at, place) if self.track else ParcelTrack.begun(at, place)
        suspicion = None if self.stalled else self.suspicion
        if leads_elsewhere(region, self.facts.consignee_region):
            suspicion = Suspicion.LEADS_ELSEWHERE
        elif self.track is None and picked_up_too_early(track, self.facts.paid_at):
            suspicion = Suspicion.PICKED_UP_BEFORE_PAYMENT
        return {"track": track, "suspicion": suspicion}

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what an untrue number costs, and one that was used for somebody else: before it is uploaded."""
        if rule not in ("upload_tracking", "correct_tracking"):
            return ()
        window = self.policy.number_reuse.show()
        points = self.policy.false_shipment_points.show()
        return (
            Cost(
                amount=None,
                clause="DS-3",
                note=f"单号格式异常、重复,或近 {window} 内用于其他收件人的,上传后即列为疑似虚假发货",
            ),
            Cost(amount=None, clause="DS-5", note=f"被判虚假发货每次积 {points} 分,并须赔付买家,金额以平台通知为准"),
        )

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """Return what follows if the number can no longer be corrected."""
        if rule != "correct_tracking":
            return ()
        return (Cost(amount=None, clause="DS-4", note="超过更正时限的单号无法更改:联系买家说明,并告知真实单号"),)

    def amount(self, effect: str) -> Decimal | None:
        """Return the fine of DS-6; what the buyer is paid under DS-5 is unknown."""
        return self.policy.late_shipment_fine.value if effect == "charge_late_shipment" else None

    def points(self, effect: str) -> Decimal | None:
        """Return the points of DS-5."""
        return self.policy.false_shipment_points.value if effect == "record_false_shipment" else None

    @classmethod
    def samples(cls) -> list[Self]:
        """Return an order to be picked up so long after it was placed, and one so long after the upload.

        The second has no promised time, the platform has warned of it, and its shop has set the figures that have no
        default.
        """
        facts = DouyinShipmentFacts(
            shop_id="S1",
            order_id="O1",
            product_id="P1",
            mode=ShippingMode.NORMAL,
            ordered_at=SAMPLE_INSTANT,
            paid_at=SAMPLE_INSTANT,
            promised_ship_at=SAMPLE_INSTANT + timedelta(hours=48),
            consignee="C1",
            consignee_region="广东",
            order_amount=Decimal("100.00"),
        )
        express = facts.model_copy(update={"mode": ShippingMode.EXPRESS, "promised_ship_at": None})
        set_all = DouyinShipmentPolicy.resolve({"standing_still": "72h", "reasonable_receipt": "15d"})
        warned_until = SAMPLE_INSTANT + timedelta(hours=24)
        return [cls(facts=facts), cls(facts=express, policy=set_all, warned_until=warned_until)]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return a malformed number, a number that was used for somebody else, a route to elsewhere, and a warning."""
        use = PriorUse(same_carrier=True, same_person=False, at=SAMPLE_INSTANT)
        malformed = (Shipment(carrier="SF", tracking_no="???"),)
        return {
            "upload_tracking": malformed,
            "correct_tracking": malformed,
            "number_reused": (NumberReuse(tracking_no="SF1", uses=(use,)),),
            "scan": (TrackScan(place="沈阳", region="辽宁", status="派送中"),),
            "change_promise": (ShipPromise(promised_ship_at=SAMPLE_INSTANT + timedelta(hours=72)),),
            "warn": (PlatformWarning(until=SAMPLE_INSTANT + timedelta(hours=24)),),
        }


def _of_number(form: Form | None) -> Suspicion | None:
    """Return what a number shows by itself; nothing if it was reported without one."""
    malformed = isinstance(form, Shipment) and is_malformed(form.tracking_no)
    return Suspicion.MALFORMED_NUMBER if malformed else None


def _instant_set(form: Form | None) -> dict[str, object]:
    """Return the change by an instant that the platform has set; none if it was reported without one."""
    match form:
        case ShipPromise():
            return {"promise": form.promised_ship_at}
        case PlatformWarning():
            return {"warned_until": form.until}
    return {}
