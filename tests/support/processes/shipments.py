"""Shipment watches on Douyin as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

from cases.durations import parse_duration
from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

SHIPMENT_WATCH = PROCESSES["douyin_shipment"]
SECOND = timedelta(seconds=1)
PARCEL = {"carrier": "SF", "tracking_no": "SF1234567890"}
OTHER_PARCEL = {"carrier": "SF", "tracking_no": "SF9876543210"}
MALFORMED = {"carrier": "SF", "tracking_no": "???"}
HUB = {"place": "东莞", "status": "到达"}
THERE = {"place": "广州", "region": "广东", "status": "派送中"}
ELSEWHERE = {"place": "沈阳", "region": "辽宁", "status": "派送中"}
REASON = {"reason": "物流轨迹异常"}
OPEN_STATES = ("awaiting_shipment", "awaiting_pickup", "moving", "suspected", "judged_false")
AFTER_UPLOAD = OPEN_STATES[1:]


def shipment_facts(ordered: datetime, own_id: str = "O1", **changes: Any) -> dict[str, Any]:
    """Return the facts of an order promised within 48 h; instants are written as offsets, what is None is left out."""
    offsets = {"ordered_at": "0s", "paid_at": "0s", "promised_ship_at": "48h"}
    instants = {
        name: (ordered + parse_duration(offset)).isoformat()
        for name, default in offsets.items()
        if (offset := changes.pop(name, default)) is not None
    }
    record = {
        "shop_id": "S1",
        "order_id": own_id,
        "product_id": "P1",
        "mode": "normal",
        "consignee": "C1",
        "consignee_region": "广东",
        "order_amount": "100.00",
        **instants,
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


class Watch(UntimedCase):
    """A shipment watch; offsets count from the order."""

    def __init__(self, policy: dict[str, Any] | None = None, edition: str | None = None, **changes: Any) -> None:
        super().__init__(SHIPMENT_WATCH, "O1", shipment_facts(OPENED, **changes), policy, edition)

    @property
    def suspicion(self) -> str | None:
        suspicion: str | None = self.machine.case.suspicion  # type: ignore[attr-defined]
        return suspicion

    @property
    def ignored(self) -> list[str | None]:
        return [message.rule for message in self.machine.state.ignored]

    @property
    def effects(self) -> list[str]:
        """The effects that were asked for, without ledger entries."""
        return [effect.effect for effect in self.machine.state.effects if not effect.entry]

    @property
    def booked(self) -> list[tuple[str, str | None, str | None]]:
        """The clause, amount and points of every entry in force."""
        return [
            (entry.clause, entry.amount and str(entry.amount), entry.points and str(entry.points))
            for entry in self.machine.state.ledger
        ]

    @property
    def reversed(self) -> list[str]:
        """The clauses of the entries that facts told late have taken back, or a rule."""
        return [entry.clause for entry in (*self.machine.state.reversed, *self.machine.state.undone)]

    def reminded(self, rule: str, *offsets: str) -> list[datetime]:
        """Let time pass from instant to instant; return when operators were reminded of the rule's deadline."""
        for offset in offsets:
            self.until(offset, by=-SECOND).until(offset)
        return [reminder.at for reminder in self.machine.state.reminders if reminder.rule == rule]

    def act(self, offset: str, rule: str, form: dict[str, Any] | None = None, *, by: timedelta = timedelta(0)) -> Self:
        return super().act(offset, rule, form, by=by).until(offset, by=by)

    def upload(self, offset: str, parcel: dict[str, str] = PARCEL) -> Self:
        return self.act(offset, "upload_tracking", parcel)

    def correct(self, offset: str, parcel: dict[str, str] = OTHER_PARCEL, *, by: timedelta = timedelta(0)) -> Self:
        return self.act(offset, "correct_tracking", parcel, by=by)

    def report(
        self,
        offset: str,
        rule: str,
        form: dict[str, Any] | None = None,
        *,
        happened: str | None = None,
        by: timedelta = timedelta(0),
    ) -> Self:
        """Let the platform report a rule, by default when it happened."""
        now = after(offset) + by
        self.machine.advance(now)
        message = {
            "message_id": f"{rule}@{offset}{by}",
            "rule": rule,
            "form": form,
            "occurred_at": happened and after(happened).isoformat(),
        }
        take_message(self.machine, {name: value for name, value in message.items() if value is not None}, now)
        return self

    def scan(
        self,
        offset: str,
        form: dict[str, Any] | None = HUB,
        *,
        happened: str | None = None,
        by: timedelta = timedelta(0),
    ) -> Self:
        return self.report(offset, "scan", form, happened=happened, by=by)

    def reused(self, offset: str, used_at: str, *, same_person: bool = False, same_carrier: bool = True) -> Self:
        """Let the case be told of an earlier use of its number."""
        use = {"same_carrier": same_carrier, "same_person": same_person, "at": after(used_at).isoformat()}
        return self.report(offset, "number_reused", {"tracking_no": PARCEL["tracking_no"], "uses": [use]})


def watch_in(state: str, **changes: Any) -> Watch:
    """Return a watch that entered a state within 3 h of the order."""
    watch = Watch(**changes)
    match state:
        case "awaiting_pickup":
            watch.upload("1h")
        case "moving":
            watch.upload("1h").scan("2h")
        case "suspected":
            watch.upload("1h").scan("2h", ELSEWHERE)
        case "judged_false":
            watch.upload("1h").scan("2h").report("3h", "judge_false", REASON)
    assert watch.state == state
    return watch
