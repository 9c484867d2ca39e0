"""JD delay cards as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

from cases.durations import parse_duration
from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

DELAY = PROCESSES["jd_delay_card"]
SECOND = timedelta(seconds=1)
SHIPMENT = {"carrier": "JDL", "tracking_no": "JD1"}
REFUSAL = {"reason": "凭证中没有具体的发货时间"}
BEFORE_AMENDMENT = "2026-11-26"
"""The last edition whose cases follow the rules before the amendment."""
CHAT = {"kind": "chat_screenshot", "url": "https://example.com/chat.png"}
OPEN_STATES = (
    "sending",
    "awaiting_buyer",
    "declined",
    "expired",
    "emergency_review",
    "report_refused",
    "approved",
    "late",
)


def delay_facts(opened: datetime, own_id: str = "O1", **changes: str) -> dict[str, Any]:
    """Return the facts of an order promised within 10 days, with 20 days proposed; instants are written as offsets."""
    offsets = {"promised_ship_at": "10d", "proposed_ship_at": "20d", **changes}
    instants = {name: (opened + parse_duration(offset)).isoformat() for name, offset in offsets.items()}
    return {"shop_id": "S1", "order_id": own_id, "reason": "仓库盘点", **instants}


class Delay(UntimedCase):
    """A delay card, of the newest edition unless one is named; offsets count from the opening, also those in forms."""

    def __init__(self, policy: dict[str, Any] | None = None, edition: str | None = None, **changes: str) -> None:
        super().__init__(DELAY, "O1", delay_facts(OPENED, **changes), policy, edition)

    @property
    def booked(self) -> list[tuple[str, object]]:
        return [(entry.clause, entry.amount) for entry in self.machine.state.ledger]

    def sent(self, offset: str, at: str) -> Self:
        return self.act(offset, "card_sent", {"sent_at": after(at).isoformat()})

    def filed(self, offset: str, agreed: str = "20d") -> Self:
        form = {"agreed_ship_at": after(agreed).isoformat(), "evidence": [CHAT]}
        return self.act(offset, "file_emergency_report", form)

    def refused(self, offset: str) -> Self:
        form = REFUSAL if self.machine.case.amended else None
        return self.act(offset, "refuse_report", form)

    def ship(self, offset: str) -> Self:
        return self.act(offset, "ship", SHIPMENT)

    def report(self, offset: str, **message: Any) -> Self:
        take_message(self.machine, message, after(offset))
        return self


def card_in(state: str, edition: str | None = None, **changes: str) -> Delay:
    """Return a card, sent at the opening, that entered a state after 1 h, or when its clock ran out."""
    card = Delay(edition=edition, **(changes if state == "sending" else {"sent_at": "0s"} | changes))
    match state:
        case "declined":
            card.act("1h", "decline")
        case "expired":
            card.until("48h")
        case "emergency_review":
            card.act("1h", "decline").filed("1h")
        case "report_refused":
            card.act("1h", "decline").filed("1h").refused("1h")
        case "approved":
            card.act("1h", "accept")
        case "late":
            card.act("1h", "decline").filed("1h", agreed="2h").act("1h", "approve_report").until("2h")
    assert card.state == state
    return card
