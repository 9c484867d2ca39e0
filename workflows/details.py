"""The short Markdown that the Web UI shows of a case; no personal data of buyers goes in."""

from datetime import datetime

from workflows.desk import allowed
from workflows.docket import Docket
from workflows.view import TIMELINE_SHOWN, deadlines, shanghai, states


def summary(docket: Docket) -> str:
    """The one line by which a case is known in lists."""
    facts = docket.case.facts
    money = f" · ¥{facts.at_stake}" if facts.at_stake is not None else ""
    return f"{docket.process.label} · 店铺 {facts.shop} · 订单 {facts.order}{money}"


def current_details(docket: Docket) -> str:
    """Where the case stands, by when, what may be done, what waits for a person, and what happened last."""
    process, record = docket.process, docket.record
    named = "、".join(f"{process.state_label(state)} `{state}`" for state in states(docket))
    lines = [f"### {named}", ""]
    for each in deadlines(docket):
        due = shanghai(datetime.fromisoformat(each["due"]))
        told = "已届满,正在向平台核实" if each["settling"] else f"届时:{each['label']}"
        lines.append(f"- ⏱ **{due}** {told} `{each['rule']}`")
    choices = "、".join(f"{process.rule_label(rule)} `{rule}`" for rule in allowed(docket))
    if choices:
        lines.append(f"- 可做:{choices}")
    lines += _stuck(docket)
    if record.timeline:
        lines += ["", "| 时间 | 动作 | 条款 |", "| --- | --- | --- |"]
    for entry in reversed(record.timeline[-TIMELINE_SHOWN:]):
        lines.append(f"| {shanghai(entry.at)} | {process.rule_label(entry.rule)} | {entry.clause} |")
    return "\n".join(lines)


def _stuck(docket: Docket) -> list[str]:
    effects, lines = docket.process.effects(), []
    for each in docket.record.stuck():
        label = effects[each.effect].label
        if each.task:
            lines.append(
                f"- 📋 **{label}**:{each.task.page} — {each.task.instruction}(办妥后 `done_by_hand`, {each.serial})"
            )
        else:
            lines.append(
                f"- ⚠️ **{label}** 需人工处理:{each.why}(`retry_effect` / `done_by_hand`, serial {each.serial})"
            )
    lines += [
        f"- ⚠️ **向平台核实「{docket.process.rule_label(each.rule)}」** 需人工处理:{each.why}(serial {each.serial})"
        for each in docket.record.settling
        if each.why
    ]
    return lines
