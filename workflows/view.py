"""What operators see of a case: the query ``view``, the details in the Web UI, and the search attributes."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cases.models import expected
from statecharts.rules import OPERATORS
from workflows.desk import allowed
from workflows.docket import Docket
from workflows.record import Owed

SHANGHAI = ZoneInfo("Asia/Shanghai")
TIMELINE_SHOWN = 5


def shanghai(instant: datetime) -> str:
    """An instant as an operator reads it: Shanghai time, to the minute."""
    return instant.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def status(docket: Docket) -> str:
    """Closed, or open."""
    return "closed" if docket.closed else "open"


def states(docket: Docket) -> list[str]:
    """Where the case stands, innermost states only; the final state alone once it is closed."""
    chart, entered = docket.process.chart, docket.record.past.entered
    final = [state for state in entered if chart.states_map[state].final]
    return final or [state for state in entered if chart.states_map[state].is_atomic]


def deadlines(docket: Docket) -> list[dict[str, Any]]:
    """The clocks that run, nearest first, and those that are being settled with the platform."""
    if docket.closed:
        return []
    settling, rules = docket.record.settling_states(), docket.process.chart.rules
    return [
        {
            "rule": each.rule,
            "label": docket.process.rule_label(each.rule),
            "state": each.state,
            "due": each.due.isoformat(),
            "of": clock.of.value,
            "settling": each.state in settling,
        }
        for each in sorted(docket.chart.deadlines())
        if (clock := rules[each.rule].clock)
    ]


def actions(docket: Docket) -> list[dict[str, Any]]:
    """What people may do now, each with the JSON schema of its form; ``record``: only to record what was seen."""
    chart = docket.chart
    found = []
    for name in allowed(docket):
        rule, line = chart.rules[name], chart.line(name)
        form = docket.case.form_type((line.form if line else None) or rule.form)
        found.append(
            {
                "rule": name,
                "label": docket.process.action_label(name),
                "party": rule.party.value,
                "record": rule.party not in OPERATORS,
                "clause": line.clause if line else "",
                "fields": expected(form),
                "cost": cost.model_dump(mode="json") if (cost := docket.case.costs(name)) else None,
                "form": form.model_json_schema(),
            }
        )
    return found


def effect(docket: Docket, each: Owed) -> dict[str, Any]:
    """An effect and how far it is."""
    return {
        "serial": each.serial,
        "effect": each.effect,
        "label": docket.process.effects()[each.effect].label,
        "rule": each.rule,
        "order": each.order,
        "at": (each.ended or each.at).isoformat(),
        "status": each.status,
        "why": each.why,
        "note": each.note,
        "task": each.task.model_dump() if each.task else None,
    }


def standing(docket: Docket) -> dict[str, Any]:
    """Where the case stands, in short: what an update answers."""
    return {
        "status": status(docket),
        "state": states(docket),
        "label": "、".join(docket.process.state_label(state) for state in states(docket)),
        "deadline": next((each["due"] for each in deadlines(docket)), None),
    }


def view(docket: Docket, now: datetime) -> dict[str, Any]:
    """Everything about a case: where it stands, why, what may be done next, and what is owed."""
    upcoming = docket.next_instant(now)
    record, process = docket.record, docket.process
    stuck = [
        {"serial": each.serial, "effect": "settle", "rule": each.rule, "status": "needs_operator", "why": each.why}
        for each in record.settling
        if each.why
    ]
    return {
        "case_id": docket.case_id,
        "process": process.name,
        "label": process.label,
        "status": status(docket),
        "finished": docket.finished,
        "busy": docket.busy,
        "next": upcoming.isoformat() if upcoming else None,
        "facts": docket.case.facts.model_dump(mode="json"),
        "state": states(docket),
        "state_labels": [process.state_label(state) for state in states(docket)],
        "needs_operator": record.needs_operator(),
        "waits_for_operator": record.waits_for_operator(),
        "deadlines": deadlines(docket),
        "actions": actions(docket),
        "timeline": [
            {**entry.model_dump(mode="json"), "label": process.rule_label(entry.rule)} for entry in record.timeline
        ],
        "ignored": [each.model_dump(mode="json") for each in record.ignored],
        "ignored_in_all": record.ignored_in_all,
        "settling": [each.model_dump(mode="json") for each in record.settling],
        "held": len(record.held),
        "effects": [effect(docket, each) for each in record.effects] + stuck,
        "ledger": [entry.model_dump(mode="json") for entry in record.ledger],
        "reminders": [each.model_dump(mode="json") for each in record.reminders],
        "policy": docket.case.policy.model_dump(mode="json"),
    }
