"""The short Markdown that the Web UI shows of a case; no personal data of buyers goes in."""

from datetime import datetime

from cases.models import clipped
from cases.shanghai import shanghai
from workflows.engine.activity_inputs import of_order
from workflows.engine.decisions import allowed, by_rule
from workflows.engine.machine import CaseMachine
from workflows.engine.view import TIMELINE_SHOWN, deadlines

DEADLINES_SHOWN = 6
STUCK_SHOWN = 3
WHY_SHOWN = 100
"""The Web UI asks for the details in an address line: they stay short, the query has the rest."""


def summary(machine: CaseMachine) -> str:
    """The one line by which a case is known in lists."""
    facts = machine.case.facts
    money = f" · ¥{machine.case.at_stake}" if machine.case.at_stake is not None else ""
    return f"{machine.process.label} · 店铺 {facts.shop} · 订单 {facts.order}{money}"


def opening_details(machine: CaseMachine) -> str:
    """What does not change of a case: whose it is, since when, and the figures its shop has set (G-9)."""
    facts, policy = machine.case.facts, machine.case.policy
    money = "" if machine.case.at_stake is None else f",金额 ¥{machine.case.at_stake}"
    lines = [f"- 案件 `{machine.case_id}`", f"- 店铺 {facts.shop},订单 {facts.order}{money}"]
    if facts.began_at is not None:
        lines.append(f"- 起算 {shanghai(facts.began_at)}(上海时间)")
    figures = {name: getattr(policy, name) for name in type(policy).model_fields}
    lines += [
        f"- 商家设定:{policy.label(name)} `{name}` = {figure.show()} ({figure.clause})"
        for name, figure in figures.items()
        if figure.standing == "set"
    ]
    return "\n".join(lines)


def current_details(machine: CaseMachine) -> str:
    """Where the case stands, by when, what may be done, what waits for a person, and what happened last."""
    process, record = machine.process, machine.record
    own = machine.standing()
    named = "、".join(f"{process.state_label(state)} `{state}`" for state in own.states)
    lines = [f"### {named}", "", *_orders(machine)]
    running = deadlines(machine)
    for each in running[:DEADLINES_SHOWN]:
        due = shanghai(datetime.fromisoformat(each["due"]))
        told = "已届满,正在向平台核实" if each["settling"] else f"届时:{each['label']}"
        lines.append(f"- ⏱ **{due}**(上海时间){told} `{each['rule']}`{of_order(each['order'])}")
        if each["decided_at"]:
            at = shanghai(datetime.fromisoformat(each["decided_at"]))
            lines.append(f"- 🤖 **{at}** 仍无人处理则按商家设定自动{process.rule_label(each['decision'])} (G-6)")
    if len(running) > DEADLINES_SHOWN:
        lines.append(f"- 另有 {len(running) - DEADLINES_SHOWN} 项时限,见查询 `view`")
    choices = by_rule(allowed(machine))
    told_of = (f"{process.action_label(rule)} `{rule}`{_listed(orders)}" for rule, orders in choices.items())
    if choices:
        lines.append(f"- 可做:{'、'.join(told_of)}")
    lines += [
        f"- 💰 {process.rule_label(rule)}{f' {cost.choice}' if cost.choice else ''}:{cost.note} ({cost.clause})"
        for rule in choices
        if not process.names_order(rule)
        for cost in machine.case.costs(rule)
    ]
    lines += [*_stuck(machine), *_undelivered(machine)]
    if record.timeline:
        lines += ["", "最近(上海时间):", ""]
    for entry in reversed(record.timeline[-TIMELINE_SHOWN:]):
        told = f"{process.rule_label(entry.rule)}{of_order(entry.order)}"
        lines.append(f"- {shanghai(entry.at)} {told} ({entry.clause})")
    return "\n".join(lines)


def _orders(machine: CaseMachine) -> list[str]:
    """Which orders stand where, while the case is open."""
    stand: dict[str, list[str]] = {}
    for standing in [] if machine.closed else machine.standings()[1:]:
        for state in standing.states:
            label = f"{standing.chart.states_map[state].name} `{state}`"
            stand.setdefault(label, []).append(standing.order or "")
    return [f"- {label}:{'、'.join(orders)}" for label, orders in stand.items()]


def _listed(orders: list[str]) -> str:
    return f"({'、'.join(orders)})" if orders else ""


def _undelivered(machine: CaseMachine) -> list[str]:
    found = machine.record.undelivered()
    return [f"- ⚠️ {len(found)} 条通知未送达:{clipped(found[-1].why or '', WHY_SHOWN)}"] if found else []


def _stuck(machine: CaseMachine) -> list[str]:
    effects = machine.process.effects()
    lines = [
        f"- ⚠️ **向平台核实「{machine.process.rule_label(each.rule)}」{of_order(each.order)}** 需人工处理:"
        f"{clipped(each.why, WHY_SHOWN)}(serial {each.serial})"
        for each in machine.record.settling
        if each.why
    ]
    for each in machine.record.stuck():
        label = effects[each.effect].label + of_order(each.order)
        if each.task:
            lines.append(
                f"- 📋 **{label}**:{each.task.page} — {each.task.instruction}"
                f"(办妥后 `done_by_hand`, serial {each.serial})"
            )
        else:
            lines.append(
                f"- ⚠️ **{label}** 需人工处理:{clipped(each.why or '', WHY_SHOWN)}"
                f"(`retry_effect` / `done_by_hand`, serial {each.serial})"
            )
    more = len(lines) - STUCK_SHOWN
    return lines[:STUCK_SHOWN] + ([f"- 另有 {more} 项待人工处理,见查询 `view`"] if more > 0 else [])
