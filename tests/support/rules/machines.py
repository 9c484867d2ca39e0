"""Cases without Temporal, for tests of the rules."""

from datetime import datetime
from typing import Any

from cases.durations import parse_duration
from cases.messages import EffectOutcome, ExpiryOutcome, Opening
from tests.support.processes.claims import claim_facts
from tests.support.temporal.life import facts
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

RESHIP, CLAIM = PROCESSES["douyin_reship"], PROCESSES["claim_1688"]
OPENED = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
REFUSAL = {"reason": "已签收"}
CONSENTED = {
    "reason": "缺货",
    "after_consent": True,
    "evidence": [{"kind": "buyer_consent", "url": "https://example.com/1.png"}],
}


def decide(of: CaseMachine, rule: str, raw: Any, now: datetime) -> None:
    """Take a decision on a platform that takes it at once."""
    decision = of.submit(rule, raw, now, key=f"test-{of.state.last_serial}")
    if decision.being_submitted:
        of.take(decision.serial, EffectOutcome(), now)


class PromptMachine(CaseMachine):
    """A case whose platform takes every decision at once."""

    def decide(self, rule: str, raw: Any, now: datetime) -> None:
        decide(self, rule, raw, now)


def after(offset: str) -> datetime:
    """Return an instant, counted from the application."""
    return OPENED + parse_duration(offset)


def machine(reason: str = "never_received", policy: dict[str, Any] | None = None, **changes: Any) -> PromptMachine:
    record = facts("A1", reason=reason, **{"applied_at": OPENED.isoformat(), **changes})
    return PromptMachine(RESHIP, "douyin_reship/A1", RESHIP.open_case(Opening(facts=record, policy=policy or {})))


def claim(policy: dict[str, Any] | None = None) -> PromptMachine:
    opening = Opening(facts=claim_facts("C1", OPENED), policy=policy or {})
    return PromptMachine(CLAIM, "claim_1688/C1", CLAIM.open_case(opening))


def settle(of: CaseMachine, offset: str, answer: ExpiryOutcome | None = None) -> None:
    """Let the clock due by ``offset`` run out and the platform answer at once; without an answer it has no record."""
    of.advance(after(offset))
    (settling,) = of.state.expiries
    of.resolve_expiry(settling.serial, answer or ExpiryOutcome(), after(offset))
    of.advance(after(offset))


def report(of: CaseMachine, offset: str, **message: Any) -> None:
    """Let a message arrive ``offset`` after the application; offsets in it are written as instants."""
    instants = {name: after(message[name]).isoformat() for name in ("occurred_at", "deadline") if name in message}
    take_message(of, {**message, **instants}, after(offset))


def where(of: CaseMachine) -> list[str]:
    return list(of.state.snapshot.entered)


def fired(of: CaseMachine) -> list[str]:
    return [entry.rule for entry in of.state.timeline]


def pending(of: CaseMachine) -> list[str]:
    return [effect.effect for effect in of.state.pending]


def submitted(of: CaseMachine) -> list[str]:
    """Return the effects by which decisions were submitted that the platform has taken."""
    return [decision.effect for decision in of.state.decisions if decision.effect and decision.status == "done"]


def booked(of: CaseMachine) -> list[str]:
    """Return the effects that are entries of the ledger in force."""
    return [effect.effect for effect in of.state.effects if effect.entry]


def reminded(of: CaseMachine) -> list[datetime]:
    return [reminder.at for reminder in of.state.reminders]
