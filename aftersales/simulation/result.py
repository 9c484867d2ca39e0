"""What ``simulate --json`` prints: a case's own story, every instant in whole seconds from the opening."""

from datetime import datetime
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from aftersales.files.offsets import whole

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


def in_seconds(
    seen: dict[str, Any], origin: datetime, refused: list[dict[str, Any]], ignored: list[dict[str, Any]]
) -> dict[str, Any]:
    """A case's view in seconds from ``origin``; ``refused`` and ``ignored``: what the case itself did not keep."""

    def at(written: str) -> int:
        return whole(datetime.fromisoformat(written) - origin)

    due = {each["serial"]: each["due"] for each in seen["settling"]}
    return {
        **{name: seen[name] for name in ("process", "case_id", "status", "state")},
        "timeline": [
            {"at": at(each["at"]), **{name: each[field] for name, field in FIRED.items()}} for each in seen["timeline"]
        ],
        "refused": refused,
        "ignored": [*({**each, "at": at(each["at"])} for each in seen["ignored"]), *ignored],
        "effects": [
            {
                "at": at(each["at"] if "at" in each else due[each["serial"]]),
                "effect": each["effect"],
                "status": each["status"],
            }
            for each in seen["effects"]
            if each["status"] != "owed"
        ],
        "ledger": [
            {name: entry[name] for name in ("clause", "amount", "points", "status", "order")}
            for entry in seen["ledger"]
        ],
        "reminders": [{"at": at(each["at"]), "deadline": at(each["deadline"])} for each in seen["reminders"]],
    }


def history_size(history: WorkflowHistory) -> dict[str, int]:
    """How long the case's history would be without the skipping of time."""
    events = [each for each in history.events if each.event_type not in SKIPPING]
    return {"events": len(events), "bytes": sum(each.ByteSize() for each in events)}
