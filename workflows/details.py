"""The short Markdown that the Web UI shows of a case; no personal data of buyers goes in."""

from datetime import datetime

from cases.shanghai import shanghai
from cases.texts import clipped
from workflows.calls import of_order
from workflows.desk import allowed, by_rule
from workflows.docket import Docket
from workflows.view import TIMELINE_SHOWN, deadlines

DEADLINES_SHOWN = 6
STUCK_SHOWN = 3
WHY_SHOWN = 100
"""The Web UI asks for the details in an address line: they stay short, the query has the rest."""


def summary(docket: Docket) -> str:
    """The one line by which a case is known in lists."""
    facts = docket.case.facts
    money = f" · ¥{docket.case.at_stake}" if docket.case.at_stake is not None else ""
    return f"{docket.process.label} · 店铺 {facts.shop} · 订单 {facts.order}{money}"


def opening_details(docket: Docket) -> str:
    """What does not change of a case: whose it is, since when, and the figures its shop has set (G-9)."""
    facts, policy = docket.case.facts, docket.case.policy
    money = "" if docket.case.at_stake is None else f",金额 ¥{docket.case.at_stake}"
    lines = [f"- 案件 `{docket.case_id}`", f"- 店铺 {facts.shop},订单 {facts.order}{money}"]
    if facts.began_at is not None:
        lines.append(f"- 起算 {shanghai(facts.began_at)}(上海时间)")
    figures = {name: getattr(policy, name) for name in type(policy).model_fields}
    lines += [
        f"- 商家设定:{policy.label(name)} `{name}` = {figure.show()} ({figure.clause})"
        for name, figure in figures.items()
        if figure.standing == "set"
    ]
    return "\n".join(lines)


def current_details(docket: Docket) -> str:
    """Where the case stands, by when, what may be done, what waits for a person, and what happened last."""
    process, record = docket.process, docket.record
    own = docket.standing()
    named = "、".join(f"{process.state_label(state)} `{state}`" for state in own.states)
    lines = [f"### {named}", "", *_orders(docket)]
    running = deadlines(docket)
    for each in running[:DEADLINES_SHOWN]:
        due = shanghai(datetime.fromisoformat(each["due"]))
        told = "已届满,正在向平台核实" if each["settling"] else f"届时:{each['label']}"
        lines.append(f"- ⏱ **{due}**(上海时间){told} `{each['rule']}`{of_order(each['order'])}")
        if each["decided_at"]:
            at = shanghai(datetime.fromisoformat(each["decided_at"]))
            lines.append(f"- 🤖 **{at}** 仍无人处理则按商家设定自动{process.rule_label(each['decision'])} (G-6)")
    if len(running) > DEADLINES_SHOWN:
        lines.append(f"- 另有 {len(running) - DEADLINES_SHOWN} 项时限,见查询 `view`")
    choices = by_rule(allowed(docket))
    told_of = (f"{process.action_label(rule)} `{rule}`{_listed(orders)}" for rule, orders in choices.items())
    if choices:
        lines.append(f"- 可做:{'、'.join(told_of)}")
    lines += [
        f"- 💰 {process.rule_label(rule)}{f' {cost.choice}' if cost.choice else ''}:{cost.note} ({cost.clause})"
        for rule in choices
        if not process.names_order(rule)
        for cost in docket.case.costs(rule)
    ]
    lines += [*_stuck(docket), *_undelivered(docket)]
    if record.timeline:
        lines += ["", "最近(上海时间):", ""]
    for entry in reversed(record.timeline[-TIMELINE_SHOWN:]):
        told = f"{process.rule_label(entry.rule)}{of_order(entry.order)}"
        lines.append(f"- {shanghai(entry.at)} {told} ({entry.clause})")
    return "\n".join(lines)


def _orders(docket: Docket) -> list[str]:
    """Which orders stand where, while the case is open."""
    stand: dict[str, list[str]] = {}
    for standing in [] if docket.closed else docket.standings()[1:]:
        for state in standing.states:
            label = f"{standing.chart.states_map[state].name} `{state}`"
            stand.setdefault(label, []).append(standing.order or "")
    return [f"- {label}:{'、'.join(orders)}" for label, orders in stand.items()]


def _listed(orders: list[str]) -> str:
    return f"({'、'.join(orders)})" if orders else ""


def _undelivered(docket: Docket) -> list[str]:
    found = docket.record.undelivered()
    return [f"- ⚠️ {len(found)} 条通知未送达:{clipped(found[-1].why or '', WHY_SHOWN)}"] if found else []


def _stuck(docket: Docket) -> list[str]:
    effects = docket.process.effects()
    lines = [
        f"- ⚠️ **向平台核实「{docket.process.rule_label(each.rule)}」{of_order(each.order)}** 需人工处理:"
        f"{clipped(each.why, WHY_SHOWN)}(serial {each.serial})"
        for each in docket.record.settling
        if each.why
    ]
    for each in docket.record.stuck():
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
