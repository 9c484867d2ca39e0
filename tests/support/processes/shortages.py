"""JD presale shortages as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

import pytest

from cases.durations import parse_duration
from cases.errors import Refused
from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

SHORTAGE = PROCESSES["jd_presale_shortage"]
SECOND = timedelta(seconds=1)
SHIPMENT = {"carrier": "JDL", "tracking_no": "JD1"}
CALL = {"kind": "call_record", "url": "https://example.com/call.mp3"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/chat.png"}
DELETION = {"evidence": [CONSENT]}
OPEN_STATES = ("negotiating", "calling", "awaiting_buyer", "must_ship", "deletion_review")
ENDS = ("terminated", "shipped", "late", "lapsed")


def shortage_facts(opened: datetime, own_id: str = "O1", promised: str = "5d", *, paid: bool = False) -> dict[str, Any]:
    """Return the facts of a presale order promised within 5 days, with a deposit of 50.00."""
    return {
        "shop_id": "S1",
        "order_id": own_id,
        "deposit": "50.00",
        "balance_paid": paid,
        "promised_ship_at": (opened + parse_duration(promised)).isoformat(),
    }


class Shortage(UntimedCase):
    """A presale shortage; offsets count from the opening, also those in forms and messages."""

    def __init__(self, policy: dict[str, Any] | None = None, promised: str = "5d", *, paid: bool = False) -> None:
        super().__init__(SHORTAGE, "O1", shortage_facts(OPENED, promised=promised, paid=paid), policy)

    @property
    def pending(self) -> list[str]:
        performed = {name for name, effect in SHORTAGE.effects().items() if effect.is_performed}
        return [effect.effect for effect in self.machine.state.pending if effect.effect in performed]

    @property
    def booked(self) -> list[tuple[str, str | None]]:
        return [
            (entry.clause, None if entry.amount is None else str(entry.amount)) for entry in self.machine.state.ledger
        ]

    @property
    def reminded(self) -> list[tuple[str, datetime]]:
        return [(reminder.rule, reminder.at) for reminder in self.machine.state.reminders]

    def until(self, offset: str, *, by: timedelta = timedelta(0)) -> Self:
        """Let time pass, instant by instant."""
        end = after(offset) + by
        now = self.machine.next_instant(self.machine.state.latest)
        while now is not None and now < end:
            self.machine.advance(now)
            now = self.machine.next_instant(now)
        self.machine.advance(end)
        return self

    def act(self, offset: str, rule: str, form: dict[str, Any] | None = None, *, by: timedelta = timedelta(0)) -> Self:
        return super().act(offset, rule, form, by=by).until(offset, by=by)

    def told(self, offset: str, arrival: str = "9d") -> Self:
        return self.act(offset, "tell_arrival", {"arrival_at": after(arrival).isoformat(), "evidence": [CALL]})

    def ship(self, offset: str) -> Self:
        return self.act(offset, "ship", SHIPMENT)

    def report(self, offset: str, **message: Any) -> Self:
        instants = {name: after(message[name]).isoformat() for name in ("occurred_at",) if name in message}
        take_message(self.machine, {**message, **instants}, after(offset))
        return self

    def refusal(self, offset: str, rule: str, form: dict[str, Any] | None = None) -> str:
        """Return why an action is refused."""
        self.until(offset)
        with pytest.raises(Refused) as refused:
            self.act(offset, rule, form)
        return str(refused.value)


def shortage_in(state: str) -> Shortage:
    """Return a presale order promised within 5 days that entered a state after 1 h, or when its clock ran out."""
    shortage = Shortage(paid=state not in ("negotiating", "lapsed"))
    match state:
        case "awaiting_buyer":
            shortage.told("1h")
        case "must_ship":
            shortage.told("1h").act("1h", "accept_arrival")
        case "deletion_review" | "terminated":
            shortage.act("1h", "file_deletion", DELETION)
            if state == "terminated":
                shortage.act("1h", "approve_deletion")
        case "shipped":
            shortage.ship("1h")
        case "late":
            shortage.told("1h").act("1h", "refuse_arrival")
        case "lapsed":
            shortage.until("5d")
    assert shortage.state == state
    return shortage
