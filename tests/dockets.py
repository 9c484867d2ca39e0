"""Cases without Temporal, for tests of what the rules say."""

from datetime import datetime
from typing import Any

from cases.durations import parse_duration
from cases.messages import Opening
from tests.life import facts
from workflows import inbox
from workflows.docket import Docket
from workflows.registry import PROCESSES

RESHIP = PROCESSES["douyin_reship"]
OPENED = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
REFUSAL = {"reason": "已签收"}
CONSENTED = {
    "reason": "缺货",
    "after_consent": True,
    "evidence": [{"kind": "buyer_consent", "url": "https://example.com/1.png"}],
}


def after(offset: str) -> datetime:
    """An instant, counted from the application."""
    return OPENED + parse_duration(offset)


def docket(reason: str = "never_received", policy: dict[str, Any] | None = None, **given: Any) -> Docket:
    told = facts("A1", reason=reason, **{"applied_at": OPENED.isoformat(), **given})
    return Docket(RESHIP, "douyin_reship/A1", RESHIP.open_case(Opening(facts=told, policy=policy or {})))


def report(of: Docket, offset: str, **message: Any) -> None:
    """Let a message arrive ``offset`` after the application; offsets in it are written as instants."""
    instants = {name: after(message[name]).isoformat() for name in ("occurred_at", "deadline") if name in message}
    inbox.receive(of, {**message, **instants}, after(offset))


def where(of: Docket) -> list[str]:
    return list(of.record.past.entered)


def fired(of: Docket) -> list[str]:
    return [entry.rule for entry in of.record.timeline]


def owed(of: Docket) -> list[str]:
    return [effect.effect for effect in of.record.owed()]


def reminded(of: Docket) -> list[datetime]:
    return [each.at for each in of.record.reminders]
