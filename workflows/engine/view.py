"""What operators see of a case: the query ``view``, the details in the Web UI, and the search attributes."""

from collections import Counter
from datetime import datetime
from functools import cache
from typing import Any

from cases.forms import Form
from cases.models import expected
from statecharts.rules import OPERATORS
from workflows.engine.decisions import allowed
from workflows.engine.machine import CaseMachine
from workflows.engine.schedule import Kind
from workflows.engine.state import EffectState

TIMELINE_SHOWN = 5


def status(machine: CaseMachine) -> str:
    """Closed, or open."""
    return "closed" if machine.closed else "open"


def state_in_words(machine: CaseMachine) -> str:
    """Where the case stands, in one short line: of the orders how many stand where."""
    own = "、".join(machine.process.state_label(state) for state in machine.standing().states)
    stand = Counter(
        str(standing.chart.states_map[state].name)
        for standing in machine.standings()
        for state in standing.states
        if standing.order
    )
    orders = "、".join(f"{label} {many}" for label, many in stand.items())
    return f"{own}({orders})" if orders and not machine.closed else own


def deadlines(machine: CaseMachine) -> list[dict[str, Any]]:
    """The clocks that run, nearest first, and those that are being settled with the platform.

    ``decided_at``: when the shop's default ``decision`` goes before a clock (G-6).
    """
    settling = {(each.order, each.rule) for each in machine.record.settling}
    clocks = machine.process.clocks
    decided = {each.deadline: each.at for each in machine.moments(machine.record.latest) if each.kind is Kind.DECISION}
    return [
        {
            "rule": each.rule,
            "label": machine.process.rule_label(each.rule),
            "state": each.state,
            "order": each.order,
            "due": each.due.isoformat(),
            "of": clocks[each.rule].of.value,
            "settling": (each.order, each.rule) in settling,
            "decided_at": decided[each].isoformat() if each in decided else None,
            "decision": machine.case.policy.default_decision.value if each in decided else None,
        }
        for each in machine.deadlines()
    ]


def actions(machine: CaseMachine) -> list[dict[str, Any]]:
    """What people may do now, each with the JSON schema of its form; ``record``: only to record what was seen."""
    found = []
    for choice in allowed(machine):
        rule, line = machine.process.rules[choice.rule], machine.standing(choice.order).line(choice.rule)
        form = machine.case.form_type((line.form if line else None) or rule.form)
        costs = machine.case.part(choice.order).costs(choice.rule)
        found.append(
            {
                "rule": choice.rule,
                "order": choice.order,
                "label": machine.process.action_label(choice.rule),
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


def effect(machine: CaseMachine, each: EffectState) -> dict[str, Any]:
    """An effect and how far it is."""
    return {
        "serial": each.serial,
        "effect": each.effect,
        "label": machine.process.effects()[each.effect].label,
        "rule": each.rule,
        "order": each.order,
        "at": (each.ended or each.at).isoformat(),
        "status": each.status,
        "why": each.why,
        "note": each.note,
        "task": each.task.model_dump() if each.task else None,
    }


def standing(machine: CaseMachine) -> dict[str, Any]:
    """Where the case stands, in short: what an update answers."""
    return {
        "status": status(machine),
        "state": machine.states(),
        "label": "、".join(machine.process.state_label(state) for state in machine.states()),
        "deadline": next((each["due"] for each in deadlines(machine)), None),
    }


def view(machine: CaseMachine, now: datetime) -> dict[str, Any]:
    """Everything about a case: where it stands, why, what may be done next, and what is owed."""
    upcoming = machine.next_instant(now)
    record, process = machine.record, machine.process
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
        "case_id": machine.case_id,
        "process": process.name,
        "label": process.label,
        "status": status(machine),
        "finished": machine.finished,
        "busy": machine.busy,
        "next": upcoming.isoformat() if upcoming else None,
        "facts": machine.case.facts.model_dump(mode="json"),
        "state": machine.states(),
        "state_labels": [process.state_label(state) for state in machine.states()],
        "needs_operator": record.needs_operator(),
        "waits_for_operator": record.waits_for_operator(),
        "deadlines": deadlines(machine),
        "actions": actions(machine),
        "timeline": [
            {**entry.model_dump(mode="json"), "label": process.rule_label(entry.rule)} for entry in record.timeline
        ],
        "ignored": [each.model_dump(mode="json", exclude={"early"}) for each in record.ignored],
        "ignored_in_all": record.ignored_in_all,
        "settling": [each.model_dump(mode="json") for each in record.settling],
        "held": len(record.held),
        "effects": [effect(machine, each) for each in record.effects] + stuck,
        "ledger": [entry.model_dump(mode="json") for entry in record.ledger],
        "reminders": [each.model_dump(mode="json") for each in record.reminders],
        "news": [each.model_dump(mode="json") for each in record.news],
        "policy": machine.case.policy.model_dump(mode="json"),
    }
