"""The output of ``simulate --json``: a case's history, every instant in whole seconds from the opening."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from aftersales.files.offsets import whole
from workflows.engine.state import TimelineEntry
from workflows.engine.view import CaseView, EffectView, StuckExpiryView

SKIPPING = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
)
"""Events that only the simulation adds to a history."""
FIRED = {
    "rule": "rule",
    "by": "by",
    "from": "left",
    "to": "reached",
    "clause": "clause",
    "order": "order",
}
"""The fields of a rule that fired, with their names in the view."""
LEDGER = ("clause", "amount", "points", "status", "order")


def in_seconds(
    case: CaseView, origin: datetime, refused: list[dict[str, Any]], ignored: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a case in seconds from ``origin``; ``refused`` and ``ignored`` are what the case itself did not keep."""

    def at(instant: datetime) -> int:
        return whole(instant - origin)

    due = {expiry.serial: expiry.due for expiry in case.expiries}

    def ended(effect: EffectView | StuckExpiryView) -> datetime:
        return effect.at if isinstance(effect, EffectView) else due[effect.serial]

    def fired(entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
        return [
            {"at": at(entry.at), **{name: getattr(entry, field) for name, field in FIRED.items()}} for entry in entries
        ]

    return {
        "process": case.process,
        "case_id": case.case_id,
        "status": case.status,
        "state": case.state,
        "timeline": fired(case.timeline),
        "refused": refused,
        "ignored": [
            *(
                {"at": at(message.at), "rule": message.rule, "message_id": message.message_id, "why": message.why}
                for message in case.ignored
            ),
            *ignored,
        ],
        "effects": [
            {"at": at(ended(effect)), "effect": effect.effect, "status": effect.status}
            for effect in case.effects
            if effect.status != "pending"
        ],
        "ledger": [
            {name: written[name] for name in LEDGER}
            for written in (entry.model_dump(mode="json") for entry in case.ledger)
        ],
        "decisions": [
            {"at": at(decision.at), "rule": decision.rule, "status": decision.status, "why": decision.why}
            for decision in case.decisions
        ],
        "taken_back": fired(case.taken_back),
        "reminders": [{"at": at(reminder.at), "deadline": at(reminder.deadline)} for reminder in case.reminders],
    }


def history_size(history: WorkflowHistory) -> dict[str, int]:
    """Return the size of the case's history without the events of time skipping."""
    events = [event for event in history.events if event.event_type not in SKIPPING]
    return {"events": len(events), "bytes": sum(event.ByteSize() for event in events)}
