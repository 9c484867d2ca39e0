"""A case as an operator reads it in a terminal."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from aftersales.cli.output import print_table, say, when
from aftersales.runtime.case_words import DECISION_LABELS, EFFECT_STATUS, WAYS
from cases.durations import format_duration
from cases.shanghai import shanghai
from workflows.engine.situation import order_suffix
from workflows.engine.view import CaseSummary, CaseView, EffectView, StuckExpiryView, TimelineView
from workflows.registry import PROCESSES


def print_case(case: CaseView) -> None:
    """Print what the query ``view`` answers."""
    say(f"{case.label}  {case.case_id}  {'、'.join(case.state_labels)} ({', '.join(case.state)})")
    _print_facts(case.facts)
    for deadline in case.deadlines:
        leads_to = "已届满,正在向平台核实" if deadline.resolving else f"届时:{deadline.label} ({deadline.rule})"
        say(f"  ⏱ {when(deadline.due)} {leads_to}{order_suffix(deadline.order)}")
        if deadline.decided_at:
            say(f"  🤖 {when(deadline.decided_at)} 仍无人处理则自动 {deadline.decision} (G-6)")
    for effect in case.effects:
        if effect.status in ("needs_operator", "console_task"):
            what = f"{effect.task.page}: {effect.task.instruction}" if effect.task else effect.why
            say(f"  ⚠️  serial {effect.serial} {effect.label}{order_suffix(effect.order)}: {what}")
    actions = [
        (action.rule, action.label + order_suffix(action.order), action.clause, action.fields)
        for action in case.actions
    ]
    print_table("可做的动作 / actions", ("动作", "说明", "条款", "表单"), actions)
    _print_costs_and_advice(case)
    _print_timeline("时间线 / timeline", case.timeline)
    if case.taken_back:
        _print_timeline("已撤回 / taken back", case.taken_back)
    _print_decisions(case)
    _print_steps(case)
    _print_notices(case)
    if case.ignored:
        ignored = [(shanghai(message.at), message.rule, message.message_id, message.why) for message in case.ignored]
        print_table("未采用的消息 / ignored", ("时间", "动作", "消息", "原因"), ignored)
    if case.ledger:
        ledger = [(entry.clause, entry.order, entry.amount, entry.points, entry.status) for entry in case.ledger]
        print_table("账目 / ledger", ("条款", "订单", "金额", "分", "状态"), ledger)


def _print_costs_and_advice(case: CaseView) -> None:
    for action in case.actions:
        for cost in action.costs:
            way = f" {cost.choice}" if cost.choice else ""
            say(f"  💰 {action.label}{order_suffix(action.order)}{way}: {cost.note} ({cost.clause})")
    for sentence in case.advice:
        say(f"  💡 {sentence}")


def _print_steps(case: CaseView) -> None:
    if case.effects:
        effects = [
            (effect.serial, effect.label + order_suffix(effect.order), _how_it_stands(effect))
            for effect in case.effects
        ]
        print_table("步骤 / effects", ("serial", "步骤", "情况"), effects)


def _how_it_stands(effect: EffectView | StuckExpiryView) -> str:
    """Return the status of a step; one that was done for a reason that no longer holds is marked (G-11)."""
    status = EFFECT_STATUS[effect.status]
    return f"⚠️ {status}:{effect.why}" if effect.status == "done" and effect.why else status


def _print_timeline(title: str, entries: Iterable[TimelineView]) -> None:
    rows = [(shanghai(entry.at), entry.label + order_suffix(entry.order), entry.clause) for entry in entries]
    print_table(title, ("时间", "动作", "条款"), rows)


def _print_decisions(case: CaseView) -> None:
    """Print who decided what, and what became of it (G-10, G-13)."""
    decisions = [
        (
            shanghai(decision.at),
            decision.label + order_suffix(decision.order),
            decision.actor,
            WAYS.get(decision.way or "", decision.way),
            DECISION_LABELS[decision.status],
            decision.why or decision.said,
        )
        for decision in case.decisions
    ]
    if decisions:
        print_table("决定 / decisions", ("时间", "决定", "谁", "方式", "结果", "说明"), decisions)


def print_answer(case_id: str, summary: CaseSummary) -> None:
    """Print what a case answers to a decision: its state, and what the platform has said."""
    say(f"{case_id}: {summary.label} ({', '.join(summary.state)}) {when(summary.deadline)}".rstrip())
    said = f": {summary.said}" if summary.said else ""
    if summary.decision == "taken":  # without words it may be one that no platform has to take
        say(f"  {'平台已受理' if said else '已生效'} / taken{said}")
    elif summary.task:
        serial = "" if summary.serial is None else f" --form serial={summary.serial}"
        say("  提交中 / being submitted: 须到平台后台办理,状态与时限不变 / it counts once it is done in the console")
        say(f"  {summary.task.page}: {summary.task.instruction}")
        say(f"  办妥后 / when done: aftersales act {case_id} done_by_hand{serial}")
    elif summary.decision == "being_submitted":
        say(f"  提交中 / being submitted: 平台尚未答复,状态与时限不变 / the platform has not answered yet{said}")


def _print_facts(facts: dict[str, Any]) -> None:
    """Print the facts on one line, and every item of a list of facts on a line of its own."""
    say(f"  {_facts_line({name: value for name, value in facts.items() if not isinstance(value, list)})}")
    for name, items in facts.items():
        for item in items if isinstance(items, list) else ():
            say(f"  {name}: {_facts_line(item) if isinstance(item, dict) else item}")


def _facts_line(facts: dict[str, Any]) -> str:
    known = ((name, value) for name, value in facts.items() if value not in (None, ""))
    return ",".join(f"{name} {str(value).lower() if isinstance(value, bool) else value}" for name, value in known)


def print_simulation(result: dict[str, Any]) -> None:
    """Print a simulation as a timeline in offsets from the opening."""
    process = PROCESSES[result["process"]]
    rows: list[tuple[int, str, str, str]] = []
    taken_back = [(entry, "↩ 已撤回:") for entry in result["taken_back"]]
    for entry, mark in [(entry, "") for entry in result["timeline"]] + taken_back:
        to = "、".join(process.state_label(state) for state in entry["to"])
        went = "不变" if entry["to"] == entry["from"] else f"→ {to}"
        what = process.rule_label(entry["rule"]) + order_suffix(entry["order"])
        rows.append((entry["at"], what, mark + went, entry["clause"]))
    refused = {(act["at"], act["rule"]) for act in result["refused"]}
    rows += [
        (decision["at"], process.rule_label(decision["rule"]), _submitted(decision), "")
        for decision in result["decisions"]
        if decision["status"] != "taken" and (decision["at"], decision["rule"]) not in refused
    ]
    rows += [(act["at"], process.rule_label(act["rule"]), f"✗ {act['error']}", "") for act in result["refused"]]
    rows += [
        (message["at"], process.rule_label(message["rule"] or "-"), f"… 未采用:{message['why']}", "")
        for message in result["ignored"]
    ]
    labels = {name: effect.label for name, effect in process.effects().items()}
    rows += [
        (effect["at"], labels.get(effect["effect"], effect["effect"]), EFFECT_STATUS[effect["status"]], "")
        for effect in result["effects"]
    ]
    rows += [(sent["at"], "提醒", f"{_offset(sent['deadline'])} 截止", "") for sent in result["reminders"]]
    rows.sort(key=lambda row: row[0])
    shown = [(_offset(at), *rest) for at, *rest in rows]
    print_table(f"{process.label} {result['case_id']}", ("时刻", "事件", "结果", "条款"), shown)
    labels_of = "、".join(process.state_label(state) for state in result["state"])
    ended = "已结束" if result["status"] == "closed" else "进行中"
    say(f"{ended}:{labels_of} ({', '.join(result['state'])})  历史 {result['history']['events']} 事件")
    for entry in result["ledger"]:
        counts = f"{entry['points']} 分" if entry["points"] else f"{entry['amount'] or '-'} 元"
        say(f"  账目 {entry['clause']}{order_suffix(entry['order'])}: {counts} ({entry['status']})")
    for name, other in result.get("also", {}).items():
        say()
        say(name)
        print_simulation(other)


def _submitted(decision: dict[str, Any]) -> str:
    """Return what became of a decision that has not counted (G-10)."""
    return DECISION_LABELS[decision["status"]] + (f":{decision['why']}" if decision["why"] else "")


def _print_notices(case: CaseView) -> None:
    for reminder in case.reminders:
        due = when(reminder.deadline)
        say(f"  提醒 {shanghai(reminder.at)}:{due} 截止{order_suffix(reminder.order)}{_undelivered(reminder.why)}")
    for notification in case.notifications:
        about = "案件结果" if notification.serial is None else f"待人工处理 serial {notification.serial}"
        say(f"  通知 {shanghai(notification.at)}:{about}{_undelivered(notification.why)}")


def _undelivered(why: str | None) -> str:
    return f" ⚠️ 未送达:{why}" if why else ""


def _offset(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))
