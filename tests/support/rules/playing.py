"""Scenarios written by tests, and the results of their runs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

HOUR = 3600
DAY = 24 * HOUR

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1234567890"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/chat.png"}


@dataclass
class Played:
    """The result that ``simulate`` prints, and the expectations that failed."""

    result: dict[str, Any]
    failed: list[str]

    @property
    def state(self) -> str:
        return ", ".join(self.result["state"])

    @property
    def status(self) -> str:
        return str(self.result["status"])

    @property
    def fired(self) -> list[tuple[int, str]]:
        return [(entry["at"], entry["rule"]) for entry in self.result["timeline"]]

    @property
    def clauses(self) -> list[str]:
        return [entry["clause"] for entry in self.result["timeline"]]

    @property
    def effects(self) -> list[tuple[int, str, str]]:
        return [(entry["at"], entry["effect"], entry["status"]) for entry in self.result["effects"]]

    @property
    def refused(self) -> list[tuple[int, str]]:
        return [(entry["at"], entry["rule"]) for entry in self.result["refused"]]

    @property
    def ignored(self) -> list[tuple[int, str | None]]:
        return [(entry["at"], entry["message_id"]) for entry in self.result["ignored"]]

    @property
    def reminders(self) -> list[tuple[int, int]]:
        return [(entry["at"], entry["deadline"]) for entry in self.result["reminders"]]

    @property
    def ledger(self) -> list[tuple[str, str | None, str]]:
        return [(entry["clause"], entry["amount"], entry["status"]) for entry in self.result["ledger"]]


LOOKED_AT = (
    "anxinjian_split_buyer_keeps",
    "anxinjian_split_changed_choice",
    "anxinjian_split_keep_all",
    "anxinjian_split_lost",
    "anxinjian_split_platform",
    "anxinjian_split_refunded_after_pick_up",
    "anxinjian_split_refunded_with_provider",
    "anxinjian_split_returned",
    "anxinjian_split_silent",
    "jd_presale_shortage_arrival_accepted",
    "jd_presale_shortage_deletion_refused",
    "jd_presale_shortage_paid_and_deleted",
)
"""The example scenarios that are played only once, by a test that checks the whole result."""

Perform = Callable[[dict[str, Any]], Awaitable[Played]]
"""Play a whole scenario, under an id of its own."""
Play = Callable[..., Awaitable[Played]]
"""Play a reship: ``steps`` in order, facts by name, what ``top_of`` takes, and ``opened_at``."""


def top_of(fields: dict[str, Any], names: Sequence[str] = ("policy", "platform", "until")) -> dict[str, Any]:
    """Return the part that belongs to the scenario; without ``reminded`` nobody is reminded, which halves the time."""
    top = {name: fields.pop(name) for name in names if name in fields}
    return (
        top if fields.pop("reminded", False) else {**top, "policy": {"reminders_before": [], **top.get("policy", {})}}
    )


def reship(own_id: str = "A1", **facts: Any) -> dict[str, Any]:
    """Return the facts of a reship applied for at the opening; a fact that is None is left out."""
    fields = {
        "shop_id": "S1",
        "after_sale_id": own_id,
        "order_id": "O1",
        "category_id": "C1",
        "reason": "never_received",
        "order_amount": "100.00",
        "applied_at": "+0s",
        **facts,
    }
    return {name: value for name, value in fields.items() if value is not None}


def act(at: str, rule: str, **form: Any) -> dict[str, Any]:
    return {"at": at, "act": rule, **({"form": form} if form else {})}


def ship(at: str) -> dict[str, Any]:
    return act(at, "ship", **SHIPMENT)


def refuse(at: str, **form: Any) -> dict[str, Any]:
    return act(at, "refuse", **{"reason": "已补发过一次", **form})


def report(at: str, rule: str | None, message_id: str | None = None, **fields: Any) -> dict[str, Any]:
    step = {"at": at, "report": rule, "message_id": message_id, **fields}
    return {name: value for name, value in step.items() if value is not None or name == "report"}


def expect(at: str, state: str) -> dict[str, Any]:
    return {"at": at, "expect": {"state": [state]}}
