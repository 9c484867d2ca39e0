"""What operators see of a case: the query ``view``, the details in the Web UI, and the search attributes."""

from collections import Counter
from datetime import datetime
from functools import cache
from typing import Any

from cases.forms import Form
from cases.models import expected
from statecharts.rules import OPERATORS
from workflows.desk import allowed
from workflows.docket import Docket
from workflows.instants import Kind
from workflows.record import Owed

TIMELINE_SHOWN = 5


def status(docket: Docket) -> str:
    """Closed, or open."""
    return "closed" if docket.closed else "open"


def state_in_words(docket: Docket) -> str:
    """Where the case stands, in one short line: of the orders how many stand where."""
    own = "、".join(docket.process.state_label(state) for state in docket.standing().states)
    stand = Counter(
        str(standing.chart.states_map[state].name)
        for standing in docket.standings()
        for state in standing.states
        if standing.order
    )
    orders = "、".join(f"{label} {many}" for label, many in stand.items())
    return f"{own}({orders})" if orders and not docket.closed else own


def deadlines(docket: Docket) -> list[dict[str, Any]]:
    """The clocks that run, nearest first, and those that are being settled with the platform.

    ``decided_at``: when the shop's default ``decision`` goes before a clock (G-6).
    """
    settling = {(each.order, each.rule) for each in docket.record.settling}
    clocks = docket.process.clocks
    decided = {each.deadline: each.at for each in docket.moments(docket.record.latest) if each.kind is Kind.DECISION}
    return [
        {
            "rule": each.rule,
            "label": docket.process.rule_label(each.rule),
            "state": each.state,
            "order": each.order,
            "due": each.due.isoformat(),
            "of": clocks[each.rule].of.value,
            "settling": (each.order, each.rule) in settling,
            "decided_at": decided[each].isoformat() if each in decided else None,
            "decision": docket.case.policy.default_decision.value if each in decided else None,
        }
        for each in docket.deadlines()
    ]


def actions(docket: Docket) -> list[dict[str, Any]]:
    """What people may do now, each with the JSON schema of its form; ``record``: only to record what was seen."""
    found = []
    for choice in allowed(docket):
        rule, line = docket.process.rules[choice.rule], docket.standing(choice.order).line(choice.rule)
        form = docket.case.form_type((line.form if line else None) or rule.form)
        costs = docket.case.part(choice.order).costs(choice.rule)
        found.append(
            {
                "rule": choice.rule,
                "order": choice.order,
                "label": docket.process.action_label(choice.rule),
                "party": rule.party.value,
                "record": rule.party not in OPERATORS,
                "clause": line.clause if line else "",
                "fields": expected(form),
                "costs": [cost.model_dump(mode="json") for cost in costs],
                "form": _schema(form),
            }
        )
    return found


@cache
def _schema(form: type[Form]) -> dict[str, Any]:
    return form.model_json_schema()


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
        "state": docket.states(),
        "label": "、".join(docket.process.state_label(state) for state in docket.states()),
        "deadline": next((each["due"] for each in deadlines(docket)), None),
    }


def view(docket: Docket, now: datetime) -> dict[str, Any]:
    """Everything about a case: where it stands, why, what may be done next, and what is owed."""
    upcoming = docket.next_instant(now)
    record, process = docket.record, docket.process
    stuck = [
        {
            "serial": each.serial,
            "effect": "settle",
            "rule": each.rule,
            "order": each.order,
            "status": "needs_operator",
            "why": each.why,
        }
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
        "state": docket.states(),
        "state_labels": [process.state_label(state) for state in docket.states()],
        "needs_operator": record.needs_operator(),
        "waits_for_operator": record.waits_for_operator(),
        "deadlines": deadlines(docket),
        "actions": actions(docket),
        "timeline": [
            {**entry.model_dump(mode="json"), "label": process.rule_label(entry.rule)} for entry in record.timeline
        ],
        "ignored": [each.model_dump(mode="json", exclude={"early"}) for each in record.ignored],
        "ignored_in_all": record.ignored_in_all,
        "settling": [each.model_dump(mode="json") for each in record.settling],
        "held": len(record.held),
        "effects": [effect(docket, each) for each in record.effects] + stuck,
        "ledger": [entry.model_dump(mode="json") for entry in record.ledger],
        "reminders": [each.model_dump(mode="json") for each in record.reminders],
        "news": [each.model_dump(mode="json") for each in record.news],
        "policy": docket.case.policy.model_dump(mode="json"),
    }
