"""The short Markdown that the Web UI shows for a case; it contains no personal data of buyers."""

from datetime import datetime

from cases.models import clipped
from cases.plain_text import as_code, as_markdown
from cases.shanghai import shanghai
from workflows.engine.decisions import allowed, orders_by_rule
from workflows.engine.situation import CaseSituation, order_suffix
from workflows.engine.view import TIMELINE_SHOWN, advice, deadlines

DEADLINES_SHOWN = 6
STUCK_SHOWN = 3
ADVICE_SHOWN = 4
WHY_SHOWN = 100
"""Characters shown of a reason.  The Web UI requests the details in a URL: they must be short."""


def static_summary(situation: CaseSituation) -> str:
    """Return the line that stands for a case in lists."""
    facts, stake = situation.case.facts, situation.case.at_stake
    parts = [situation.process.label, f"店铺 {as_markdown(facts.shop)}"]
    if facts.order is not None:
        parts.append(f"订单 {as_markdown(facts.order)}")
    if stake is not None:
        parts.append(f"¥{stake}")
    return " · ".join(parts)


def static_details(situation: CaseSituation) -> str:
    """Return the unchanging part: id, shop, order, beginning, and the figures that the shop has set (G-9)."""
    facts, policy, stake = situation.case.facts, situation.case.policy, situation.case.at_stake
    order = "" if facts.order is None else f",订单 {as_markdown(facts.order)}"
    money = "" if stake is None else f",金额 ¥{stake}"
    lines = [f"- 案件 {as_code(situation.case_id)}", f"- 店铺 {as_markdown(facts.shop)}{order}{money}"]
    if facts.began_at is not None:
        lines.append(f"- 起算 {shanghai(facts.began_at)}(上海时间)")
    figures = {name: getattr(policy, name) for name in type(policy).model_fields}
    lines += [
        f"- 商家设定:{policy.label(name)} `{name}` = {as_markdown(figure.show())} ({figure.clause})"
        for name, figure in figures.items()
        if figure.provenance == "set"
    ]
    return "\n".join(lines)


def current_details(situation: CaseSituation, now: datetime | None = None) -> str:
    """Return the states, deadlines, actions, costs, steps that wait for a person, and latest events."""
    process, state = situation.process, situation.state
    named = "、".join(f"{process.state_label(name)} `{name}`" for name in situation.chart_view().states)
    lines = [f"### {named}", "", *_orders(situation)]
    running = deadlines(situation)
    for deadline in running[:DEADLINES_SHOWN]:
        due = shanghai(deadline.due)
        leads_to = "已届满,正在向平台核实" if deadline.resolving else f"届时:{deadline.label}"
        lines.append(f"- ⏱ **{due}**(上海时间){leads_to} `{deadline.rule}`{_of_order(deadline.order)}")
        if deadline.decided_at and deadline.decision:
            at, decision = shanghai(deadline.decided_at), process.rule_label(deadline.decision)
            lines.append(f"- 🤖 **{at}** 仍无人处理则按商家设定自动{decision} (G-6)")
    if len(running) > DEADLINES_SHOWN:
        lines.append(f"- 另有 {len(running) - DEADLINES_SHOWN} 项时限,见查询 `view`")
    choices = orders_by_rule(allowed(situation, now))
    offered = (f"{process.action_label(rule)} `{rule}`{_listed(orders)}" for rule, orders in choices.items())
    if choices:
        lines.append(f"- 可做:{'、'.join(offered)}")
    lines += [
        f"- 💰 {process.rule_label(rule)}{f' {as_markdown(cost.choice)}' if cost.choice else ''}:"
        f"{as_markdown(cost.note)} ({cost.clause})"
        for rule in choices
        if not process.names_order(rule)
        for cost in situation.case.costs(rule)
    ]
    lines += [*_submissions(situation), *_stuck(situation), *_taken_back(situation), *_undelivered(situation)]
    lines += [f"- 💡 {sentence}" for sentence in advice(situation)[:ADVICE_SHOWN]]
    if state.timeline:
        lines += ["", "最近(上海时间):", ""]
    for entry in reversed(state.timeline[-TIMELINE_SHOWN:]):
        lines.append(
            f"- {shanghai(entry.at)} {process.rule_label(entry.rule)}{_of_order(entry.order)} ({entry.clause})"
        )
    return "\n".join(lines)


def _orders(situation: CaseSituation) -> list[str]:
    """Return the states of the orders while the case is open."""
    by_state: dict[str, list[str]] = {}
    for view in [] if situation.closed else situation.chart_views()[1:]:
        for state in view.states:
            label = f"{view.chart.states_map[state].name} `{state}`"
            by_state.setdefault(label, []).append(as_markdown(view.order or ""))
    return [f"- {label}:{'、'.join(orders)}" for label, orders in by_state.items()]


def _of_order(order: str | None) -> str:
    return order_suffix(as_markdown(order)) if order else ""


def _words(why: str | None) -> str:
    """Return the beginning of a reason, which may be in the words of others."""
    return as_markdown(clipped(why or "", WHY_SHOWN))


def _listed(orders: list[str]) -> str:
    return f"({'、'.join(map(as_markdown, orders))})" if orders else ""


def _submissions(situation: CaseSituation) -> list[str]:
    """Return the decisions that the platform has not taken yet (G-10), without those that wait for a person."""
    return [
        f"- ⏳ 提交中,平台尚未受理:**{situation.process.rule_label(decision.rule)}**{_of_order(decision.order)}"
        for decision in situation.state.submissions
        if decision.status == "pending"
    ]


def _taken_back(situation: CaseSituation) -> list[str]:
    """Return what was performed although facts told late have undone the reason for it (G-11)."""
    return [
        f"- ⚠️ **{situation.step_label(effect)}**{_of_order(effect.order)} 已执行,但依据已被迟到的事实撤回,请核对"
        for effect in situation.state.in_vain
    ]


def _undelivered(situation: CaseSituation) -> list[str]:
    undelivered = situation.state.undelivered
    if not undelivered:
        return []
    return [f"- ⚠️ {len(undelivered)} 条通知未送达:{_words(undelivered[-1].why)}"]


def _stuck(situation: CaseSituation) -> list[str]:
    lines = [
        f"- ⚠️ **向平台核实「{situation.process.rule_label(expiry.rule)}」{_of_order(expiry.order)}** 需人工处理:"
        f"{_words(expiry.why)}(serial {expiry.serial})"
        for expiry in situation.state.expiries
        if expiry.why
    ]
    for effect in situation.state.stuck:
        label = situation.step_label(effect) + _of_order(effect.order)
        if effect.task:
            lines.append(
                f"- 📋 **{label}**:{as_markdown(effect.task.page)} — {as_markdown(effect.task.instruction)}"
                f"(办妥后 `done_by_hand`, serial {effect.serial})"
            )
        else:
            lines.append(
                f"- ⚠️ **{label}** 需人工处理:{_words(effect.why)}"
                f"(`retry_effect` / `done_by_hand`, serial {effect.serial})"
            )
    more = len(lines) - STUCK_SHOWN
    return lines[:STUCK_SHOWN] + ([f"- 另有 {more} 项待人工处理,见查询 `view`"] if more > 0 else [])
